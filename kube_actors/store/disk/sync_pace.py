"""Whether the next save waits for the disk in the loop or in a thread. Pure.

A quick disk syncs in less time than it takes to wake a thread and come back, so a process that has
only one member to run is faster without one. A disk that is slow again and again is given a thread
for a while, twice as long each time; now and then any disk is slow, or the process is not run.
What many clients wrote has a thread sooner: while it is written there is more to take in.
"""

SLOW_MAX = 3
"""Very slow saves, not offset by ``FORGIVEN_AFTER`` quick ones each, that send the next to a
thread; those that are a little slow count less."""
FORGIVEN_AFTER = 32
VERY_SLOW = 8
"""A save counts as very slow that takes this many times the limit longer than it may."""

PENALTY_S = 1.0
PENALTY_MAX_S = 60.0
QUICK_IN_A_ROW = 1000
"""Quick saves after which an earlier slow one is forgotten."""

SMALL_BYTES = 16 << 10
"""More than that comes from many clients."""
BRISK = 0.4
"""The part of the limit that saves may usually take for a larger one to be done in the loop."""
REMEMBERED = 16
"""Over about so many saves the usual time is taken."""
DOUBT = 0.01
"""What a save in a thread takes from the usual time: some day the loop is tried again."""


class SyncPace:
    """``limit_s`` is how long the loop may be kept waiting; 0 always asks for a thread."""

    def __init__(self, limit_s: float, *, bytes_max: int = 1 << 18) -> None:
        self._limit_s = limit_s
        self._bytes_max = bytes_max
        self._threads_until_s = 0.0
        self._penalty_s = PENALTY_S
        self._quick = 0
        self._debt_s = 0.0
        self._usual_s = 0.0

    def in_loop(self, size: int, now_s: float) -> bool:
        """Decide for a save of ``size`` bytes."""
        if self._limit_s <= 0 or size > self._bytes_max or now_s < self._threads_until_s:
            return False
        if size > SMALL_BYTES and self._usual_s > BRISK * self._limit_s:
            self._usual_s *= 1 - DOUBT
            return False
        return True

    def took(self, seconds: float, now_s: float) -> None:
        """Learn how long a save in the loop took."""
        limit_s = self._limit_s
        self._usual_s += (seconds - self._usual_s) / REMEMBERED
        if seconds <= limit_s:
            self._quick += 1
            self._debt_s = max(0.0, self._debt_s - VERY_SLOW * limit_s / FORGIVEN_AFTER)
            if self._quick >= QUICK_IN_A_ROW:
                self._penalty_s = PENALTY_S
            return
        self._quick = 0
        self._debt_s += min(seconds - limit_s, VERY_SLOW * limit_s)
        if self._debt_s <= (SLOW_MAX - 0.5) * VERY_SLOW * limit_s:
            return
        self._debt_s = 0.0
        self._threads_until_s = now_s + self._penalty_s
        self._penalty_s = min(2 * self._penalty_s, PENALTY_MAX_S)
