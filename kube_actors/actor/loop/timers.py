"""All timers of one system in one heap, waited for by one task.

A call puts its deadline here instead of opening a cancel scope of its own: one push a call. A
timer that is no longer wanted stays until its time comes or until the dead outnumber the living,
then the heap is rebuilt; so memory is bounded by twice what is pending.
"""

import heapq
import math
from collections.abc import Callable

import anyio

from kube_actors.actor.loop.parking import Library


class Timer:
    """Something that happens at a time unless it is cancelled before."""

    __slots__ = ("_action", "live", "timers")

    def __init__(self, timers: "Timers", action: Callable[[], None]) -> None:
        self.timers = timers
        self.live = True
        self._action = action

    def cancel(self) -> None:
        """Forget it; harmless when it has already happened."""
        if self.live:
            self.live = False
            self.timers.died()

    def fire(self) -> None:
        """Do what was asked for; what it raises ends the task of all timers."""
        self._action()


class Timers:
    """The heap, and the task that waits for its first entry."""

    def __init__(self, library: Library) -> None:
        self.now = library.time
        self._parking = library.parking()
        self._heap: list[tuple[float, int, Timer]] = []
        self._sequence = 0
        self._dead = 0
        self._asleep_until_s = -math.inf

    def after(self, delay_s: float, action: Callable[[], None]) -> Timer:
        """Run ``action`` in ``delay_s`` seconds; equal times keep their order."""
        timer = Timer(self, action)
        self.add(delay_s, timer)
        return timer

    def add(self, delay_s: float, timer: Timer) -> None:
        """Fire a timer of one's own class in ``delay_s`` seconds: ``after`` without a closure."""
        when_s = self.now() + delay_s
        self._sequence += 1
        heapq.heappush(self._heap, (when_s, self._sequence, timer))
        if when_s < self._asleep_until_s:
            self._parking.wake()

    def died(self) -> None:
        """Count a cancelled timer, and sweep when most are."""
        self._dead += 1
        if self._dead > 256 and self._dead * 2 > len(self._heap):
            self._heap = [entry for entry in self._heap if entry[2].live]
            heapq.heapify(self._heap)
            self._dead = 0

    def __len__(self) -> int:
        return len(self._heap)

    async def run(self) -> None:
        """Fire timers as their time comes, for ever."""
        while True:
            self._fire_due()
            until_s = self._heap[0][0] if self._heap else math.inf
            self._asleep_until_s = until_s
            with anyio.CancelScope(deadline=until_s):
                await self._parking.wait()
            self._asleep_until_s = -math.inf

    def _fire_due(self) -> None:
        now_s = self.now()
        while self._heap and (self._heap[0][0] <= now_s or not self._heap[0][2].live):
            timer = heapq.heappop(self._heap)[2]
            if timer.live:
                timer.live = False
                timer.fire()
            else:
                self._dead -= 1
