"""Trio inside a deterministic run: pytest-trio runs each test twice by ``determinism.run``.

What a test notes in ``LOG`` must be the same both times, whatever the addresses of objects.
"""

import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trio

from kube_actors.actor.loop import running_library
from kube_actors.simulation import determinism
from kube_actors.simulation.determinism import Nondeterminism

LOG: list[object] = []
ROUNDS = 20


def seeded(main: Callable[[], Awaitable[Any]], **_: Any) -> None:
    """Run as ``trio.run`` does, but on virtual time and by a seed, and again."""
    logs = []
    for size in (1, 12_345):
        ballast = [object() for _ in range(size)]
        LOG.clear()
        determinism.run(main, backend="trio", seed=1)
        logs.append([*LOG])
        del ballast
    assert logs[0] == logs[1]
    assert logs[0]


pytestmark = pytest.mark.trio(run=seeded)


async def test_a_parked_tasks_deadline_is_met_to_the_moment_without_waiting() -> None:
    parking = running_library().parking()
    with trio.move_on_after(86_400) as scope:
        await parking.wait()
    assert scope.cancelled_caught
    assert trio.current_time() == 86_400
    LOG.append(trio.current_time())


async def test_parked_tasks_with_one_deadline_are_cut_off_in_one_order() -> None:
    parking = running_library().parking()

    async def wait(number: int) -> None:
        with trio.move_on_after(5):
            try:
                await parking.wait()
            finally:
                LOG.append(number)

    for _ in range(ROUNDS):
        async with trio.open_nursery() as nursery:
            for number in range(9):
                nursery.start_soon(wait, number)
    assert len(LOG) == 9 * ROUNDS


async def test_tasks_that_are_woken_together_run_in_one_order() -> None:
    parking = running_library().parking()

    async def wait(number: int) -> None:
        await parking.wait()
        LOG.append(number)

    for _ in range(ROUNDS):
        async with trio.open_nursery() as nursery:
            for number in range(9):
                nursery.start_soon(wait, number)
            await trio.sleep(1)
            parking.wake_all()
    assert len(LOG) == 9 * ROUNDS


async def test_a_socket_of_the_machine_is_refused() -> None:
    with pytest.raises(Nondeterminism) as refused:
        socket.socket()
    LOG.append(str(refused.value))
