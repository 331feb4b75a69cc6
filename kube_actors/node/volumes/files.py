"""Puts a volume's files on disk so that a reader sees all of an update or nothing of it.

As Kubernetes does: the files live in a directory of their own, ``..data`` is a symbolic link to
it, each top-level name is a link through ``..data``, and an update swaps that one link by rename.
"""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from kube_actors.node.volumes.sources import File

_DATA = "..data"


def write_volume(directory: Path, files: Mapping[str, File]) -> bool:
    """Make ``directory`` hold exactly ``files``; return whether anything changed."""
    directory.mkdir(parents=True, exist_ok=True)
    link = directory / _DATA
    old = _target(link)
    if old is not None and _current(directory / old) == dict(files):
        return False
    generation = int(old.removeprefix("..")) + 1 if old is not None else 1
    target = directory / f"..{generation}"
    if target.exists():
        shutil.rmtree(target)
    target.mkdir()
    for path, file in files.items():
        place = target / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(file.data)
        place.chmod(file.mode)
    staged = directory / "..data_tmp"
    staged.unlink(missing_ok=True)
    staged.symlink_to(target.name)
    staged.rename(link)
    _link_names(directory, {path.partition("/")[0] for path in files})
    if old is not None:
        shutil.rmtree(directory / old, ignore_errors=True)
    return True


def _target(link: Path) -> str | None:
    try:
        return os.readlink(link)
    except FileNotFoundError:
        return None


def _link_names(directory: Path, names: set[str]) -> None:
    for name in sorted(names):
        link = directory / name
        if not link.is_symlink():
            link.symlink_to(f"{_DATA}/{name}")
    for entry in sorted(directory.iterdir()):
        if not entry.name.startswith("..") and entry.is_symlink() and entry.name not in names:
            entry.unlink()


def _current(directory: Path) -> dict[str, File]:
    if not directory.is_dir():
        return {}
    return {
        str(path.relative_to(directory)): File(path.read_bytes(), path.stat().st_mode & 0o777)
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }
