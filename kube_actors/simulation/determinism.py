"""One seed, one run: what trio, asyncio and anyio leave to chance is decided here instead.

Both libraries wake tasks and deliver cancellation in the order of sets that hash by address, trio
breaks ties between deadlines by address, and asyncio knows one schedule only. Inside ``run`` these
places are ordered, the schedule is drawn from the seed, garbage is collected at fixed points, and
whatever would bring the machine's time, chance, sockets or threads into the run raises
``Nondeterminism``. All private hooks of the simulator are in this module; a canary test notices
when an update of a library moves one.
"""

import asyncio
import gc
import itertools
import os
import random
import socket
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar

import anyio
import anyio.to_thread
import trio

from kube_actors.simulation.virtual_time import VirtualTimeLoop, trio_clock

T = TypeVar("T")

BACKENDS = ("asyncio", "trio")

TURNS_MAX = 20_000
"""After so many turns of the loop at one moment time is taken to stand still; sound runs of a whole
cluster need a few hundred."""

EXEMPT = {"asyncio", "trio", "logging", "selectors", "threading", "_pytest", "pytest_timeout"}
"""Packages that may ask the machine's clock: what they learn stays with them."""


class Nondeterminism(RuntimeError):
    """Something in a simulated run asked for what another run would answer differently."""


class Livelock(RuntimeError):
    """Something in a simulated run goes round in a circle, and no time passes."""


class _Turns:
    """Counts turns of a loop at one moment; gives the run up when there are too many."""

    def __init__(self) -> None:
        self.scope: anyio.CancelScope | None = None
        self.stuck_at_s = -1.0
        self._now_s = -1.0
        self._count = 0

    def turned(self, now_s: float) -> None:
        if now_s != self._now_s:
            self._now_s, self._count = now_s, 0
            return
        self._count += 1
        if self._count == TURNS_MAX and self.scope is not None:
            self.stuck_at_s = now_s
            self.scope.cancel()


class _TrioTurns(trio.abc.Instrument):
    """Trio's way to tell ``_Turns``."""

    def __init__(self, turns: _Turns) -> None:
        self._turns = turns

    def before_io_wait(self, timeout: float) -> None:
        self._turns.turned(trio.current_time())


class OrderedSet(dict[Any, None]):
    """As much of a set as anyio, trio and asyncio use, iterated in the order of insertion."""

    __slots__ = ()

    def __init__(self, items: Iterable[Any] = ()) -> None:
        super().__init__(dict.fromkeys(items))

    def add(self, item: Any) -> None:
        """Put an item in at the end; one that is there keeps its place."""
        self[item] = None

    def discard(self, item: Any) -> None:
        """Take an item out if it is there."""
        super().pop(item, None)

    remove = dict.__delitem__

    def pop(self, *_: Any) -> Any:
        """Take the last item out. Raises KeyError if there is none.

        A real set would give any; arguments are for the dictionary that this is, and are ignored.
        """
        return self.popitem()[0]

    def update(self, *others: Iterable[Any]) -> None:  # type: ignore[override]
        """Add all items, in their order."""
        for items in others:
            super().update(dict.fromkeys(items))

    def copy(self) -> "OrderedSet":
        """Return another set of the same items in the same order."""
        return OrderedSet(self)


class ShuffledLoop(VirtualTimeLoop):
    """An asyncio loop on virtual time that runs ready tasks in the order of a seed.

    Only tasks change places: plain callbacks keep theirs, for libraries rely on it.
    """

    _ready: Any

    def threads_at_work(self) -> bool:
        """Say no: a run is refused its threads."""
        # None can start in a run.
        return False

    def __init__(self, seed: int, turns: _Turns) -> None:
        self._dice = random.Random(f"{seed}/schedule")
        self._turns = turns
        super().__init__()

    def _run_once(self) -> None:
        self._turns.turned(self._virtual_s)
        ready = self._ready
        if len(ready) > 1:
            places = [place for place, handle in enumerate(ready) if _runs_task(handle)]
            if len(places) > 1:
                handles = [ready[place] for place in places]
                self._dice.shuffle(handles)
                for place, handle in zip(places, handles, strict=True):
                    ready[place] = handle
        super()._run_once()  # type: ignore[misc]


def _runs_task(handle: Any) -> bool:
    return isinstance(getattr(handle._callback, "__self__", None), asyncio.Task)


