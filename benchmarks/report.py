"""How every benchmark says what it measured: a table with units, the machine, and JSON."""

import json
import os
import platform
import statistics
import sys
from collections.abc import Sequence
from typing import Any

import attrs


@attrs.frozen
class Row:
    """One figure; ``goal`` is the project's own, e.g. ``≥ 1500`` or ``≤ 1``, "" without one."""

    what: str
    value: float
    unit: str
    goal: str = ""

    def met(self) -> bool | None:
        if not self.goal:
            return None
        sign, number = self.goal.split()
        return self.value >= float(number) if sign == "≥" else self.value <= float(number)


def machine() -> str:
    """Name the machine as far as a figure depends on it."""
    model = platform.machine()
    try:
        with open("/proc/cpuinfo") as file:
            names = [
                line.split(":", 1)[1].strip() for line in file if line.startswith("model name")
            ]
        model = names[0] if names else model
    except OSError:
        pass
    return f"{os.cpu_count()} × {model}, Python {platform.python_version()}, {sys.platform}"


def publish(title: str, workload: str, rows: Sequence[Row], *, as_json: bool) -> None:
    """Print one benchmark's result, for people or as one JSON line."""
    if as_json:
        figures: list[dict[str, Any]] = [attrs.asdict(row) | {"met": row.met()} for row in rows]
        record = {
            "benchmark": title,
            "workload": workload,
            "machine": machine(),
            "figures": figures,
        }
        print(json.dumps(record, ensure_ascii=False))
        return
    print(f"{title}: {workload}")
    print(f"  on {machine()}")
    width = max(len(row.what) for row in rows)
    for row in rows:
        met = row.met()
        verdict = "" if met is None else f"  goal {row.goal}: {'met' if met else 'MISSED'}"
        print(f"  {row.what:<{width}}  {row.value:>12,.3f} {row.unit:<10}{verdict}")


def median(values: Sequence[float]) -> float:
    return statistics.median(values)
