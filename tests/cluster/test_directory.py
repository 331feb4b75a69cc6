"""Scratch directories: gone with their process, or swept by the next one."""

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from kube_actors.cluster import sweep_scratch
from kube_actors.cluster.directory import cluster_directory

KILLED = """
import os, tempfile
from kube_actors.cluster.directory import cluster_directory
tempfile.tempdir = {place!r}
with cluster_directory(None) as directory:
    (directory / "pod").mkdir()
    os.kill(os.getpid(), 9)
"""


def test_what_a_killed_process_left_is_swept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    program = KILLED.format(place=str(tmp_path))
    done = subprocess.run([sys.executable, "-c", program], check=False)
    assert done.returncode == -9
    (left,) = tmp_path.iterdir()
    assert (left / "pod").exists()
    foreign = tmp_path / "kube-actors-without-a-lock"
    foreign.mkdir()
    with cluster_directory(None) as mine:
        sweep_scratch()
        assert sorted(tmp_path.iterdir()) == sorted([foreign, mine])
    assert list(tmp_path.iterdir()) == [foreign]


def test_what_somebody_kept_is_never_swept_whatever_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    kept = tmp_path / "kube-actors-data"
    with cluster_directory(kept):
        (kept / "store").mkdir()
    sweep_scratch()
    assert (kept / "store").exists()
