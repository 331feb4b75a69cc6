"""The engine and the server over TLS: only who has a certificate of the cluster's is served."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import anyio
import pytest
from anyio.abc import SocketAttribute
from attrs import frozen

from kube_actors.actor import (
    Actor,
    ActorError,
    ActorSystem,
    Address,
    Blob,
    Child,
    Clock,
    MemoryNetwork,
    Supervisor,
)
from kube_actors.cluster.keys import make_keys
from kube_actors.etcd import engine, serve_etcd, tls_context
from kube_actors.store import MemberConfig, MemoryDisk, run_member
from kube_actors.store.messages import Put, Range, Txn

pytestmark = [pytest.mark.anyio, pytest.mark.real_time]


@frozen
class Secured:
    actor: Actor
    url: str
    files: Path


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("keys")
    clock = Clock.of_machine()
    for name, seed in (("ours", 1), ("strange", 2)):
        # The certificates' time is the machine's, so that the ssl module takes them.
        now_s = clock_now(clock)
        keys = make_keys(["127.0.0.1"], now_s=now_s, entropy=random.Random(seed).randbytes)
        (directory / f"{name}.ca").write_bytes(keys.authority.certificate_pem)
        for kind, pair in (("server", keys.server), ("client", keys.admin)):
            (directory / f"{name}.{kind}.crt").write_bytes(pair.certificate_pem)
            (directory / f"{name}.{kind}.key").write_bytes(pair.key_pem)
    return directory


def clock_now(clock: Clock) -> float:
    async def now() -> float:
        return clock.now()

    return anyio.run(now)


@asynccontextmanager
async def secured(files: Path) -> AsyncIterator[Secured]:
    async with (
        ActorSystem(MemoryNetwork(1), Clock.of_machine(), 7) as system,
        Supervisor(system, name="master/1") as supervisor,
        system.client("client/etcd") as serving,
        system.client("client/test") as client,
        anyio.create_task_group() as tasks,
    ):
        member = partial(run_member, config=MemberConfig(member=1, members=1), disk=MemoryDisk())
        supervisor.start(Child(Address("store/1"), member))
        tls = tls_context(
            str(files / "ours.server.crt"), str(files / "ours.server.key"), str(files / "ours.ca")
        )
        listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
        port = listener.extra(SocketAttribute.local_port)
        serve = partial(serve_etcd, serving, [Address("store/1")], listener, tls=tls)
        tasks.start_soon(serve)
        yield Secured(client, f"https://127.0.0.1:{port}", files)
        tasks.cancel_scope.cancel()


async def test_a_client_with_a_certificate_reads_and_writes(files: Path) -> None:
    async with secured(files) as world:
        store = engine(
            world.url,
            authority=files / "ours.ca",
            certificate=files / "ours.client.crt",
            key=files / "ours.client.key",
        )(world.actor)
        await store.txn(Txn((), (Put(b"a", Blob(b"x" * 300_000)),)))
        assert len((await store.range(Range(b"a"))).kvs[0].value) == 300_000


@pytest.mark.parametrize(
    ("authority", "client"),
    [("ours", None), ("ours", "strange"), ("strange", "ours")],
)
async def test_strangers_are_not_served(files: Path, authority: str, client: str | None) -> None:
    async with secured(files) as world:
        store = engine(
            world.url,
            authority=files / f"{authority}.ca",
            certificate=files / f"{client}.client.crt" if client else None,
            key=files / f"{client}.client.key" if client else None,
            timeout_s=3,
        )(world.actor)
        with pytest.raises(ActorError):
            await store.range(Range(b"a"))
        with pytest.raises(ActorError):
            await store.txn(Txn((), (Put(b"a", Blob(b"x")),)))
