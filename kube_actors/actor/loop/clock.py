"""Wall time that follows the event loop's clock, so that virtual time moves it too.

A clock is an argument of every system: nothing else reads the machine's. It starts at an epoch
and advances with the running loop; two systems may live in different years.
"""

import time
from datetime import UTC, datetime

import anyio


class Clock:
    """Unix time that starts at ``epoch_s`` when first used inside an event loop."""

    __slots__ = ("_epoch_s", "_started_s")

    def __init__(self, epoch_s: float) -> None:
        self._epoch_s = epoch_s
        self._started_s: float | None = None

    @classmethod
    def of_machine(cls) -> "Clock":
        """Start at the machine's present time."""
        return cls(time.time())

    def at(self, address: str) -> "Clock":
        """Return the clock of the machine that an actor runs on: this one, unless simulated."""
        return self

    def monotonic(self) -> float:
        """Seconds of the running event loop, as deadlines are; only differences mean anything."""
        return anyio.current_time()

    def steady(self) -> float:
        """Seconds as this machine counts them, for waits that other machines rely on.

        Only differences mean anything. A machine that runs fast or slow does so here, while timers
        go by ``monotonic``; on a real machine both are one.
        """
        return anyio.current_time()

    def now(self) -> float:
        """Unix time in seconds."""
        now_s = anyio.current_time()
        if self._started_s is None:
            self._started_s = now_s
        return self._epoch_s + now_s - self._started_s

    def timestamp(self) -> str:
        """Kubernetes' ``Time``: ``2026-01-01T00:00:00Z``."""
        return datetime.fromtimestamp(self.now(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def micro_timestamp(self) -> str:
        """Kubernetes' ``MicroTime``: ``2026-01-01T00:00:00.000000Z``."""
        return datetime.fromtimestamp(self.now(), UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
