"""Event loops whose clock jumps to the next timer when nothing else is left to do.

An hour of waiting takes no time, and a test that waits is as exact as one that does not. A
thread at work holds the clock: it belongs to the present. Sockets and processes of the outside
world do not, so whoever needs them runs on the machine's clock.
"""

import asyncio
import selectors
import time
from typing import Any

import trio
import trio.testing

THREAD_POLL_S = 0.0002
"""How long trio's loop lets a thread work before it looks again."""

THREAD_WAIT_S = 0.05
"""How long asyncio's loop waits for a thread; it is woken when the thread is done."""


class _Selector:
    """Asks the real selector without waiting, and moves the loop's time instead of sleeping."""

    def __init__(self, loop: "VirtualTimeLoop", real: selectors.BaseSelector) -> None:
        self._loop = loop
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def select(self, timeout: float | None = None) -> Any:
        ready = self._real.select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if timeout is None:
            return self._real.select(None)
        if self._loop.threads_at_work():
            return self._real.select(THREAD_WAIT_S)
        self._loop.jump(timeout)
        return []


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An asyncio loop that never sleeps while only timers are pending."""

    _selector: Any

    def __init__(self) -> None:
        self._virtual_s = 0.0
        self._executor_jobs = 0
        super().__init__(selectors.DefaultSelector())
        self._selector = _Selector(self, self._selector)

    def time(self) -> float:
        """The virtual time in seconds since the loop was made."""
        return self._virtual_s

    def jump(self, seconds: float) -> None:
        """Move time forward; to the very time of the next timer when that is it."""
        scheduled: list[asyncio.TimerHandle] = getattr(self, "_scheduled", [])
        if scheduled:
            self._virtual_s = max(self._virtual_s, scheduled[0].when())
        else:
            self._virtual_s += seconds

    def threads_at_work(self) -> bool:
        """Whether a thread was given something that it has not finished."""
        if self._executor_jobs:
            return True
        from anyio._backends import _asyncio

        try:
            workers = _asyncio._threadpool_workers.get()
            idle = _asyncio._threadpool_idle_workers.get()
        except LookupError:
            return False
        return len(workers) > len(idle)

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Any, *args: Any
    ) -> "asyncio.Future[Any]":
        """Run a function in a thread; virtual time stands still until it has ended."""
        future = super().run_in_executor(executor, func, *args)
        self._executor_jobs += 1
        future.add_done_callback(self._executor_done)
        return future

    def _executor_done(self, _: object) -> None:
        self._executor_jobs -= 1


def trio_clock(seed: int = 0) -> trio.testing.MockClock:
    """A trio clock that jumps when every task waits and no thread is at work.

    It also takes trio's dice: runnable tasks run in the order of the seed, not of the heap.
    """
    trio._core._run._ALLOW_DETERMINISTIC_SCHEDULING = True  # type: ignore[misc]
    trio._core._run._r.seed(seed)
    clock = trio.testing.MockClock(autojump_threshold=0)
    jump = clock._autojump

    def jump_unless_threads() -> None:
        if trio.testing.active_thread_count():
            time.sleep(THREAD_POLL_S)
        else:
            jump()

    clock._autojump = jump_unless_threads  # type: ignore[method-assign]
    return clock


def backend_options(
    backend: str, *, real_time: bool = False, seed: int = 0
) -> tuple[str, dict[str, Any]]:
    """Name a backend with its options for ``anyio.run`` and anyio's pytest plugin."""
    if real_time:
        return backend, {}
    if backend == "trio":
        return backend, {"clock": trio_clock(seed)}
    return backend, {"loop_factory": VirtualTimeLoop}
