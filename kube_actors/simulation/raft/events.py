"""The heap of events: what happens next, in simulated microseconds, and a digest of it all.

An event is a tuple (time, sequence, action, its two arguments). The sequence breaks ties, so two
actions are never compared; it also counts every event that was ever planned, so folding time and
sequence into the digest shows any difference between two runs at the step where it begins.
"""

from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any

Action = Callable[[Any, Any], None]


class Events:
    """``step`` counts the events that have happened."""

    __slots__ = ("digest", "heap", "now_us", "sequence", "step")

    def __init__(self) -> None:
        self.heap: list[tuple[int, int, Action, Any, Any]] = []
        self.now_us = 0
        self.sequence = 0
        self.step = 0
        self.digest = 0

    @property
    def now_s(self) -> float:
        """The simulated time in seconds."""
        return self.now_us / 1e6

    def after(self, delay_us: int, action: Action, first: Any = None, second: Any = None) -> None:
        """Plan an action."""
        self.sequence = sequence = self.sequence + 1
        heappush(self.heap, (self.now_us + delay_us, sequence, action, first, second))

    def run_until(self, end_us: int) -> None:
        """Let everything happen that is due up to ``end_us``."""
        heap = self.heap
        digest = self.digest
        try:
            while heap:
                event = heappop(heap)
                now_us, sequence, action, first, second = event
                if now_us > end_us:
                    heappush(heap, event)
                    break
                self.now_us = now_us
                self.step += 1
                digest = hash((digest, now_us, sequence))
                action(first, second)
        finally:
            self.digest = digest
        self.now_us = end_us
