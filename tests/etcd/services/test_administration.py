"""Who is asked about the group, and who about itself, when members come and go."""

from typing import Any

import anyio
import pytest

from kube_actors.actor import Address
from kube_actors.etcd.grpc import Code, GrpcError
from kube_actors.etcd.schema import pb
from kube_actors.etcd.serving import etcd_server
from kube_actors.store.client import LEARN_S
from tests.etcd.wires import EtcdWorld, etcd_world, wired

pytestmark = pytest.mark.anyio

LIST = "/etcdserverpb.Cluster/MemberList"
STATUS = "/etcdserverpb.Maintenance/Status"


async def ask(channel: Any, path: str, request: Any, answer: Any) -> Any:
    return answer.FromString(await channel.unary(path, request.SerializeToString(), 30))


async def stop(world: EtcdWorld, *members: int) -> None:
    for member in members:
        await world.supervisor.stop(Address(f"store/{member}"))


async def test_a_member_that_is_gone_is_not_described_by_another() -> None:
    async with etcd_world(3) as world:
        said = await ask(world.channel, STATUS, pb.StatusRequest(), pb.StatusResponse)
        assert said.header.member_id == 1
        await stop(world, 1)
        with pytest.raises(GrpcError) as refused:
            await ask(world.channel, STATUS, pb.StatusRequest(), pb.StatusResponse)
        assert refused.value.code is Code.UNAVAILABLE
        request = pb.RangeRequest(key=b"k")
        read = await ask(world.channel, "/etcdserverpb.KV/Range", request, pb.RangeResponse)
        assert read.header.member_id in (2, 3)


async def test_who_joined_later_is_asked_when_the_others_are_gone() -> None:
    known = [Address("store/1"), Address("store/2")]
    async with etcd_world(3) as world, wired(etcd_server(world.actor, known)) as wires:
        channel, request = wires.channel(), pb.MemberListRequest(linearizable=False)
        await ask(channel, LIST, request, pb.MemberListResponse)
        await anyio.sleep(LEARN_S)
        await ask(channel, LIST, request, pb.MemberListResponse)
        await stop(world, 1, 2)
        found = await ask(channel, LIST, request, pb.MemberListResponse)
        assert [one.ID for one in found.members] == [1, 2, 3]


async def test_two_clusters_have_two_ids() -> None:
    async with etcd_world() as world, wired(etcd_server(world.actor, ["store/1"], 77)) as wires:
        said = await ask(wires.channel(), STATUS, pb.StatusRequest(), pb.StatusResponse)
        assert said.header.cluster_id == 77
