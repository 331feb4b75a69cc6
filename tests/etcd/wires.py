"""Byte streams in memory, a group of store members behind an etcd server, and channels to it."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial

import anyio
from anyio.abc import ByteStream
from attrs import frozen

from kube_actors.actor import Actor, ActorSystem, Address, Child, Clock, MemoryNetwork, Supervisor
from kube_actors.etcd.etcd_store import EtcdStore
from kube_actors.etcd.grpc import Channel, Endpoint, GrpcServer
from kube_actors.etcd.serving import etcd_server
from kube_actors.store import MemberConfig, MemoryDisk, run_member

EPOCH_S = 1_767_225_600.0
HERE = Endpoint("memory", 2379)


class PipeEnd(ByteStream):
    """One end of a connection; ``cut`` makes both sides silent."""

    def __init__(self) -> None:
        self.send_stream, self.receive_stream = anyio.create_memory_object_stream[bytes](64)
        self.other: PipeEnd
        self.cut = False
        self._rest = b""

    async def receive(self, max_bytes: int = 65536) -> bytes:
        if not self._rest:
            self._rest = await self.receive_stream.receive()
        data, self._rest = self._rest[:max_bytes], self._rest[max_bytes:]
        return data

    async def send(self, item: bytes) -> None:
        if self.cut:
            return
        await self.other.send_stream.send(item)

    async def send_eof(self) -> None:
        self.other.send_stream.close()

    async def aclose(self) -> None:
        self.other.send_stream.close()
        self.receive_stream.close()


def pipe() -> tuple[PipeEnd, PipeEnd]:
    """Return the two ends of a new connection."""
    one, two = PipeEnd(), PipeEnd()
    one.other, two.other = two, one
    return one, two


@frozen
class Wires:
    """``dial`` connects to ``server``; every client's end so far is in ``ends``."""

    server: GrpcServer
    tasks: anyio.abc.TaskGroup
    ends: list[PipeEnd]

    async def dial(self, endpoint: Endpoint) -> ByteStream:
        near, far = pipe()
        self.ends.append(near)
        self.tasks.start_soon(self.server.serve_connection, far)
        return near

    def channel(self) -> Channel:
        return Channel((HERE,), self.tasks.start_soon, dial=self.dial)


@asynccontextmanager
async def wired(server: GrpcServer) -> AsyncIterator[Wires]:
    """Serve over memory while the block lasts."""
    async with anyio.create_task_group() as tasks:
        yield Wires(server, tasks, [])
        tasks.cancel_scope.cancel()


@frozen
class EtcdWorld:
    """``store`` speaks etcd to a group of our own members."""

    wires: Wires
    actor: Actor
    supervisor: Supervisor
    store: EtcdStore
    channel: Channel


@asynccontextmanager
async def etcd_world(members: int = 1, **options: int) -> AsyncIterator[EtcdWorld]:
    """Run ``members`` store members, an etcd server before them and a store client to that.

    ``options`` are of ``MemberConfig``.
    """
    async with (
        ActorSystem(MemoryNetwork(1), Clock(EPOCH_S), 7) as system,
        Supervisor(system, name="master/1") as supervisor,
        system.client("client/etcd") as serving,
        system.client("client/test") as client,
    ):
        addresses = [Address(f"store/{number}") for number in range(1, members + 1)]
        for number, address in enumerate(addresses, 1):
            supervisor.start(Child(address, _member(number, members, options)))
        async with wired(etcd_server(serving, addresses)) as wires:
            store = EtcdStore(client, (HERE,), dial=wires.dial)
            yield EtcdWorld(wires, client, supervisor, store, wires.channel())


def _member(number: int, members: int, options: Mapping[str, int]) -> Callable[[Actor], object]:
    config = MemberConfig(member=number, members=members, **options)
    return partial(run_member, config=config, disk=MemoryDisk())
