"""The benchmark of the simulated Raft group runs, and its seeds break no promise."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.real_time
def test_the_benchmark_runs_at_its_smoke_size() -> None:
    done = subprocess.run(
        [sys.executable, "benchmarks/simulation_raft.py", "--smoke", "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=500,
        check=True,
    )
    seen = json.loads(done.stdout)
    assert seen["benchmark"] == "simulation_raft"
    assert {figure["what"]: figure["value"] for figure in seen["figures"]}[
        "seeds with findings"
    ] == 0
