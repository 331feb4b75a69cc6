"""A store over its quota, by etcd's API: writes refused, reads served, until it is disarmed."""

from typing import Any

import pytest

from kube_actors.actor import Blob
from kube_actors.etcd.schema import pb
from kube_actors.store.messages import DeleteRange, NoSpace, Put, Range, Txn
from tests.etcd.wires import EtcdWorld, etcd_world

pytestmark = pytest.mark.anyio

GET, DEACTIVATE = 0, 2
NOSPACE = 1


async def alarm(world: EtcdWorld, **fields: Any) -> Any:
    request = pb.AlarmRequest(**fields).SerializeToString()
    path = "/etcdserverpb.Maintenance/Alarm"
    return pb.AlarmResponse.FromString(await world.channel.unary(path, request, 10))


async def status(world: EtcdWorld) -> Any:
    path = "/etcdserverpb.Maintenance/Status"
    return pb.StatusResponse.FromString(await world.channel.unary(path, b"", 10))


async def fill(world: EtcdWorld) -> int:
    """Write until it is refused; return how many writes went in."""
    for number in range(100):
        try:
            await world.store.txn(Txn((), (Put(b"k%d" % number, Blob(b"x" * 10_000)),)))
        except NoSpace:
            return number
    raise AssertionError("nothing was refused")


async def test_no_space_refuses_writes_until_it_is_disarmed() -> None:
    async with etcd_world(quota_bytes=100_000) as world:
        written = await fill(world)
        assert 5 < written < 20
        told = await alarm(world, action=GET)
        assert [(one.memberID, one.alarm) for one in told.alarms] == [(1, NOSPACE)]
        said = await status(world)
        assert list(said.errors) == ["memberID:1 alarm:NOSPACE "]
        assert said.dbSizeQuota == 100_000
        assert (await world.store.range(Range(b"k", b"l"))).count == written
        await world.store.txn(Txn((), (DeleteRange(b"k", b"l"),)))
        await world.store.compact(await world.store.current_revision())
        ended = await alarm(world, action=DEACTIVATE, alarm=NOSPACE)
        assert [(one.memberID, one.alarm) for one in ended.alarms] == [(1, NOSPACE)]
        assert not (await alarm(world, action=GET)).alarms
        await world.store.txn(Txn((), (Put(b"again", Blob(b"x" * 10_000)),)))
