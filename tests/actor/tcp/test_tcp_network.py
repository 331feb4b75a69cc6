"""Actors in two processes talk as in one: calls, streams, absence, losses. Real sockets."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

from kube_actors.actor import Actor, ActorCrashed, Blob, Child, Delivery, Supervisor, Unreachable
from tests.actor.talk.wire_messages import Leaf, Node, Refused
from tests.actor.tcp.worlds import Certificates, End, process, until
from tests.polling import eventually
from tests.proxy.sockets import open_sockets

pytestmark = [pytest.mark.anyio, pytest.mark.real_time]


async def echo(actor: Actor) -> None:
    while True:
        delivery = await actor.receive()
        if delivery.expects == "stream":
            writer = delivery.open()
            for _ in range(3):
                await writer.send(delivery.message)
            writer.close()
        else:
            delivery.reply(delivery.message)


@asynccontextmanager
async def pair(tmp_path: Path, secure: bool = True) -> AsyncIterator[tuple[End, End]]:
    certificates = Certificates(tmp_path)
    tls = {name: certificates.tls(name) if secure else None for name in ("a", "b")}
    async with (
        process("b", tls=tls["b"]) as b,
        process("a", tls=tls["a"], peers={"b": b.endpoint}) as a,
    ):
        await until(lambda: a.network.connected == ("b",) and b.network.connected == ("a",))
        yield a, b


async def heard(asking: Actor, address: str) -> None:
    """Wait until an address is known where ``asking`` lives."""
    await eventually(lambda: asking.call(address, Leaf()), Unreachable)


@pytest.mark.parametrize("secure", [True, False])
async def test_calls_and_streams_cross(tmp_path: Path, secure: bool) -> None:
    async with (
        pair(tmp_path, secure) as (a, b),
        Supervisor(b.system, name="b") as supervisor,
        a.system.client("client/a") as client,
    ):
        supervisor.start(Child("echo", echo))
        await heard(client, "echo")
        assert await client.call("echo", Leaf(7, "ü")) == Leaf(7, "ü")
        big = Node((Leaf(1),), Blob(bytes(range(256)) * 8000))
        assert await client.call("echo", big) == big
        async with client.stream("echo", Leaf(3)) as items:
            assert [item async for item in items] == [Leaf(3)] * 3
        async with anyio.create_task_group() as tasks:
            for number in range(200):
                tasks.start_soon(ask, client, number)


async def ask(client: Actor, number: int) -> None:
    assert await client.call("echo", Leaf(number)) == Leaf(number)


async def test_what_nobody_has_is_unreachable(tmp_path: Path) -> None:
    async with pair(tmp_path) as (a, b), a.system.client("client/a") as client:
        with pytest.raises(Unreachable):
            await client.call("nobody", Leaf())
        async with b.system.client("client/b") as other, anyio.create_task_group() as tasks:
            tasks.start_soon(answer_one, other)
            await heard(client, "client/b")
        # It has left: whether the news came first or not, nobody waits.
        with pytest.raises(Unreachable):
            await client.call("client/b", Leaf())


async def answer_one(actor: Actor) -> None:
    delivery = await actor.receive()
    delivery.reply(delivery.message)


async def test_an_error_crosses_as_itself(tmp_path: Path) -> None:
    async def refusing(actor: Actor) -> None:
        while True:
            (await actor.receive()).fail(Refused("no", Blob(b"body")))

    async with (
        pair(tmp_path) as (a, b),
        Supervisor(b.system, name="b") as supervisor,
        a.system.client("client/a") as client,
    ):
        supervisor.start(Child("refusing", refusing))
        with pytest.raises(Refused) as refused:
            await heard(client, "refusing")
        assert refused.value.body == b"body"


async def test_a_lost_process_fails_what_waits_for_it(tmp_path: Path) -> None:
    """Calls and streams towards it crash at once; those from it are seen as cancelled."""
    certificates = Certificates(tmp_path)
    tls_a, tls_b = certificates.tls("a"), certificates.tls("b")
    failed: list[type] = []
    held: list[Delivery] = []
    begun = anyio.Event()

    async def hold(actor: Actor) -> None:
        while True:
            delivery = await actor.receive()
            held.append(delivery)
            if delivery.expects == "stream":
                await delivery.open().send(Leaf())

    async def expect_crash(client: Actor) -> None:
        with pytest.raises(ActorCrashed) as crashed:
            await client.call("hold/b", Leaf(), timeout_s=60)
        failed.append(type(crashed.value))

    async def expect_end(client: Actor) -> None:
        async with client.stream("hold/b", Leaf()) as items:
            assert await anext(items) == Leaf()
            begun.set()
            with pytest.raises(ActorCrashed):
                await anext(items)
        failed.append(ActorCrashed)

    async def call_into(client: Actor) -> None:
        with anyio.CancelScope(), pytest.raises(ActorCrashed):
            await client.call("hold/a", Leaf(), timeout_s=60)

    async with (
        process("a", tls=tls_a) as a,
        Supervisor(a.system, name="a") as supervisor,
        a.system.client("client/a") as client,
        anyio.create_task_group() as tasks,
    ):
        supervisor.start(Child("hold/a", hold))
        async with (
            process("b", tls=tls_b, peers={"a": a.endpoint}) as b,
            Supervisor(b.system, name="b") as theirs,
            b.system.client("client/b") as they,
        ):
            theirs.start(Child("hold/b", hold))
            await until(lambda: "hold/b" in a.network.addresses_of("b"))
            await until(lambda: "hold/a" in b.network.addresses_of("a"))
            async with anyio.create_task_group() as calls:
                tasks.start_soon(expect_crash, client)
                tasks.start_soon(expect_end, client)
                calls.start_soon(call_into, they)
                await until(lambda: len(held) == 3)
                # What is cut may be on its way still.
                await begun.wait()
                b.network.cut("a")
        await until(lambda: len(failed) == 2)
        mine = next(each for each in held if each.source == "client/b")
        await until(lambda: mine.cancelled)
        with pytest.raises(Unreachable):
            await client.call("hold/b", Leaf())


@pytest.mark.parametrize("checkpoints", range(8))
async def test_left_at_any_moment_it_leaves_no_socket(checkpoints: int) -> None:
    """It has connected, or is connected to, just as it ends."""
    with socket.socket() as other, socket.socket() as client:
        other.bind(("127.0.0.1", 0))
        other.listen()
        before = open_sockets()
        async with process("a", peers={"b": other.getsockname()}) as a:
            client.connect(a.endpoint)
            for _ in range(checkpoints):
                await anyio.lowlevel.checkpoint()
        assert open_sockets() == before
