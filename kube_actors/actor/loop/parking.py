"""The promises of the places where tasks wait: what asyncio and trio both keep.

``Slot`` is one answer for one waiter; ``Parking`` is a place where tasks wait in order until
somebody wakes the first. Both wait on the library's own primitive: an anyio event costs several
times as much, and these are on the path of every message. Waking from another thread is refused
by neither library and works in none: do not.
"""

from collections.abc import Generator
from typing import Any, Protocol


class Slot(Protocol):
    """One answer, awaited by one task, given at most once."""

    def set_result(self, result: Any, /) -> None:
        """Give the answer and let the waiting task go on; check ``done`` first."""

    def done(self) -> bool:
        """Say whether giving an answer is too late: one was given, or nobody can take it."""

    def __await__(self) -> Generator[Any, Any, Any]: ...


class Parking(Protocol):
    """Tasks waiting in the order of their arrival."""

    async def wait(self) -> None:
        """Wait until woken; a wake that meets a cancelled task goes to the next one."""

    def wake(self) -> None:
        """Wake the first task, if any; one that comes later waits for the next wake."""

    def wake_all(self) -> None:
        """Wake every task that waits now."""


class Library(Protocol):
    """What the running event loop offers, found once per system."""

    def slot(self) -> Slot:
        """Make a place for one answer."""

    def parking(self) -> Parking:
        """Make a place where tasks wait."""

    def time(self) -> float:
        """Read the event loop's clock, in seconds; only differences mean anything."""

    async def sleep(self, seconds: float, /) -> None:
        """Wait for a time above 0: for loops that wait often, and for ever."""
