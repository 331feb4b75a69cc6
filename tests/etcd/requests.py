"""Random requests as etcd's clients send them, few keys and leases so that they meet."""

from typing import Any

from attrs import frozen
from hypothesis import strategies as st

from kube_actors.etcd.schema import pb

ANSWERS = {
    "KV/Range": "RangeResponse",
    "KV/Put": "PutResponse",
    "KV/DeleteRange": "DeleteRangeResponse",
    "KV/Txn": "TxnResponse",
    "KV/Compact": "CompactionResponse",
    "Lease/LeaseGrant": "LeaseGrantResponse",
    "Lease/LeaseRevoke": "LeaseRevokeResponse",
    "Lease/LeaseTimeToLive": "LeaseTimeToLiveResponse",
    "Lease/LeaseLeases": "LeaseLeasesResponse",
}

keys = st.sampled_from([b"a", b"a", b"ab", b"b", b"b/1", b"b/2", b"c", b"", b"\0", b"\xff"])
ends = st.sampled_from([b"", b"", b"", b"b", b"b0", b"c", b"\0", b"a"])
values = st.sampled_from([b"", b"1", b"2", b"three"])
leases = st.sampled_from([0, 0, 0, 1, 2, 3])
revisions = st.integers(0, 12)
"""Counted from where both stores began."""


@frozen
class Step:
    """``relative`` fields of the request are revisions, to which the store's first is added."""

    method: str
    request: Any

    def at(self, first: int) -> bytes:
        request = type(self.request)()
        request.CopyFrom(self.request)
        shift(request, first)
        return bytes(request.SerializeToString())


def shift(message: Any, amount: int) -> None:
    """Add ``amount`` to every revision in a message that is not 0."""
    for field, value in message.ListFields():
        if "revision" in field.name and field.type == field.TYPE_INT64:
            if value > 0:
                setattr(message, field.name, value + amount)
        elif field.type == field.TYPE_MESSAGE:
            for each in value if field.is_repeated else (value,):
                shift(each, amount)


ranges = st.builds(
    pb.RangeRequest,
    key=keys,
    range_end=ends,
    limit=st.integers(-1, 4),
    revision=st.one_of(st.just(0), st.just(0), revisions),
    sort_order=st.sampled_from([0, 0, 1, 2, 2]),
    # Not 5: an etcd 3.5.1 ends itself upon it, later ones refuse it.
    sort_target=st.integers(0, 4),
    serializable=st.booleans(),
    keys_only=st.booleans(),
    count_only=st.sampled_from([False, False, True]),
    min_mod_revision=st.sampled_from([0, 0, 0, 4]),
    max_mod_revision=st.sampled_from([0, 0, 0, 5]),
    min_create_revision=st.sampled_from([0, 0, 0, 3]),
    max_create_revision=st.sampled_from([0, 0, 0, 4]),
)
puts = st.builds(
    pb.PutRequest,
    key=keys,
    value=values,
    lease=leases,
    prev_kv=st.booleans(),
    ignore_value=st.sampled_from([False, False, False, True]),
    ignore_lease=st.sampled_from([False, False, False, True]),
)
deletes = st.builds(pb.DeleteRangeRequest, key=keys, range_end=ends, prev_kv=st.booleans())
deletes_in_txns = deletes.filter(lambda one: one.range_end != b"\0")
"""etcd does not notice that a put meets a deletion from a key on; ours refuses it."""
compares = st.one_of(
    *(
        st.builds(
            lambda field, target, value, **rest: pb.Compare(
                target=target, **{field: value}, **rest
            ),
            st.just(field),
            st.just(target),
            values if field == "value" else st.integers(0, 4),
            key=keys,
            range_end=ends,
            result=st.integers(0, 3),
        )
        for target, field in enumerate(("version", "create_revision", "mod_revision", "value"))
    ),
    st.builds(
        lambda key, lease, result: pb.Compare(target=4, key=key, lease=lease, result=result),
        keys,
        st.integers(0, 3),
        st.integers(0, 3),
    ),
)


def _operations(inner: Any) -> Any:
    kinds = [
        st.builds(lambda one: pb.RequestOp(request_range=one), ranges),
        st.builds(lambda one: pb.RequestOp(request_put=one), puts),
        st.builds(lambda one: pb.RequestOp(request_put=one), puts),
        st.builds(lambda one: pb.RequestOp(request_delete_range=one), deletes_in_txns),
    ]
    if inner is not None:
        kinds.append(st.builds(lambda one: pb.RequestOp(request_txn=one), inner))
    else:
        kinds.append(st.sampled_from([pb.RequestOp()]))
    return st.lists(st.one_of(kinds), max_size=3)


def _txns(inner: Any) -> Any:
    return st.builds(
        pb.TxnRequest,
        compare=st.lists(compares, max_size=2),
        success=_operations(inner),
        failure=_operations(inner),
    )


txns = _txns(_txns(None))

steps = st.one_of(
    st.builds(Step, st.just("KV/Put"), puts),
    st.builds(Step, st.just("KV/Put"), puts),
    st.builds(Step, st.just("KV/DeleteRange"), deletes),
    st.builds(Step, st.just("KV/Range"), ranges),
    st.builds(Step, st.just("KV/Txn"), txns),
    st.builds(Step, st.just("KV/Txn"), txns),
    st.builds(
        Step,
        st.just("KV/Compact"),
        st.builds(pb.CompactionRequest, revision=st.integers(1, 8)),
    ),
    st.builds(
        Step,
        st.just("Lease/LeaseGrant"),
        st.builds(
            pb.LeaseGrantRequest,
            ID=st.integers(1, 3),
            # None that may be over before the example is: the shortest are among the limits.
            TTL=st.sampled_from([100, 2000, 9_000_000_000, 9_000_000_001]),
        ),
    ),
    st.builds(
        Step, st.just("Lease/LeaseRevoke"), st.builds(pb.LeaseRevokeRequest, ID=st.integers(1, 3))
    ),
    st.builds(
        Step,
        st.just("Lease/LeaseTimeToLive"),
        st.builds(pb.LeaseTimeToLiveRequest, ID=st.integers(1, 3), keys=st.booleans()),
    ),
    st.builds(Step, st.just("Lease/LeaseLeases"), st.builds(pb.LeaseLeasesRequest)),
)
