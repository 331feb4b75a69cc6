"""Parking where trio's own rules decide: deadlines, and wake-ups that meet a cancellation."""

from collections.abc import Callable

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from kube_actors.actor.loop import Parking, running_library

pytestmark = pytest.mark.trio


class Waiters:
    """Tasks parked in order, each in a scope of its own; the two lists say what came to them."""

    def __init__(self, nursery: trio.Nursery, parking: Parking) -> None:
        self.parking = parking
        self.woken: list[str] = []
        self.cut_off: list[str] = []
        self.scopes: dict[str, trio.CancelScope] = {}
        self._nursery = nursery

    async def park(self, name: str, deadline_s: float = float("inf")) -> None:
        self.scopes[name] = trio.CancelScope(deadline=deadline_s)
        self._nursery.start_soon(self._wait, name)
        await wait_all_tasks_blocked()

    async def _wait(self, name: str) -> None:
        with self.scopes[name] as scope:
            await self.parking.wait()
            self.woken.append(name)
        if scope.cancelled_caught:
            self.cut_off.append(name)


@pytest.fixture
def parking() -> Callable[[], Parking]:
    return lambda: running_library().parking()


async def test_a_deadline_takes_a_task_out_of_the_line(
    nursery: trio.Nursery, mock_clock: MockClock, parking: Callable[[], Parking]
) -> None:
    waiters = Waiters(nursery, parking())
    await waiters.park("first", deadline_s=5)
    await waiters.park("second")
    mock_clock.jump(6)
    await wait_all_tasks_blocked()
    assert waiters.cut_off == ["first"]
    waiters.parking.wake()
    await wait_all_tasks_blocked()
    assert waiters.woken == ["second"], "the wake-up is not spent on a task that has left"


async def test_a_task_that_is_woken_and_then_cancelled_keeps_its_wake_up(
    nursery: trio.Nursery, parking: Callable[[], Parking]
) -> None:
    waiters = Waiters(nursery, parking())
    for name in ("first", "second"):
        await waiters.park(name)
    waiters.parking.wake()
    waiters.scopes["first"].cancel()
    await wait_all_tasks_blocked()
    assert (waiters.woken, waiters.cut_off) == (["first"], [])
    waiters.parking.wake()
    await wait_all_tasks_blocked()
    assert waiters.woken == ["first", "second"]


async def test_a_task_that_is_cancelled_and_then_woken_leaves_the_wake_up_to_the_next(
    nursery: trio.Nursery, parking: Callable[[], Parking]
) -> None:
    waiters = Waiters(nursery, parking())
    for name in ("first", "second"):
        await waiters.park(name)
    waiters.scopes["first"].cancel()
    waiters.parking.wake()
    await wait_all_tasks_blocked()
    assert (waiters.woken, waiters.cut_off) == (["second"], ["first"])


async def test_a_wake_up_of_all_passes_over_a_task_that_is_being_cancelled(
    nursery: trio.Nursery, parking: Callable[[], Parking]
) -> None:
    waiters = Waiters(nursery, parking())
    for name in ("first", "second", "third"):
        await waiters.park(name)
    waiters.scopes["second"].cancel()
    waiters.parking.wake_all()
    await wait_all_tasks_blocked()
    assert (sorted(waiters.woken), waiters.cut_off) == (["first", "third"], ["second"])


async def test_waiting_in_a_cancelled_scope_is_a_checkpoint_and_leaves_nothing_behind(
    nursery: trio.Nursery, parking: Callable[[], Parking]
) -> None:
    waiters = Waiters(nursery, parking())
    with trio.CancelScope() as scope:
        scope.cancel()
        with trio.testing.assert_checkpoints():
            await waiters.parking.wait()
    assert scope.cancelled_caught
    await waiters.park("next")
    waiters.parking.wake()
    await wait_all_tasks_blocked()
    assert waiters.woken == ["next"]


async def test_an_answer_that_comes_with_the_cancellation_is_heard(nursery: trio.Nursery) -> None:
    slot, heard, scope = running_library().slot(), [], trio.CancelScope()

    async def wait() -> None:
        with scope:
            heard.append(await slot)

    nursery.start_soon(wait)
    await wait_all_tasks_blocked()
    slot.set_result("yes")
    scope.cancel()
    await wait_all_tasks_blocked()
    assert (heard, scope.cancelled_caught) == (["yes"], False)


async def test_an_answer_after_the_deadline_wakes_nobody_and_is_kept(
    autojump_clock: MockClock,
) -> None:
    slot = running_library().slot()
    with trio.move_on_after(5) as scope:
        await slot
    assert (scope.cancelled_caught, trio.current_time(), slot.done()) == (True, 5, False)
    slot.set_result("late")
    with trio.fail_after(1):
        assert await slot == "late"
    assert trio.current_time() == 5


async def test_a_sleep_ends_at_its_own_time_or_at_the_deadline_around_it(
    autojump_clock: MockClock,
) -> None:
    library = running_library()
    await library.sleep(10)
    assert library.time() == 10
    with trio.move_on_after(1) as around:
        await library.sleep(10)
        pytest.fail("the deadline around a sleep is not the sleep's")
    assert (around.cancelled_caught, library.time()) == (True, 11)
