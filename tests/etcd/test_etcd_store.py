"""The etcd client engine against our own etcd server, in memory and on virtual time."""

from collections.abc import Sequence
from typing import Any

import anyio
import pytest

from kube_actors.actor import ActorCrashed, ActorError, Address, Blob, DeadlineExceeded, Unreachable
from kube_actors.etcd.etcd_store import EtcdStore
from kube_actors.etcd.grpc import Code, Endpoint, GrpcError, GrpcServer, Streaming, Unary
from kube_actors.etcd.schema import Parser, pb
from kube_actors.store.messages import (
    Compacted,
    Compare,
    CompareResult,
    CompareTarget,
    Corrupt,
    DeleteRange,
    EventType,
    FutureRevision,
    InvalidRequest,
    LeaseGrant,
    LeaseKeepAlive,
    LeaseNotFound,
    LeaseRevoke,
    LeaseTimeToLive,
    NoQuorum,
    NoSpace,
    OutcomeUnknown,
    Put,
    Range,
    Txn,
    Watch,
)
from tests.etcd.wires import HERE, EtcdWorld, Wires, etcd_world, wired

pytestmark = pytest.mark.anyio


async def put(world: EtcdWorld, key: bytes, value: bytes = b"v", lease: int = 0) -> int:
    done = await world.store.txn(Txn((), (Put(key, Blob(value), lease),)))
    return done.revision


async def test_what_is_written_is_read_and_deleted() -> None:
    async with etcd_world() as world:
        revision = await put(world, b"a", b"1")
        assert await world.store.current_revision() == revision
        found = await world.store.range(Range(b"a"))
        assert [(kv.key, bytes(kv.value)) for kv in found.kvs] == [(b"a", b"1")]
        guard = Compare(b"a", CompareTarget.VALUE, CompareResult.EQUAL, value=b"1")
        done = await world.store.txn(
            Txn((guard,), (DeleteRange(b"a", prev_kv=True), Range(b"a"), Txn((), (Range(b"a"),))))
        )
        assert done.succeeded
        assert done.responses[0].prev_kvs == found.kvs  # type: ignore[union-attr]
        assert done.responses[1].kvs == ()  # type: ignore[union-attr]


async def test_errors_keep_their_types() -> None:
    async with etcd_world() as world:
        first = await put(world, b"a")
        last = await put(world, b"a")
        assert await world.store.compact(last) == last
        with pytest.raises(Compacted) as compacted:
            await world.store.range(Range(b"a", revision=first))
        assert compacted.value.compact_revision == first + 1
        with pytest.raises(FutureRevision):
            await world.store.range(Range(b"a", revision=1000))
        with pytest.raises(InvalidRequest, match=r"^key is not provided$"):
            await world.store.range(Range(b""))
        with pytest.raises(LeaseNotFound):
            await put(world, b"a", lease=5)


async def test_leases_are_granted_kept_inspected_and_ended() -> None:
    async with etcd_world() as world:
        store = world.store
        granted = await store.lease(LeaseGrant(10))
        await put(world, b"leased", lease=granted.id)
        await anyio.sleep(6)
        assert (await store.lease(LeaseKeepAlive(granted.id))).ttl_s == 10
        await anyio.sleep(6)
        left = await store.lease(LeaseTimeToLive(granted.id, keys=True))
        assert (left.granted_ttl_s, left.keys) == (10, (b"leased",))
        assert 3 <= left.ttl_s <= 5
        assert (await store.lease(LeaseRevoke(granted.id))).ttl_s == -1
        assert (await store.range(Range(b"leased"))).count == 0
        assert (await store.lease(LeaseTimeToLive(granted.id))).ttl_s == -1
        with pytest.raises(LeaseNotFound):
            await store.lease(LeaseKeepAlive(granted.id))


