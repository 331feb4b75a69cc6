import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "store_put.py"


@pytest.mark.real_time
def test_the_put_benchmark_runs_in_its_smoke_size() -> None:
    done = subprocess.run(
        [sys.executable, str(BENCHMARK), "--smoke", "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    figures = json.loads(done.stdout)["figures"]
    assert len(figures) == 12
    assert all(figure["value"] > 0 for figure in figures)
