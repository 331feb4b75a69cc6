"""The same watches on a real etcd and on ours: the same events, ends and reasons, watch by watch.

How events are batched, and what comes between those of different watches, is nobody's promise and
not compared.
"""

import time
from contextlib import AsyncExitStack
from typing import Any

import anyio
import pytest

from kube_actors.etcd.addresses import parse_endpoints
from kube_actors.etcd.grpc import Call, Channel
from kube_actors.etcd.schema import pb
from tests.etcd.real_etcd import RealEtcd
from tests.etcd.requests import shift
from tests.etcd.test_differential import empty
from tests.etcd.wires import etcd_world

pytestmark = pytest.mark.real_time

PATIENCE_S = 60.0
QUIET_S = 0.3
"""How long nothing comes before an etcd is taken to have said all: it looks every 100 ms."""

Told = dict[int, list[str]]


class Side:
    """One of the two stores, with one watch stream open."""

    def __init__(self, channel: Channel, call: Call, first: int) -> None:
        self._channel = channel
        self._call = call
        self._first = first
        self.told: Told = {}
        self.created = 0

    async def do(self, step: Any) -> None:
        kind, fields = step
        if kind in ("create_request", "cancel_request", "progress_request"):
            message = pb.WatchRequest(**{kind: fields})
            shift(message, self._first)
            await self._call.send(message.SerializeToString())
            return
        if isinstance(fields, pb.CompactionRequest):
            fields = pb.CompactionRequest(revision=fields.revision + self._first)
        await self._channel.unary(f"/etcdserverpb.{kind}", fields.SerializeToString(), 10)

    async def listen(self) -> None:
        """Note everything until there is silence."""
        while True:
            data: bytes | None = None
            with anyio.move_on_after(QUIET_S):
                data = await self._call.receive()
            if data is None:
                return
            self._note(pb.WatchResponse.FromString(data))

    async def hear_created(self) -> None:
        """Note everything until a watch that was asked for is there, or is refused."""
        before = self.created
        while self.created == before:
            data = await self._call.receive()
            assert data is not None
            self._note(pb.WatchResponse.FromString(data))

    def _note(self, answer: Any) -> None:
        shift(answer, -self._first)
        told = self.told.setdefault(answer.watch_id, [])
        if answer.created:
            self.created += 1
            told.append(f"created canceled={answer.canceled} {answer.cancel_reason!r}")
        elif answer.canceled:
            told.append(f"canceled {answer.compact_revision} {answer.cancel_reason!r}")
        elif not answer.events and not answer.fragment:
            told.append("progress")
        told.extend(str(event) for event in answer.events)


def create(key: bytes, range_end: bytes = b"", **fields: Any) -> Any:
    request = pb.WatchCreateRequest(key=key, range_end=range_end, **fields)
    return ("create_request", request)


def cancel(watch_id: int) -> Any:
    return ("cancel_request", pb.WatchCancelRequest(watch_id=watch_id))


def put(key: bytes, value: bytes = b"v") -> Any:
    return ("KV/Put", pb.PutRequest(key=key, value=value))


def delete(key: bytes, range_end: bytes = b"") -> Any:
    return ("KV/DeleteRange", pb.DeleteRangeRequest(key=key, range_end=range_end))


