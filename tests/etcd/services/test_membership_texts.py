"""Changes of membership that are refused, in etcd's words."""

from typing import Any

import pytest

from kube_actors.etcd.grpc import GrpcError
from kube_actors.etcd.schema import pb
from tests.etcd.wires import EtcdWorld, etcd_world

pytestmark = pytest.mark.anyio

HERE, THERE = "http://127.0.0.1:1", "http://127.0.0.1:2"
CLUSTER, MAINTENANCE = "Cluster/Member", "Maintenance/"


async def ask(world: EtcdWorld, method: str, request: Any) -> bytes:
    path = f"/etcdserverpb.{method}"
    return await world.channel.unary(path, request.SerializeToString(), 20)


@pytest.mark.parametrize(
    ("method", "request_", "text"),
    [
        (f"{CLUSTER}Remove", pb.MemberRemoveRequest(ID=9), "member not found"),
        (f"{CLUSTER}Remove", pb.MemberRemoveRequest(ID=1 << 63), "member not found"),
        (
            f"{CLUSTER}Remove",
            pb.MemberRemoveRequest(ID=1),
            "re-configuration failed due to not enough started members",
        ),
        (
            f"{CLUSTER}Promote",
            pb.MemberPromoteRequest(ID=1),
            "can only promote a learner member",
        ),
        (f"{CLUSTER}Promote", pb.MemberPromoteRequest(ID=9), "member not found"),
        (
            f"{CLUSTER}Promote",
            pb.MemberPromoteRequest(ID=2),
            "can only promote a learner member which is in sync with leader",
        ),
        (f"{CLUSTER}Add", pb.MemberAddRequest(), "given member URLs are invalid"),
        (f"{CLUSTER}Add", pb.MemberAddRequest(peerURLs=["here"]), "given member URLs are invalid"),
        (f"{CLUSTER}Add", pb.MemberAddRequest(peerURLs=[HERE]), "Peer URLs already exists"),
        (
            f"{CLUSTER}Update",
            pb.MemberUpdateRequest(ID=9, peerURLs=[THERE]),
            "member not found",
        ),
        (f"{MAINTENANCE}MoveLeader", pb.MoveLeaderRequest(targetID=9), "bad leader transferee"),
        (f"{MAINTENANCE}MoveLeader", pb.MoveLeaderRequest(targetID=2), "bad leader transferee"),
    ],
)
async def test_a_refusal_is_told_in_etcds_words(method: str, request_: Any, text: str) -> None:
    async with etcd_world() as world:
        learner = pb.MemberAddRequest(peerURLs=[HERE], isLearner=True)
        added = pb.MemberAddResponse.FromString(await ask(world, f"{CLUSTER}Add", learner))
        assert (added.member.ID, added.member.isLearner) == (2, True)
        with pytest.raises(GrpcError) as refused:
            await ask(world, method, request_)
        assert refused.value.text == f"etcdserver: {text}"