async def test_a_watch_begins_where_it_says_and_misses_nothing() -> None:
    async with etcd_world() as world:
        first = await put(world, b"a", b"1")
        await put(world, b"a", b"2")
        async with world.store.watch(Watch(b"a", start_revision=first)) as items:
            assert (await anext(items)).revision == first - 1
            seen: list[bytes] = []
            while len(seen) < 2:
                seen += [bytes(event.kv.value) for event in (await anext(items)).events]
            assert seen == [b"1", b"2"]
            last = await put(world, b"a", b"3")
            watched = await anext(items)
            assert (watched.revision, len(watched.events)) == (last, 1)
        async with world.store.watch(Watch(b"a", prev_kv=True)) as items:
            assert (await anext(items)).revision == last
            await world.store.txn(Txn((), (DeleteRange(b"a"),)))
            (event,) = (await anext(items)).events
            assert event.type is EventType.DELETE
            assert event.prev_kv is not None
            assert event.prev_kv.value == b"3"


async def test_a_watch_from_before_the_compaction_says_so() -> None:
    async with etcd_world() as world:
        first = await put(world, b"a")
        last = await put(world, b"a")
        await world.store.compact(last)
        with pytest.raises(Compacted) as compacted:
            await _read_to_the_end(world, Watch(b"a", start_revision=first))
        assert compacted.value.compact_revision == last


async def test_a_watch_is_told_progress_when_it_asks() -> None:
    watch = Watch(b"a", progress_notify=True)
    async with etcd_world() as world, world.store.watch(watch) as items:
        await anext(items)
        last = await put(world, b"elsewhere")
        with anyio.fail_after(60):
            watched = await anext(items)
            while watched.revision < last:
                watched = await anext(items)
        assert watched.events == ()


async def test_an_open_watch_ends_with_an_error_when_the_connection_breaks() -> None:
    async with etcd_world() as world:
        async with world.store.watch(Watch(b"a")) as items:
            await anext(items)
            await world.wires.ends[-1].aclose()
            with pytest.raises(ActorCrashed):
                await anext(items)
        assert await world.store.current_revision() > 0


async def test_a_watch_that_catches_up_is_not_taken_to_be_further_than_its_events() -> None:
    async def watch(requests: Any, answers: Any) -> None:
        """As etcd does: the header tells the newest revision, the events are older."""
        async for _ in requests:
            created = pb.WatchResponse(created=True)
            created.header.revision = 100
            await answers.send(created)
            behind = pb.WatchResponse(events=[pb.Event(kv=pb.KeyValue(key=b"a", mod_revision=7))])
            behind.header.revision = 100
            await answers.send(behind)

    server = GrpcServer(
        {"/etcdserverpb.Watch/Watch": Streaming(Parser(pb.WatchRequest), watch)},
        lambda error: None,
    )
    async with etcd_world() as world, wired(server) as wires:
        store = EtcdStore(world.actor, (HERE,), dial=wires.dial)
        async with store.watch(Watch(b"a", start_revision=5)) as items:
            assert (await anext(items)).revision == 4
            assert (await anext(items)).revision == 7


async def test_the_group_s_state_is_told() -> None:
    async with etcd_world(members=3) as world:
        await put(world, b"a")
        status = await world.store.status()
        assert (status.members, status.answering, status.read_only) == (3, 2, False)
        assert status.leader in (1, 2, 3)


async def test_a_lost_quorum_is_told_and_its_return_too() -> None:
    async with etcd_world(members=3) as world:
        await put(world, b"a")
        for member in ("store/2", "store/3"):
            await world.supervisor.stop(Address(member))
        await anyio.sleep(5)
        with pytest.raises(NoQuorum):
            await world.store.range(Range(b"a"))
        with pytest.raises((NoQuorum, OutcomeUnknown)):
            await put(world, b"a")
        assert (await world.store.range(Range(b"a", serializable=True))).count == 1
        assert (await world.store.status()).read_only


async def _read_to_the_end(world: EtcdWorld, watch: Watch) -> None:
    async with world.store.watch(watch) as items:
        async for _ in items:
            pass


