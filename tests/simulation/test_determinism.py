"""One seed, one run: the canary that notices when a library moved a hook that we rely on."""

import asyncio
import os
import random
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest

from kube_actors.simulation import determinism
from kube_actors.simulation.determinism import BACKENDS, Livelock, Nondeterminism

ROOT = Path(__file__).parent.parent.parent

pytestmark = pytest.mark.parametrize("backend", BACKENDS)


def tangle() -> Callable[[], Any]:
    """Make a run in which everything is tied: deadlines, wake-ups and cancellations."""
    log: list[str] = []

    async def worker(name: int) -> None:
        try:
            while True:
                with anyio.move_on_after(0.5):
                    async with anyio.create_task_group() as tasks:
                        for part in range(3):
                            tasks.start_soon(sleeper, f"{name}.{part}")
        finally:
            log.append(f"end {name}")

    async def sleeper(name: str) -> None:
        try:
            with anyio.fail_after(2):
                await anyio.sleep(10)
        finally:
            log.append(f"{name}@{anyio.current_time()}")

    async def main() -> list[str]:
        with anyio.move_on_after(3):
            async with anyio.create_task_group() as tasks:
                for number in range(9):
                    tasks.start_soon(worker, number)
        return log

    return main


def test_ties_are_broken_alike_by_one_seed_and_otherwise_by_another(backend: str) -> None:
    first = determinism.run(tangle(), backend=backend, seed=1)
    ballast = [object() for _ in range(12_345)]
    assert determinism.run(tangle(), backend=backend, seed=1) == first
    del ballast
    orders = {tuple(determinism.run(tangle(), backend=backend, seed=seed)) for seed in range(4)}
    assert len(orders) > 1


def test_a_run_in_which_no_time_passes_is_given_up(
    backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(determinism, "TURNS_MAX", 500)

    async def circle(turns: int) -> str:
        await anyio.sleep(1.5)
        for _ in range(turns):
            await anyio.lowlevel.checkpoint()
        return "done"

    assert determinism.run(lambda: circle(400), backend=backend) == "done"
    with pytest.raises(Livelock, match=r"more than 500 turns of the loop at 1\.500000 s"):
        determinism.run(lambda: circle(10_000), backend=backend)


REACHES: dict[str, Callable[[], Any]] = {
    **{name: lambda name=name: getattr(time, name)() for name in ("time", "monotonic")},
    "sleep": lambda: getattr(time, "sleep")(0),  # noqa: B009
    "uuid4": uuid.uuid4,
    "urandom": lambda: os.urandom(1),
    "socket": socket.socket,
    "thread": lambda: threading.Thread(target=print).start(),
}


@pytest.mark.parametrize("reach", REACHES)
def test_the_world_outside_cannot_be_reached(backend: str, reach: str) -> None:
    async def main() -> None:
        REACHES[reach]()

    with pytest.raises(Nondeterminism, match="no other run would answer alike"):
        determinism.run(main, backend=backend)
    assert time.time() > 0
    assert uuid.uuid4()


def test_a_threads_work_is_done_in_place_and_chance_comes_from_the_seed(backend: str) -> None:
    async def main() -> tuple[int, float]:
        return await anyio.to_thread.run_sync(threading.get_ident), random.random()

    thread, drawn = determinism.run(main, backend=backend, seed=3)
    assert thread == threading.get_ident()
    assert determinism.run(main, backend=backend, seed=3)[1] == drawn
    assert determinism.run(main, backend=backend, seed=4)[1] != drawn


def test_everything_is_put_back(backend: str) -> None:
    from anyio._backends import _asyncio
    from trio._core import _run

    before = (time.time, os.urandom, socket.socket.__init__, _run.Task.__hash__)

    async def fail() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        determinism.run(fail, backend=backend)
    assert (time.time, os.urandom, socket.socket.__init__, _run.Task.__hash__) == before
    for module in (_asyncio, _run, asyncio.taskgroups, asyncio.tasks):
        assert "set" not in vars(module)
        assert "id" not in vars(module)


def test_an_unknown_backend_is_refused(backend: str) -> None:
    with pytest.raises(ValueError, match=f"no-{backend}"):
        determinism.run(tangle(), backend=f"no-{backend}")


def canary(backend: str, ballast: int, hash_seed: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.simulation.canary", backend, str(ballast)],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env={"PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)},
    )
    return done.stdout.splitlines()


def test_a_cluster_sends_the_same_bytes_in_every_run_of_one_seed(backend: str) -> None:
    # Twice in one process, once in another, whose heap and hashes differ.
    digests = [*canary(backend, 0, "1"), *canary(backend, 54_321, "2")]
    assert len(digests) == 3
    assert len(set(digests)) == 1
