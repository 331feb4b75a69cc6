"""The same requests to a real etcd and to ours over the wire: the same answers, field by field.

What is not compared: who answers (cluster, member, term) and how much of a lease's time is left.
Revisions count from where each store began.
"""

from typing import Any

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kube_actors.etcd.addresses import parse_endpoints
from kube_actors.etcd.grpc import Channel, GrpcError
from kube_actors.etcd.schema import pb
from tests.etcd.real_etcd import RealEtcd
from tests.etcd.requests import ANSWERS, Step, shift, steps
from tests.etcd.wires import etcd_world

pytestmark = pytest.mark.real_time

_UNTOLD = ("cluster_id", "member_id", "raft_term")


async def _ask(channel: Channel, step: Step, first: int) -> str:
    """Return the answer, or the refusal, in words that can be compared."""
    answer = getattr(pb, ANSWERS[step.method])()
    try:
        data = await channel.unary(f"/etcdserverpb.{step.method}", step.at(first), 10)
    except GrpcError as error:
        return f"{error.code.name}: {error.text}"
    answer.ParseFromString(data)
    shift(answer, -first)
    for name in _UNTOLD:
        answer.header.ClearField(name)
    if isinstance(answer, pb.LeaseTimeToLiveResponse):
        answer.TTL = min(answer.TTL, 0)
        answer.keys.sort()
    if isinstance(answer, pb.LeaseLeasesResponse):
        answer.leases.sort(key=lambda lease: lease.ID)
    return str(answer)


async def empty(channel: Channel) -> int:
    """Delete all keys, leases and history; return the revision that is left."""
    leases = pb.LeaseLeasesResponse.FromString(
        await channel.unary("/etcdserverpb.Lease/LeaseLeases", b"", 10)
    )
    for lease in leases.leases:
        request = pb.LeaseRevokeRequest(ID=lease.ID).SerializeToString()
        await channel.unary("/etcdserverpb.Lease/LeaseRevoke", request, 10)
    for request in (
        pb.TxnRequest(
            success=[pb.RequestOp(request_put=pb.PutRequest(key=b"a"))],
        ),
        pb.TxnRequest(
            success=[
                pb.RequestOp(request_delete_range=pb.DeleteRangeRequest(key=b"\0", range_end=b"\0"))
            ],
        ),
    ):
        data = await channel.unary("/etcdserverpb.KV/Txn", request.SerializeToString(), 10)
    revision = int(pb.TxnResponse.FromString(data).header.revision)
    request = pb.CompactionRequest(revision=revision).SerializeToString()
    await channel.unary("/etcdserverpb.KV/Compact", request, 10)
    return revision


async def _compare(url: str, sequence: list[Step]) -> None:
    async with etcd_world() as world, anyio.create_task_group() as tasks:
        theirs = Channel(parse_endpoints(url), tasks.start_soon)
        first_theirs = await empty(theirs)
        first_ours = await empty(world.channel)
        for number, step in enumerate(sequence):
            expected = await _ask(theirs, step, first_theirs)
            found = await _ask(world.channel, step, first_ours)
            if expected != found:
                before = "".join(f"{one.method} {one.request}" for one in sequence[:number])
                raise AssertionError(
                    f"{step.method} {step.request}\netcd: {expected}\nours: {found}\n"
                    f"after: {before}"
                )
        tasks.cancel_scope.cancel()


def _run(url: str, sequence: list[Step]) -> None:
    anyio.run(_compare, url, sequence)


@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(sequence=st.lists(steps, min_size=5, max_size=25))
def test_random_requests_are_answered_as_by_a_real_etcd(
    etcd: RealEtcd, sequence: list[Step]
) -> None:
    _run(etcd.url, sequence)


def _txn(*operations: Any) -> Any:
    return pb.TxnRequest(success=operations)


def _put(number: int) -> Any:
    return pb.RequestOp(request_put=pb.PutRequest(key=b"%d" % number))


LIMITS: dict[str, list[Step]] = {
    "a value of 1.4 MB": [Step("KV/Put", pb.PutRequest(key=b"a", value=b"x" * 1_400_000))],
    "a value of 1.6 MB": [Step("KV/Put", pb.PutRequest(key=b"a", value=b"x" * 1_600_000))],
    "128 operations": [Step("KV/Txn", _txn(*map(_put, range(128))))],
    "129 operations": [Step("KV/Txn", _txn(*map(_put, range(129))))],
    "operations of a transaction inside": [
        Step("KV/Txn", _txn(*map(_put, range(100)), pb.RequestOp(request_txn=_txn(_put(500))))),
        Step(
            "KV/Txn",
            _txn(pb.RequestOp(request_txn=_txn(*map(_put, range(127))))),
        ),
        Step(
            "KV/Txn",
            _txn(pb.RequestOp(request_txn=_txn(*map(_put, range(128))))),
        ),
    ],
    "compaction of what is not": [
        Step("KV/Compact", pb.CompactionRequest(revision=1)),
        Step("KV/Put", pb.PutRequest(key=b"a")),
        Step("KV/Compact", pb.CompactionRequest(revision=1)),
        Step("KV/Compact", pb.CompactionRequest(revision=1)),
        Step("KV/Compact", pb.CompactionRequest(revision=0)),
        Step("KV/Compact", pb.CompactionRequest(revision=-5)),
    ],
    "revisions and limits below zero": [
        Step("KV/Put", pb.PutRequest(key=b"a")),
        Step("KV/Range", pb.RangeRequest(key=b"a", revision=-1)),
        Step("KV/Range", pb.RangeRequest(key=b"a", limit=-1)),
        Step("KV/Range", pb.RangeRequest(key=b"a", min_mod_revision=-3)),
    ],
    "the shortest leases": [
        Step("Lease/LeaseGrant", pb.LeaseGrantRequest(ID=number + 2, TTL=number))
        for number in (-1, 0, 1, 2, 3)
    ],
    "leases at the edge": [
        Step("Lease/LeaseGrant", pb.LeaseGrantRequest(ID=9, TTL=-5)),
        Step("Lease/LeaseGrant", pb.LeaseGrantRequest(ID=9, TTL=5)),
        Step("Lease/LeaseGrant", pb.LeaseGrantRequest(ID=(1 << 62), TTL=5)),
        Step("Lease/LeaseTimeToLive", pb.LeaseTimeToLiveRequest(ID=9)),
        Step("Lease/LeaseTimeToLive", pb.LeaseTimeToLiveRequest(ID=0)),
        Step("Lease/LeaseRevoke", pb.LeaseRevokeRequest(ID=0)),
        Step("Lease/LeaseLeases", pb.LeaseLeasesRequest()),
    ],
}


@pytest.mark.parametrize("name", list(LIMITS))
def test_limits_are_where_a_real_etcd_has_them(etcd: RealEtcd, name: str) -> None:
    _run(etcd.url, LIMITS[name])


def test_the_comparison_sees_a_difference(etcd: RealEtcd, monkeypatch: Any) -> None:
    monkeypatch.setattr("kube_actors.etcd.services.kv.fill_delete", lambda answer, done: None)
    delete = Step("KV/DeleteRange", pb.DeleteRangeRequest(key=b"a"))
    put = Step("KV/Put", pb.PutRequest(key=b"a", value=b"1"))
    with pytest.raises(AssertionError, match="deleted: 1"):
        _run(etcd.url, [put, delete])
