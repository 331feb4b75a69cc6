"""Actors to talk to, and the world that runs them."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from kube_actors.actor import (
    Actor,
    ActorError,
    ActorSystem,
    Child,
    Delivery,
    Supervisor,
    message,
)

Run = Callable[[Actor], Awaitable[None]]


@message("channel.ask")
class Ask:
    number: int = 0


@message("channel.no")
class No(ActorError):
    reason: str


@asynccontextmanager
async def world(*children: Child) -> AsyncIterator[tuple[Supervisor, Actor]]:
    async with (
        ActorSystem() as system,
        Supervisor(system, name="root") as supervisor,
        system.client("client/1") as actor,
    ):
        for child in children:
            supervisor.start(child)
        yield supervisor, actor


async def run_echo(actor: Actor) -> None:
    while True:
        delivery = await actor.receive()
        delivery.reply(delivery.message)


async def drain(actor: Actor, to: str) -> list[Any]:
    async with actor.stream(to, Ask()) as items:
        return [item async for item in items]


async def run_silent(actor: Actor) -> None:
    while True:
        await actor.receive()


def keep(deliveries: list[Delivery]) -> Run:
    async def run_keeper(actor: Actor) -> None:
        while True:
            deliveries.append(await actor.receive())

    return run_keeper


@message("stream.items")
class Items:
    count: int = 0


@message("stream.item")
class Item:
    number: int
