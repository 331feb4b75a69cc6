"""The benchmarks of the API run in their smoke size."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.mark.real_time
@pytest.mark.parametrize("name", ["apiserver_create", "apiserver_https", "watch_fanout"])
def test_a_benchmark_runs_in_its_smoke_size(name: str) -> None:
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / f"{name}.py"), "--smoke", "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    figures = json.loads(done.stdout)["figures"]
    assert all(figure["value"] > 0 for figure in figures if figure["what"] != "lost")
