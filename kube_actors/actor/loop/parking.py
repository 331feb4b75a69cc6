"""Where tasks wait, on asyncio and on trio, without a task, scope or event per message.

``Slot`` is one answer for one waiter; ``Parking`` is a place where tasks wait in order until
somebody wakes the first. Both wait on the library's own primitive: an anyio event costs several
times as much, and these are on the path of every message. Waking from another thread is refused
by neither library and works in none: do not.
"""

import asyncio
from collections.abc import Callable, Generator
from typing import Any, Protocol

import sniffio


class Slot(Protocol):
    """One answer, awaited by one task, given at most once."""

    def set_result(self, result: Any, /) -> None: ...
    def done(self) -> bool: ...
    def __await__(self) -> Generator[Any, Any, Any]: ...


class Parking(Protocol):
    """Tasks waiting in the order of their arrival."""

    async def wait(self) -> None:
        """Wait until woken; a wake that meets a cancelled task goes to the next one."""

    def wake(self) -> None:
        """Wake the first task, if any."""

    def wake_all(self) -> None: ...


class Library(Protocol):
    """What the running event loop offers, found once per system."""

    def slot(self) -> Slot: ...
    def parking(self) -> Parking: ...
    def time(self) -> float: ...
    async def sleep(self, seconds: float, /) -> None:
        """Wait for a time above 0: for who does it often, and for ever."""


class AsyncioParking:
    __slots__ = ("_new", "_waiting")

    def __init__(self, new: Callable[[], "asyncio.Future[None]"]) -> None:
        self._new = new
        # One or two wait as a rule: a list is an eighth of a deque.
        self._waiting: list[asyncio.Future[None]] = []

    async def wait(self) -> None:
        future = self._new()
        self._waiting.append(future)
        woken = False
        try:
            await future
            woken = True
        finally:
            if not woken:
                if future.cancelled() or not future.done():
                    self._waiting.remove(future)
                else:
                    self.wake()

    def wake(self) -> None:
        waiting = self._waiting
        while waiting:
            future = waiting[0]
            if not future.done():
                del waiting[0]
                future.set_result(None)
                return
            # Cancelled, and not yet run to take itself out.
            waiting.append(waiting.pop(0))
            if all(one.done() for one in waiting):
                return

    def wake_all(self) -> None:
        for future in list(self._waiting):
            if not future.done():
                self._waiting.remove(future)
                future.set_result(None)


class AsyncioLibrary:
    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self._new = loop.create_future
        self.time = loop.time
        self.sleep = asyncio.sleep

    def slot(self) -> Slot:
        return self._new()

    def parking(self) -> Parking:
        return AsyncioParking(self._new)


def running_library() -> Library:
    """Find the library of the running event loop."""
    if sniffio.current_async_library() == "trio":
        # Only who runs on trio pays for its import.
        from kube_actors.actor.loop.trio_parking import TrioLibrary

        return TrioLibrary()
    return AsyncioLibrary()
