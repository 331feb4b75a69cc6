"""Whether the next save waits for the disk in the loop or in a thread. Pure.

A quick disk syncs in less time than it takes to wake a thread and come back, so a process that has
only one member to run is faster without one. A disk that is slow again and again is given a thread
for a while, twice as long each time; now and then any disk is slow, or the process is not run.
"""

SLOW_MAX = 3
"""Slow saves, not offset by ``FORGIVEN_AFTER`` quick ones each, that send the next to a thread."""
FORGIVEN_AFTER = 32

PENALTY_S = 1.0
PENALTY_MAX_S = 60.0
QUICK_IN_A_ROW = 1000
"""Quick saves after which an earlier slow one is forgotten."""


class SyncPace:
    """``limit_s`` is how long the loop may be kept waiting; 0 always asks for a thread."""

    def __init__(self, limit_s: float, *, bytes_max: int = 1 << 18) -> None:
        self._limit_s = limit_s
        self._bytes_max = bytes_max
        self._threads_until_s = 0.0
        self._penalty_s = PENALTY_S
        self._quick = 0
        self._slow = 0

    def in_loop(self, size: int, now_s: float) -> bool:
        """Decide for a save of ``size`` bytes."""
        return self._limit_s > 0 and size <= self._bytes_max and now_s >= self._threads_until_s

    def took(self, seconds: float, now_s: float) -> None:
        """Learn how long a save in the loop took."""
        if seconds <= self._limit_s:
            self._quick += 1
            if self._quick % FORGIVEN_AFTER == 0 and self._slow:
                self._slow -= 1
            if self._quick >= QUICK_IN_A_ROW:
                self._penalty_s = PENALTY_S
            return
        self._quick = 0
        self._slow += 1
        if self._slow < SLOW_MAX:
            return
        self._slow = 0
        self._threads_until_s = now_s + self._penalty_s
        self._penalty_s = min(2 * self._penalty_s, PENALTY_MAX_S)
