import asyncio

import pytest

from kube_actors.actor.loop import running_library


@pytest.mark.anyio
async def test_a_wake_that_meets_a_cancelled_task_goes_to_the_next(
    anyio_backend_name: str,
) -> None:
    if anyio_backend_name != "asyncio":
        return  # On trio a woken task is never cancelled before it has run.
    parking = running_library().parking()
    first, second = (asyncio.create_task(parking.wait()) for _ in range(2))
    await asyncio.sleep(0)
    parking.wake()
    first.cancel()
    await asyncio.wait_for(second, 1)
    assert first.cancelled()


@pytest.mark.anyio
async def test_a_wake_passes_over_a_task_that_is_being_cancelled(anyio_backend_name: str) -> None:
    if anyio_backend_name != "asyncio":
        return
    parking = running_library().parking()
    first, second = (asyncio.create_task(parking.wait()) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    parking.wake()
    await asyncio.wait_for(second, 1)
    assert first.cancelled()