def failing(error: GrpcError | None, calls: list[str]) -> GrpcServer:
    """A server that notes calls and fails them; without ``error`` it does not answer."""

    async def fail(request: Any) -> Any:
        calls.append(type(request).__name__)
        if error is None:
            await anyio.sleep_forever()
        raise error  # type: ignore[misc]

    return GrpcServer(
        {
            "/etcdserverpb.KV/Range": Unary(Parser(pb.RangeRequest), fail),
            "/etcdserverpb.KV/Txn": Unary(Parser(pb.TxnRequest), fail),
        },
        lambda error: None,
    )


async def _failures(
    world: EtcdWorld, wires: Wires, endpoints: Sequence[Endpoint] = (HERE,)
) -> tuple[type[ActorError], type[ActorError]]:
    store = EtcdStore(world.actor, endpoints, dial=wires.dial, timeout_s=5)
    with pytest.raises(ActorError) as read:
        await store.range(Range(b"a"))
    with pytest.raises(ActorError) as written:
        await store.txn(Txn((), (Put(b"a", Blob(b"")),)))
    return type(read.value), type(written.value)


@pytest.mark.parametrize(
    ("error", "read", "written"),
    [
        ((Code.UNAVAILABLE, "etcdserver: no leader"), NoQuorum, NoQuorum),
        ((Code.UNAVAILABLE, "etcdserver: request timed out"), NoQuorum, OutcomeUnknown),
        ((Code.UNAVAILABLE, "etcdserver: leader changed"), NoQuorum, OutcomeUnknown),
        ((Code.UNAVAILABLE, "etcdserver: server stopped"), Unreachable, OutcomeUnknown),
        (
            (Code.RESOURCE_EXHAUSTED, "etcdserver: mvcc: database space exceeded"),
            NoSpace,
            NoSpace,
        ),
        ((Code.DATA_LOSS, "etcdserver: corrupt cluster"), Corrupt, Corrupt),
        ((Code.INVALID_ARGUMENT, "etcdserver: other"), InvalidRequest, InvalidRequest),
        (None, DeadlineExceeded, OutcomeUnknown),
    ],
)
async def test_a_write_is_only_called_refused_when_it_surely_was(
    error: tuple[Code, str] | None, read: type[ActorError], written: type[ActorError]
) -> None:
    calls: list[str] = []
    server = failing(GrpcError(*error) if error else None, calls)
    async with etcd_world() as world, wired(server) as wires:
        assert await _failures(world, wires) == (read, written)
        assert calls.count("TxnRequest") == 1, "a write whose fate is unknown was repeated"


async def test_a_store_that_nobody_serves_is_unreachable() -> None:
    async with etcd_world() as world:

        async def dial(endpoint: Endpoint) -> Any:
            raise ConnectionRefusedError("nobody")

        store = EtcdStore(world.actor, (HERE,), dial=dial)
        with pytest.raises(Unreachable, match="nobody"):
            await store.range(Range(b"a"))
        with pytest.raises(Unreachable):
            await store.txn(Txn((), (Put(b"a", Blob(b"")),)))


async def test_reads_and_unreceived_writes_go_on_to_an_endpoint_that_answers() -> None:
    calls: list[str] = []
    broken = failing(GrpcError(Code.UNAVAILABLE, "etcdserver: server stopped"), calls)
    bad = Endpoint("bad", 1)
    async with etcd_world() as world, wired(broken) as wires:

        async def dial(endpoint: Endpoint) -> Any:
            if endpoint.host == "none":
                raise ConnectionRefusedError("nobody")
            return await (wires if endpoint is bad else world.wires).dial(endpoint)

        store = EtcdStore(world.actor, (bad, HERE), dial=dial)
        await store.range(Range(b"a"))
        assert calls == ["RangeRequest"]
        store = EtcdStore(world.actor, (Endpoint("none", 1), HERE), dial=dial)
        assert (await store.txn(Txn((), (Put(b"a", Blob(b"")),)))).succeeded
