"""One heap of wake-ups for a whole node, so that waiting costs no task. Pure."""

import heapq
from collections.abc import Callable


class Timers:
    """``due_at`` is when the first is due (inf when none is)."""

    __slots__ = ("_heap", "_sequence")

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._sequence = 0

    @property
    def due_at(self) -> float:
        """When the first timer is due (unix seconds), inf when none is set."""
        return self._heap[0][0] if self._heap else float("inf")

    def at(self, when: float, happen: Callable[[], None]) -> None:
        """Call ``happen`` once ``when`` is reached; inf is never. There is no way to cancel it."""
        if when != float("inf"):
            self._sequence += 1
            heapq.heappush(self._heap, (when, self._sequence, happen))

    def fire(self, now: float) -> None:
        """Call everything that is due, in order."""
        while self._heap and self._heap[0][0] <= now:
            heapq.heappop(self._heap)[2]()
