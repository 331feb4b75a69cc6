"""Numbers for Prometheus: counters, gauges and histograms, written in its text format.

A scrape costs what there is to print and never blocks the loop noticeably; updating costs a dict
look-up. Names follow kube-apiserver's where the meaning is the same.
"""

from bisect import bisect_left
from collections.abc import Mapping

_BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
Labels = tuple[tuple[str, str], ...]


class Metrics:
    """Series appear at first use."""

    def __init__(self) -> None:
        self._counters: dict[str, dict[Labels, float]] = {}
        self._gauges: dict[str, dict[Labels, float]] = {}
        self._histograms: dict[str, dict[Labels, _Histogram]] = {}

    def count(self, name: str, labels: Labels = (), amount: float = 1.0) -> None:
        """Add to a counter; a series begins with its first count."""
        series = self._counters.setdefault(name, {})
        series[labels] = series.get(labels, 0.0) + amount

    def gauge(self, name: str, value: float, labels: Labels = ()) -> None:
        """Set a gauge."""
        self._gauges.setdefault(name, {})[labels] = value

    def observe(self, name: str, value_s: float, labels: Labels = ()) -> None:
        """Add an observation in seconds to a histogram."""
        series = self._histograms.setdefault(name, {})
        found = series.get(labels)
        if found is None:
            found = series[labels] = _Histogram()
        found.observe(value_s)

    def exposition(self) -> str:
        """Return every series in Prometheus' text format 0.0.4."""
        lines: list[str] = []
        for kind, families in (("counter", self._counters), ("gauge", self._gauges)):
            for name, series in sorted(families.items()):
                lines.append(f"# TYPE {name} {kind}")
                lines.extend(
                    f"{name}{_braces(labels)} {value:g}" for labels, value in sorted(series.items())
                )
        for name, histograms in sorted(self._histograms.items()):
            lines.append(f"# TYPE {name} histogram")
            for labels, histogram in sorted(histograms.items(), key=lambda item: item[0]):
                lines.extend(histogram.lines(name, labels))
        return "\n".join(lines) + "\n"


class _Histogram:
    __slots__ = ("counts", "sum_s")

    def __init__(self) -> None:
        self.counts = [0] * (len(_BUCKETS) + 1)
        self.sum_s = 0.0

    def observe(self, value_s: float) -> None:
        self.counts[bisect_left(_BUCKETS, value_s)] += 1
        self.sum_s += value_s

    def lines(self, name: str, labels: Labels) -> list[str]:
        lines, total = [], 0
        for bound, count in zip((*_BUCKETS, float("inf")), self.counts, strict=True):
            total += count
            edge = "+Inf" if bound == float("inf") else f"{bound:g}"
            lines.append(f"{name}_bucket{_braces((*labels, ('le', edge)))} {total}")
        lines.append(f"{name}_sum{_braces(labels)} {self.sum_s:g}")
        lines.append(f"{name}_count{_braces(labels)} {total}")
        return lines


def _braces(labels: Labels) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escape(value)}"' for name, value in labels) + "}"


_ESCAPES: Mapping[int, str] = {ord("\\"): "\\\\", ord('"'): '\\"', ord("\n"): "\\n"}


def _escape(value: str) -> str:
    return value.translate(_ESCAPES)
