"""Every benchmark runs at its smoke size and says what it measured."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
NAMES = sorted(path.name for path in BENCHMARKS.glob("*_*.py"))


@pytest.mark.real_time
@pytest.mark.parametrize("name", NAMES)
def test_a_benchmark_reports_its_figures(name: str) -> None:
    command = [sys.executable, str(BENCHMARKS / name), "--smoke", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stderr
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert records
    for record in records:
        assert record["machine"]
        assert record["workload"]
        assert all(figure["value"] >= 0 and figure["unit"] for figure in record["figures"])
