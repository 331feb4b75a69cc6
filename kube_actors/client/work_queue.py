"""A queue of keys whose work is done again until it holds.

It promises: a key is worked on by one worker at a time; adding a key that waits does nothing;
adding a key that is being worked on queues it once more for when that is done; keys come out in
the order they went in. A key added after a delay comes at the earliest of its times. Rate limiting
doubles a key's delay with each failure, from 5 ms to 1000 s, until ``forget``. Its size is bounded
by the number of different keys.
"""

import heapq
from collections import deque
from collections.abc import Hashable
from typing import Any

import anyio
from attrs import frozen

from kube_actors.actor import Clock

BACKOFF_FIRST_S = 0.005
BACKOFF_MAX_S = 1000.0


@frozen
class WorkQueueStatistics:
    """How many keys wait, are worked on, come later, and have failed since ``forget``."""

    waiting: int
    processing: int
    delayed: int
    failing: int


class WorkQueue:
    """Spawn ``run``; it keeps the delays."""

    def __init__(
        self,
        clock: Clock,
        *,
        backoff_first_s: float = BACKOFF_FIRST_S,
        backoff_max_s: float = BACKOFF_MAX_S,
    ) -> None:
        self._clock = clock
        self._first_s = backoff_first_s
        self._max_s = backoff_max_s
        self._queue: deque[Any] = deque()
        self._dirty: dict[Hashable, None] = {}
        self._processing: dict[Hashable, None] = {}
        self._failures: dict[Hashable, int] = {}
        self._due_s: dict[Hashable, float] = {}
        self._heap: list[tuple[float, int, Any]] = []
        self._added = 0
        self._waiters: deque[anyio.Event] = deque()
        self._timer = anyio.Event()

    def __len__(self) -> int:
        return len(self._queue)

    def statistics(self) -> WorkQueueStatistics:
        """Give the counts as they are now; a key may be in several of them."""
        return WorkQueueStatistics(
            len(self._queue), len(self._processing), len(self._due_s), len(self._failures)
        )

    def add(self, key: Hashable) -> None:
        """Queue a key, unless it waits already; one being worked on comes again after ``done``."""
        if key in self._dirty:
            return
        self._dirty[key] = None
        if key not in self._processing:
            self._put(key)

    def _put(self, key: Hashable) -> None:
        self._queue.append(key)
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.is_set():
                waiter.set()
                return

    def add_after(self, key: Hashable, delay_s: float) -> None:
        """Add later; of several times for one key the earliest holds."""
        if delay_s <= 0:
            self.add(key)
            return
        due_s = self._clock.monotonic() + delay_s
        known_s = self._due_s.get(key)
        if known_s is not None and known_s <= due_s:
            return
        self._due_s[key] = due_s
        self._added += 1
        first = not self._heap or due_s < self._heap[0][0]
        heapq.heappush(self._heap, (due_s, self._added, key))
        if first:
            self._timer.set()

    def add_rate_limited(self, key: Hashable) -> None:
        """Add after a delay that doubles with every call until ``forget``."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        self.add_after(key, min(self._first_s * 2 ** min(failures, 40), self._max_s))

    def forget(self, key: Hashable) -> None:
        """The key's work succeeded: its next failure waits as its first."""
        self._failures.pop(key, None)

    def failures(self, key: Hashable) -> int:
        """How often ``add_rate_limited`` was called for the key since ``forget``."""
        return self._failures.get(key, 0)

    async def get(self) -> Any:
        """Take the next key; ``done`` must follow."""
        while not self._queue:
            waiter = anyio.Event()
            self._waiters.append(waiter)
            try:
                await waiter.wait()
            except BaseException:
                if waiter.is_set() and self._queue:
                    # Woken and cancelled at once: the key must not wait for the next add.
                    self._pass_on()
                elif waiter in self._waiters:
                    self._waiters.remove(waiter)
                raise
        key = self._queue.popleft()
        self._processing[key] = None
        self._dirty.pop(key, None)
        return key

    def _pass_on(self) -> None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.is_set():
                waiter.set()
                return

    def done(self, key: Hashable) -> None:
        """The key's work ended, well or not; if it was added meanwhile it waits again."""
        self._processing.pop(key, None)
        if key in self._dirty:
            self._put(key)

    async def run(self) -> None:
        """Add delayed keys when they are due, until cancelled."""
        while True:
            self._timer = anyio.Event()
            now_s = self._clock.monotonic()
            while self._heap and self._heap[0][0] <= now_s:
                due_s, _, key = heapq.heappop(self._heap)
                # An earlier time replaced this one, or it was served: then it is stale.
                if self._due_s.get(key) == due_s:
                    del self._due_s[key]
                    self.add(key)
            if not self._heap:
                await self._timer.wait()
                continue
            with anyio.CancelScope(deadline=self._heap[0][0]):
                await self._timer.wait()