def run(main: Callable[[], Awaitable[T]], *, backend: str = "asyncio", seed: int = 0) -> T:
    """Run ``main`` on virtual time so that one seed gives one run; return what it returns.

    The module-level functions of ``random`` are seeded too. Raises ValueError on an unknown
    backend, Nondeterminism when the run reached for the world outside, Livelock when it was given
    up because no time passes any more, and what ``main`` raises.
    """
    if backend not in BACKENDS:
        raise ValueError(f"unknown backend {backend!r}: use one of {', '.join(BACKENDS)}")

    turns = _Turns()

    async def guarded() -> T:
        # The loop's own sockets exist by now.
        with _guards(), anyio.CancelScope() as turns.scope:
            return await main()
        raise Livelock(f"more than {TURNS_MAX} turns of the loop at {turns.stuck_at_s:.6f} s")

    with ExitStack() as stack:
        stack.enter_context(_collected_by_hand())
        stack.enter_context(_seeded_random(seed))
        options: dict[str, Any]
        if backend == "trio":
            stack.enter_context(_ordered_trio())
            options = {"clock": trio_clock(seed), "instruments": [_TrioTurns(turns)]}
        else:
            stack.enter_context(_ordered_asyncio())
            options = {"loop_factory": lambda: ShuffledLoop(seed, turns)}
        return anyio.run(guarded, backend=backend, backend_options=options)


def collect() -> None:
    """Collect garbage now: to be called at points that are the same in every run."""
    gc.collect()


@contextmanager
def _replaced(owner: Any, name: str, value: Any) -> Iterator[None]:
    """Put ``value`` in the place of a module's or class's name, which may be a builtin's."""
    missing = object()
    before = vars(owner).get(name, missing)
    setattr(owner, name, value)
    try:
        yield
    finally:
        if before is missing:
            delattr(owner, name)
        else:
            setattr(owner, name, before)


@contextmanager
def _collected_by_hand() -> Iterator[None]:
    """Keep the collector from running when it likes: it runs finalizers, and they run code."""
    enabled = gc.isenabled()
    gc.collect()
    gc.disable()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
        if enabled:
            gc.enable()


@contextmanager
def _seeded_random(seed: int) -> Iterator[None]:
    before = random.getstate()
    random.seed(f"{seed}/module")
    try:
        yield
    finally:
        random.setstate(before)


@contextmanager
def _ordered_trio() -> Iterator[None]:
    from trio._core import _run

    first: list[int] = []

    def number(task: trio.lowlevel.Task) -> int:
        # Tables of a set depend on the numbers themselves: each run counts from its own first.
        if not first:
            first.append(task._counter)
        return task._counter - first[0]

    def ordered(status: Any) -> None:
        status._tasks = OrderedSet(status._tasks)
        status._children = OrderedSet(status._children)
        enter(status)

    enter = _run.CancelStatus.__attrs_post_init__
    ties = itertools.count()
    with ExitStack() as stack:
        stack.enter_context(_replaced(_run.Task, "__hash__", number))
        stack.enter_context(_replaced(_run.CancelStatus, "__attrs_post_init__", ordered))
        # Breaks the ties of the heap of deadlines: first come, first served.
        stack.enter_context(_replaced(_run, "id", lambda _: next(ties)))
        yield


@contextmanager
def _ordered_asyncio() -> Iterator[None]:
    from anyio._backends import _asyncio

    with ExitStack() as stack:
        for module in (_asyncio, asyncio.taskgroups, asyncio.tasks):
            stack.enter_context(_replaced(module, "set", OrderedSet))
        yield


@contextmanager
def _guards() -> Iterator[None]:
    """Let nothing in that another run would answer differently."""
    clocks = ("time", "time_ns", "monotonic", "monotonic_ns", "sleep")
    with ExitStack() as stack:
        for name in clocks:
            stack.enter_context(_replaced(time, name, _forbidden("time", getattr(time, name))))
        stack.enter_context(_replaced(os, "urandom", _forbidden("os", os.urandom)))
        stack.enter_context(
            _replaced(threading.Thread, "start", _forbidden("Thread", threading.Thread.start))
        )
        stack.enter_context(
            _replaced(socket.socket, "__init__", _forbidden("socket", socket.socket.__init__))
        )
        stack.enter_context(_replaced(anyio.to_thread, "run_sync", _run_inline))
        yield


def _forbidden(owner: str, real: Callable[..., Any]) -> Callable[..., Any]:
    def forbidden(*args: Any, **kwargs: Any) -> Any:
        caller = sys._getframe(1).f_globals.get("__name__", "?")
        if caller.partition(".")[0] in EXEMPT:
            return real(*args, **kwargs)
        raise Nondeterminism(
            f"{caller} called {owner}.{real.__name__} in a simulated run, which no other run would "
            "answer alike: take time from the cluster's clock and chance from the seed"
        )

    return forbidden


async def _run_inline(func: Callable[..., T], *args: Any, **_: Any) -> T:
    """Do a thread's work at once: no time passes, and the order is always the same."""
    await anyio.lowlevel.checkpoint()
    return func(*args)
