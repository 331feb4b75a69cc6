"""The same watches on a real etcd and on ours: the same events, ends and reasons, watch by watch.

How events are batched, and what comes between those of different watches, is nobody's promise and
not compared.
"""

from typing import Any

import anyio
import pytest

from kube_actors.etcd.addresses import parse_endpoints
from kube_actors.etcd.grpc.call import Call
from kube_actors.etcd.grpc.channel import Channel
from kube_actors.etcd.schema import pb
from tests.etcd.real_etcd import RealEtcd
from tests.etcd.requests import shift
from tests.etcd.test_differential import empty
from tests.etcd.wires import etcd_world

pytestmark = pytest.mark.real_time

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

    def _note(self, answer: Any) -> None:
        shift(answer, -self._first)
        told = self.told.setdefault(answer.watch_id, [])
        if answer.created:
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


async def _play(channel: Channel, script: list[Any]) -> Told:
    first = await empty(channel)
    async with channel.stream("/etcdserverpb.Watch/Watch") as call:
        side = Side(channel, call, first)
        for step in script:
            await side.do(step)
            if step[0] in ("create_request", "cancel_request", "progress_request"):
                # A watch that is asked for is not there yet: what is next must not overtake it.
                await side.listen()
        await side.listen()
    return side.told


async def _compare(url: str, script: list[Any]) -> None:
    async with etcd_world() as world, anyio.create_task_group() as tasks:
        theirs = Channel(parse_endpoints(url), tasks.start_soon)
        told: dict[str, Told] = {}

        async def play(name: str, channel: Channel) -> None:
            told[name] = await _play(channel, script)

        async with anyio.create_task_group() as both:
            both.start_soon(play, "etcd", theirs)
            both.start_soon(play, "ours", world.channel)
        assert told["ours"] == told["etcd"]
        assert any(told["etcd"].values())
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
