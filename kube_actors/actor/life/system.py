"""A world of actors: one network, one clock, one seed, and the task that keeps their timers.

Systems share nothing: several live in one process, each with its own. A system runs no actor by
itself; supervisors run actors, and ``client`` makes one for ordinary code.
"""

import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import count
from types import TracebackType

import anyio
from anyio.abc import TaskGroup

from kube_actors.actor.address import Address
from kube_actors.actor.life.actor import Actor
from kube_actors.actor.loop import Clock, Library, Timers, only, running_library
from kube_actors.actor.memory_network import MemoryNetwork
from kube_actors.actor.talk import Mailbox, Network, Overflow, Port

EPOCH_S = 1_767_225_600.0
"""2026-01-01T00:00:00Z, where a clock nobody gave begins."""

KEEPALIVES_MISSED_MAX = 3
"""Keepalives that may be missed in a row before a stream is given up."""


class ActorSystem:
    """``async with ActorSystem(network, clock, seed) as system:``.

    ``first_number`` is that of its first conversation. A process that others may remember from a
    former life must begin elsewhere, or they would take its new calls for repeated old ones.
    """

    library: Library
    timers: Timers

    def __init__(
        self,
        network: Network | None = None,
        clock: Clock | None = None,
        seed: int = 0,
        *,
        keepalive_s: float = 5.0,
        first_number: int = 1,
    ) -> None:
        self.network: Network = MemoryNetwork(seed) if network is None else network
        self.clock = Clock(EPOCH_S) if clock is None else clock
        self.seed = seed
        self.keepalive_s = keepalive_s
        self.numbers = count(first_number)
        self.ports: dict[Address, Port] = {}
        self._sweeping = False
        self._lossy_since_s = math.inf
        self._incarnations: dict[Address, int] = {}
        self._tasks: TaskGroup | None = None

    async def __aenter__(self) -> "ActorSystem":
        self.library = running_library()
        self.timers = Timers(self.library)
        self.clock.now()
        self._tasks = anyio.create_task_group()
        await self._tasks.__aenter__()
        self._tasks.start_soon(self.timers.run, name="timers")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        assert self._tasks is not None
        self._tasks.cancel_scope.cancel()
        try:
            for port in list(self.ports.values()):
                self.close_port(port)
        except Exception as broken:
            if error is None:
                kind, error, traceback = type(broken), broken, broken.__traceback__
        try:
            return await self._tasks.__aexit__(kind, error, traceback)
        except BaseExceptionGroup as group:
            failure = only(group)
        raise failure

    def open_port(
        self, address: str, mailbox_max: int, overflow: Overflow = Overflow.REJECT
    ) -> Port:
        """Give a new incarnation its address; ValueError when it is taken."""
        port = Port(self, Address(address), Mailbox(mailbox_max, overflow))
        self.ports[port.address] = port
        return port

    def close_port(self, port: Port) -> None:
        """End an incarnation's connection at once, and free its address."""
        port.close()
        if self.ports.get(port.address) is port:
            del self.ports[port.address]

    async def run_incarnation(
        self,
        port: Port,
        run: Callable[[Actor], Awaitable[None]],
        entered: Callable[[anyio.CancelScope], None],
    ) -> None:
        """Run one incarnation to its end; what it spawned ends with it.

        ``entered`` is called once with the scope whose cancellation ends it.
        """
        try:
            async with anyio.create_task_group() as tasks:
                entered(tasks.cancel_scope)
                await run(self._actor(port, tasks))
                tasks.cancel_scope.cancel()
        finally:
            self.close_port(port)

    @asynccontextmanager
    async def client(self, address: str, *, mailbox_max: int = 4096) -> AsyncIterator[Actor]:
        """Make an actor of the calling task, for tests and embedders."""
        port = self.open_port(address, mailbox_max)
        try:
            async with anyio.create_task_group() as tasks:
                yield self._actor(port, tasks)
                tasks.cancel_scope.cancel()
            return
        except BaseExceptionGroup as group:
            failure = only(group)
        finally:
            self.close_port(port)
        raise failure

    def _actor(self, port: Port, tasks: TaskGroup) -> Actor:
        """Make the next incarnation of an address; no two draw the same numbers."""
        address = port.address
        incarnation = self._incarnations.get(address, 0) + 1
        self._incarnations[address] = incarnation
        seed = f"{self.seed}/{address}/{incarnation}"
        return Actor(self, port, tasks, clock=self.clock.at(address), seed=seed)

    def stream_opened(self) -> None:
        """Keep streams alive from now on, as long as there are any."""
        if not self._sweeping:
            self._sweeping = True
            self.timers.after(self.keepalive_s, self._sweep)

    def _sweep(self) -> None:
        """Exchange signs of life; without a lossy network there is nothing to find out."""
        now_s = self.library.time()
        if self.network.lossy:
            self._lossy_since_s = min(self._lossy_since_s, now_s)
            silent_since_s = now_s - KEEPALIVES_MISSED_MAX * self.keepalive_s
            if silent_since_s < self._lossy_since_s:
                silent_since_s = -math.inf
            alive = [port.keep_alive(silent_since_s) for port in list(self.ports.values())]
            streams = bool(alive)
        else:
            streams = any(port.has_streams for port in self.ports.values())
        self._sweeping = False
        if streams:
            self.stream_opened()
