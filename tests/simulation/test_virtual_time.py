import asyncio
import socket
import subprocess
import sys
import threading
import time
from typing import Any

import anyio
import anyio.to_thread
import pytest

from kube_actors.simulation import backend_options

SCRIPT = """
import sys, anyio
from kube_actors.simulation import backend_options

async def main():
    log = []
    async def worker(name, step_s):
        for turn in range(20):
            await anyio.sleep(step_s)
            log.append(f"{name}{turn}@{anyio.current_time():.3f}")
    ballast = [object() for _ in range(int(sys.argv[2]))]
    async with anyio.create_task_group() as tasks:
        for number in range(12):
            tasks.start_soon(worker, chr(97 + number), 0.25 * (1 + number % 3))
    print(" ".join(log))

backend, options = backend_options(sys.argv[1], seed=5)
anyio.run(main, backend=backend, backend_options=options)
"""


@pytest.mark.anyio
async def test_a_day_passes_at_once_and_exactly() -> None:
    began, began_really = anyio.current_time(), time.perf_counter()
    await anyio.sleep(86_400 - 1)
    assert anyio.current_time() - began == pytest.approx(86_399)
    assert time.perf_counter() - began_really < 60


@pytest.mark.anyio
async def test_sleepers_wake_in_the_order_of_their_times() -> None:
    woken: list[float] = []

    async def sleep(for_s: float) -> None:
        await anyio.sleep(for_s)
        woken.append(for_s)

    async with anyio.create_task_group() as tasks:
        for for_s in (3.0, 1.0, 2.0, 0.5, 1000.0):
            tasks.start_soon(sleep, for_s)
    assert woken == [0.5, 1.0, 2.0, 3.0, 1000.0]


@pytest.mark.anyio
async def test_time_stands_still_while_something_can_run() -> None:
    began = anyio.current_time()
    with anyio.fail_after(1):
        for _ in range(1000):
            await anyio.lowlevel.checkpoint()
    assert anyio.current_time() == began


@pytest.mark.parametrize("limited", [True, False])
@pytest.mark.anyio
async def test_a_thread_at_work_holds_the_clock(limited: bool) -> None:
    limiter = anyio.CapacityLimiter(1) if limited else None
    release = threading.Event()
    slept: list[float] = []

    async def sleep_an_hour() -> None:
        await anyio.sleep(3600)
        slept.append(anyio.current_time())

    def work() -> bool:
        return release.wait(0.05)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(sleep_an_hour)
        for _ in range(3):
            began = anyio.current_time()
            assert not await anyio.to_thread.run_sync(work, limiter=limiter)
            assert anyio.current_time() == began
            assert slept == []
    assert len(slept) == 1


@pytest.mark.anyio
async def test_an_executor_at_work_holds_the_clock_of_asyncio(anyio_backend_name: str) -> None:
    if anyio_backend_name != "asyncio":
        return
    release = threading.Event()
    loop = asyncio.get_running_loop()
    with anyio.fail_after(10):
        assert not await loop.run_in_executor(None, release.wait, 0.05)
    assert loop.time() < 10


@pytest.mark.anyio
async def test_a_timeout_that_is_not_needed_never_passes() -> None:
    event = anyio.Event()

    async def set_soon() -> None:
        await anyio.sleep(1)
        event.set()

    began = anyio.current_time()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(set_soon)
        with anyio.fail_after(100):
            await event.wait()
    assert anyio.current_time() - began == pytest.approx(1)


@pytest.mark.anyio
async def test_what_has_already_arrived_is_read_before_time_goes_on() -> None:
    left, right = socket.socketpair()
    with left, right:
        left.setblocking(False)
        right.send(b"now")
        with anyio.fail_after(1):
            await anyio.wait_readable(left)
        assert left.recv(3) == b"now"


@pytest.mark.anyio
async def test_all_tasks_blocked_comes_before_the_clock_jumps() -> None:
    began = anyio.current_time()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(anyio.sleep, 5)
        await anyio.wait_all_tasks_blocked()
        assert anyio.current_time() == began
        tasks.cancel_scope.cancel()


@pytest.mark.real_time
@pytest.mark.anyio
async def test_a_test_marked_real_time_runs_on_the_machines_clock() -> None:
    began, began_really = anyio.current_time(), time.perf_counter()
    await anyio.sleep(0.05)
    assert time.perf_counter() - began_really >= 0.04
    assert anyio.current_time() - began < 60


def run_once(backend: str, ballast: int, hash_seed: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, backend, str(ballast)],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONHASHSEED": hash_seed},
    )
    return done.stdout


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_one_seed_gives_one_order_in_another_process_with_another_hash_seed(backend: str) -> None:
    first = run_once(backend, 0, "1")
    assert first
    assert run_once(backend, 54_321, "2") == first


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_the_options_drive_anyio_run(backend: str) -> None:
    async def main() -> float:
        await anyio.sleep(80_000)
        return anyio.current_time()

    name, options = backend_options(backend)
    kwargs: dict[str, Any] = {"backend": name, "backend_options": options}
    assert anyio.run(main, **kwargs) >= 80_000
