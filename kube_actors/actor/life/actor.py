"""What an actor function is given: its address, its mailbox and its ways to talk.

An actor is one async function ``async def run_x(actor: Actor, …) -> None`` that owns its state;
everything it knows of others came as a message. Answers to its own calls do not pass through the
mailbox, but a receive loop that awaits them stops receiving meanwhile: spawn a task instead.
"""

import random
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol
from uuid import UUID

import anyio
from anyio.abc import TaskGroup

from kube_actors.actor.address import Address
from kube_actors.actor.loop import Clock, Timers
from kube_actors.actor.talk import (
    TELL,
    Delivery,
    Envelope,
    Overflow,
    Port,
    StreamReader,
    encode,
)


class Runtime(Protocol):
    """Where actors run: what a supervisor needs of its system, and all that an actor has of it."""

    timers: Timers

    def open_port(self, address: str, mailbox_max: int, overflow: Overflow) -> Port:
        """Give a new incarnation its address; ValueError when it is taken."""

    def close_port(self, port: Port) -> None:
        """End an incarnation's connection at once, and free its address."""

    async def run_incarnation(
        self,
        port: Port,
        run: Callable[["Actor"], Awaitable[None]],
        entered: Callable[[anyio.CancelScope], None],
    ) -> None:
        """Run one incarnation to its end; ``entered`` is given the scope that ends it."""


class Actor:
    """One incarnation of an actor; ``runtime`` is for the supervisors that it opens."""

    __slots__ = ("_port", "_random", "_seed", "_tasks", "address", "clock", "runtime")

    def __init__(
        self, runtime: Runtime, port: Port, tasks: TaskGroup, *, clock: Clock, seed: str
    ) -> None:
        self.runtime = runtime
        self.address = port.address
        self.clock = clock
        self._seed = seed
        self._random: random.Random | None = None
        self._port = port
        self._tasks = tasks

    @property
    def random(self) -> random.Random:
        """This incarnation's own randomness; made when it is first needed, as it is large."""
        if self._random is None:
            self._random = random.Random(self._seed)
        return self._random

    def uid(self) -> str:
        """Make a name in the shape of a version 4 UUID, from this actor's own randomness."""
        return str(UUID(int=self.random.getrandbits(128), version=4))

    def tell(self, to: str, message: Any) -> None:
        """Send and forget; raises MalformedMessage when the message breaks its annotations."""
        frame = encode(message)
        self._port.send(Envelope(TELL, self.address, Address(to), 0, frame))

    async def call(self, to: str, message: Any, *, timeout_s: float = 30) -> Any:
        """Send and wait for the reply.

        Raises what the other side failed with, Unreachable when nobody has the address,
        Overloaded when its mailbox is full, ActorCrashed when it ended before it answered and
        DeadlineExceeded after ``timeout_s``. Leaving early tells the other side.
        """
        return await self._port.call(Address(to), message, timeout_s)

    def stream(
        self, to: str, message: Any, *, credit: int = 64
    ) -> AbstractAsyncContextManager[AsyncIterator[Any]]:
        """Open a stream of replies of which at most ``credit`` wait here.

        ``async with actor.stream(…) as items: async for item in items: …``. Entry or iteration
        raises what the other side failed with, Unreachable, Overloaded or ActorCrashed.
        """
        return StreamReader(self._port, Address(to), message, credit)

    async def receive(self) -> Delivery:
        """Wait for the next message."""
        return await self._port.receive()

    def receive_nowait(self) -> Delivery:
        """Take the next message; raises anyio.WouldBlock when there is none."""
        delivery = self._port.take()
        if delivery is None:
            raise anyio.WouldBlock
        return delivery

    @property
    def sleep(self) -> Callable[[float], Awaitable[None]]:
        """Waits for a number of seconds above 0: cheaper than ``anyio.sleep``, for tickers."""
        return self._port.library.sleep

    def flush(self) -> None:
        """Let what was sent leave now: before keeping the loop busy while others wait for it."""
        self._port.flush()

    def spawn(
        self, fn: Callable[..., Coroutine[Any, Any, None]], *args: Any, name: str = ""
    ) -> None:
        """Run a task that belongs to this actor: it dies with it, and its crash is the actor's."""
        self._tasks.start_soon(fn, *args, name=f"{self.address} {name}".strip())