SCRIPTS: dict[str, list[Any]] = {
    "ids are given, asked for, refused and free again": [
        create(b"a"),
        create(b"b"),
        create(b"c", watch_id=7),
        create(b"d", watch_id=7),
        create(b"e", b"e"),
        create(b"f", b"e"),
        put(b"c"),
        cancel(7),
        cancel(99),
        create(b"g", watch_id=7),
        put(b"c"),
        put(b"g"),
        put(b"a"),
        cancel(0),
        create(b"h"),
        put(b"h"),
        put(b"a"),
    ],
    "ranges, prefixes and everything": [
        create(b"a"),
        create(b"a", b"c"),
        create(b"b", b"\0"),
        create(b"\0", b"\0"),
        create(b""),
        create(b"", b"\0"),
        put(b"a"),
        put(b"ab"),
        put(b"b"),
        put(b"c", b""),
        delete(b"a", b"b"),
        delete(b"\0", b"\0"),
        delete(b"a"),
    ],
    "filters and previous values": [
        create(b"a", prev_kv=True),
        create(b"a", filters=[0]),
        create(b"a", filters=[1], prev_kv=True),
        create(b"a", filters=[0, 1]),
        put(b"a", b"1"),
        put(b"a", b"2"),
        delete(b"a"),
        put(b"a", b"3"),
    ],
    "from the past, from the future, from before the compaction": [
        put(b"a", b"1"),
        put(b"a", b"2"),
        delete(b"a"),
        put(b"b", b"3"),
        create(b"a", b"z", start_revision=1, prev_kv=True),
        create(b"a", b"z", start_revision=3),
        create(b"a", b"z", start_revision=8),
        put(b"a", b"4"),
        put(b"a", b"5"),
        put(b"a", b"6"),
        put(b"a", b"7"),
        ("KV/Compact", pb.CompactionRequest(revision=5)),
        create(b"a", b"z", start_revision=4),
        create(b"a", b"z", start_revision=5),
    ],
    "many writes in one revision": [
        create(b"a", b"z", fragment=True, prev_kv=True),
        (
            "KV/Txn",
            pb.TxnRequest(
                success=[
                    pb.RequestOp(request_put=pb.PutRequest(key=b"a", value=b"1")),
                    pb.RequestOp(request_put=pb.PutRequest(key=b"b", value=b"2")),
                    pb.RequestOp(request_delete_range=pb.DeleteRangeRequest(key=b"c")),
                ]
            ),
        ),
        (
            "KV/Txn",
            pb.TxnRequest(
                success=[
                    pb.RequestOp(
                        request_delete_range=pb.DeleteRangeRequest(key=b"b", range_end=b"z")
                    ),
                    pb.RequestOp(request_put=pb.PutRequest(key=b"a", value=b"3")),
                ]
            ),
        ),
    ],
    "progress is told to all at once": [create(b"a"), ("progress_request", {}), put(b"a")],
}


async def _play(side: Side, script: list[Any]) -> None:
    for step in script:
        await side.do(step)
        if step[0] == "create_request":
            # A watch that is asked for is not there yet: what is next must not overtake it.
            await side.hear_created()
        if step[0] in ("create_request", "cancel_request", "progress_request"):
            await side.listen()
    await side.listen()


async def _compare(url: str, script: list[Any]) -> None:
    async with etcd_world() as world, anyio.create_task_group() as tasks, AsyncExitStack() as calls:
        theirs = Channel(parse_endpoints(url), tasks.start_soon)
        sides: list[Side] = []
        for channel in (theirs, world.channel):
            first = await empty(channel)
            call = await calls.enter_async_context(channel.stream("/etcdserverpb.Watch/Watch"))
            sides.append(Side(channel, call, first))
        async with anyio.create_task_group() as both:
            for side in sides:
                both.start_soon(_play, side, script)
        etcd, ours = sides
        until_s = time.monotonic() + PATIENCE_S
        while ours.told != etcd.told and time.monotonic() < until_s:
            # One of them was held up for longer than the silence that was waited for.
            await etcd.listen()
            await ours.listen()
        assert ours.told == etcd.told
        assert any(etcd.told.values())
        tasks.cancel_scope.cancel()


def _scripts() -> list[Any]:
    """Waiting for silence takes long: the two that ask most go always, the others with soak."""
    often = ("ids are given", "from the past")
    return [
        pytest.param(name, marks=() if name.startswith(often) else pytest.mark.soak)
        for name in SCRIPTS
    ]


@pytest.mark.parametrize("name", _scripts())
def test_watches_tell_what_those_of_a_real_etcd_tell(etcd: RealEtcd, name: str) -> None:
    anyio.run(_compare, etcd.url, SCRIPTS[name])
