"""The examples and the benchmark run as they are shown."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(*command: str) -> str:
    done = subprocess.run(
        [sys.executable, *command],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_three_members_in_a_for_loop() -> None:
    assert run("examples/raft/three_members.py").count("leads term") == 2


def test_a_changed_rule_breaks_a_promise() -> None:
    said = run("examples/raft/break_a_rule.py")
    kept, broken = said.split("without the rule:")
    assert "the promise was kept" in kept
    assert "BROKEN: at 2 somebody has applied b'x' already" in broken
    assert broken.strip().endswith("the promise was broken")


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_members_over_streams_apply_the_same(backend: str) -> None:
    said = run("-W", "error", "examples/raft/over_streams.py", backend)
    assert said.count("applied [b'one', b'two', b'three']") == 3


def test_no_example_is_forgotten() -> None:
    names = {path.name for path in (ROOT / "examples/raft").glob("*.py")}
    assert names == {"three_members.py", "over_streams.py", "break_a_rule.py"}


@pytest.mark.parametrize("option", ["--smoke", "--json"])
def test_the_benchmark_runs_at_its_smoke_size(option: str) -> None:
    seen = run("benchmarks/raft_loop.py", "--smoke", option)
    if option == "--json":
        assert json.loads(seen)["benchmark"] == "raft_loop"
    else:
        assert "commits/s" in seen
