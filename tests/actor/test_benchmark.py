import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "actor_channel.py"


@pytest.mark.real_time
def test_the_channel_benchmark_runs_in_its_smoke_size() -> None:
    done = subprocess.run(
        [sys.executable, str(BENCHMARK), "--smoke", "--json", "-"],
        capture_output=True,
        text=True,
        check=True,
    )
    rows = json.loads(done.stdout)["rows"]
    assert len(rows) == 12
    assert all(row["value"] > 0 for row in rows)
