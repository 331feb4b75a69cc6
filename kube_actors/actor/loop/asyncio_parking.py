"""Where tasks wait on asyncio: the promises of ``parking``, kept by bare futures."""

import asyncio
from collections.abc import Callable

from kube_actors.actor.loop.parking import Parking, Slot


class AsyncioParking:
    """One future for each waiting task; ``new`` makes one."""

    __slots__ = ("_new", "_waiting")

    def __init__(self, new: Callable[[], "asyncio.Future[None]"]) -> None:
        self._new = new
        # One or two wait as a rule: a list is an eighth of a deque.
        self._waiting: list[asyncio.Future[None]] = []

    async def wait(self) -> None:
        """Wait until woken; cancelled after it was woken, it passes the wake on."""
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
        """Wake the first task that is not being cancelled."""
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
        """Wake every waiting task; those being cancelled take themselves out."""
        for future in list(self._waiting):
            if not future.done():
                self._waiting.remove(future)
                future.set_result(None)


class AsyncioLibrary:
    """The running asyncio loop; raises RuntimeError where none runs."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self._new = loop.create_future
        self.time = loop.time
        self.sleep = asyncio.sleep

    def slot(self) -> Slot:
        """Make a future: asyncio's own place for one answer."""
        return self._new()

    def parking(self) -> Parking:
        """Make a parking on this loop's futures."""
        return AsyncioParking(self._new)
