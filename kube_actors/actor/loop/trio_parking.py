"""Where tasks wait on trio: the same promises as in ``parking``, kept by trio's own primitives."""

from collections.abc import Callable, Generator
from typing import Any

import trio

from kube_actors.actor.loop.parking import Parking, Slot


class TrioSlot:
    """One answer, for which a task of trio waits to be rescheduled."""

    __slots__ = ("_done", "_result", "_task")

    def __init__(self) -> None:
        self._task: trio.lowlevel.Task | None = None
        self._result: Any = None
        self._done = False

    def set_result(self, result: Any, /) -> None:
        """Give the answer; the task that waits for it, if any, runs on."""
        self._result = result
        self._done = True
        if self._task is not None:
            task, self._task = self._task, None
            trio.lowlevel.reschedule(task)

    def done(self) -> bool:
        """Say whether the answer was given; a cancelled wait leaves it open."""
        return self._done

    def __await__(self) -> Generator[Any, Any, Any]:
        if not self._done:
            self._task = trio.lowlevel.current_task()
            yield from trio.lowlevel.wait_task_rescheduled(  # noqa: ASYNC105
                self._abort
            ).__await__()
        return self._result

    def _abort(self, _: object) -> trio.lowlevel.Abort:
        self._task = None
        return trio.lowlevel.Abort.SUCCEEDED


class TrioParking:
    """The waiting tasks themselves: trio reschedules them one by one."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: list[trio.lowlevel.Task] = []

    async def wait(self) -> None:
        """Wait until woken; a woken task of trio is not cancelled before it has run."""
        task = trio.lowlevel.current_task()
        self._waiting.append(task)

        def abort(_: object) -> trio.lowlevel.Abort:
            self._waiting.remove(task)
            return trio.lowlevel.Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(abort)

    def wake(self) -> None:
        """Reschedule the first task, if any."""
        if self._waiting:
            trio.lowlevel.reschedule(self._waiting.pop(0))

    def wake_all(self) -> None:
        """Reschedule every task, in the order of their arrival."""
        while self._waiting:
            trio.lowlevel.reschedule(self._waiting.pop(0))


class TrioLibrary:
    """The running loop of trio."""

    slot: Callable[[], Slot] = TrioSlot
    parking: Callable[[], Parking] = TrioParking

    def __init__(self) -> None:
        self.time = trio.current_time

    async def sleep(self, seconds: float, /) -> None:
        """Wait for a time above 0, with one scope and no other layer."""
        # What trio.sleep does, without the layers that the end of each wait must unwind.
        with trio.CancelScope(deadline=trio.current_time() + seconds):
            await trio.lowlevel.wait_task_rescheduled(_give_way)


def _give_way(_: object) -> trio.lowlevel.Abort:
    return trio.lowlevel.Abort.SUCCEEDED
