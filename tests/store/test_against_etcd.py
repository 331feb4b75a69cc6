"""The same requests to our state and to a real etcd: the same answers, errors and revisions.

Every example begins on an etcd that was emptied and compacted, and on a state of ours that starts
at the same revision. The requests are drawn to meet each other: few keys, values and leases.
"""

from collections.abc import Iterator
from contextlib import closing
from typing import Any, cast

import pytest
from attrs import evolve
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kube_actors.actor import ActorError, Blob
from kube_actors.store import (
    Compact,
    Compare,
    CompareResult,
    CompareTarget,
    DeleteRange,
    LeaseGrant,
    LeaseRevoke,
    LeaseTimeToLive,
    MemberConfig,
    Put,
    Range,
    SortOrder,
    SortTarget,
    Txn,
    TxnDone,
)
from kube_actors.store.messages import Command
from kube_actors.store.state import (
    FrozenKeyspace,
    FrozenState,
    State,
    check_range,
    check_txn,
    read_range,
)
from tests.etcd.real_etcd import real_etcd

from .etcd_gateway import EtcdGateway

CONFIG = MemberConfig(member=1)
TTL_S = 3000

keys = st.sampled_from([b"a", b"ab", b"b", b"b/1", b"b/2", b"c"])
ends = st.sampled_from([b"", b"", b"b", b"b0", b"c", b"\0", b"a"])
values = st.sampled_from([b"", b"1", b"2", b"three"])
leases = st.sampled_from([0, 0, 0, 1, 2])
NOW = 100
revisions = st.sampled_from([-1, 2, 5, NOW - 1, NOW, NOW, NOW, NOW + 1])
"""Up to 50 after where the example began, around NOW about what it is; 0 and below as they are."""

compares = st.builds(
    Compare,
    keys,
    st.sampled_from(CompareTarget),
    st.sampled_from(CompareResult),
    st.integers(0, 6),
    values,
    ends,
)
puts = st.builds(
    lambda key, value, lease, prev_kv, keep: Put(
        key,
        Blob(b"" if keep == "value" else value),
        0 if keep == "lease" else lease,
        prev_kv,
        keep == "value",
        keep == "lease",
    ),
    keys,
    values,
    leases,
    st.booleans(),
    st.sampled_from(["", "", "", "value", "lease"]),
)
ranges = st.builds(
    Range,
    keys,
    ends,
    st.one_of(st.just(0), revisions),
    st.integers(-1, 4),
    st.sampled_from([SortOrder.NONE, *SortOrder]),
    st.sampled_from(SortTarget),
    keys_only=st.booleans(),
    count_only=st.sampled_from([False, False, True]),
    min_mod_revision=st.sampled_from([0, 0, 0, 0, 4]),
    max_mod_revision=st.sampled_from([0, 0, 0, 0, 5]),
    min_create_revision=st.sampled_from([0, 0, 0, 0, 3]),
    max_create_revision=st.sampled_from([0, 0, 0, 0, 4]),
)
deletes = st.builds(DeleteRange, keys, ends, st.booleans())
flat = st.one_of(puts, deletes, ranges)


def txns_of(operations: Any) -> Any:
    branch = st.lists(operations, max_size=3).map(tuple)
    guards = st.lists(compares, max_size=2).map(tuple)
    return st.builds(Txn, guards, branch, branch)


txns = st.recursive(txns_of(flat), lambda inner: txns_of(st.one_of(flat, inner)), max_leaves=4)
steps = st.one_of(
    txns,
    txns,
    txns,
    ranges,
    revisions.map(Compact),
    st.sampled_from([1, 2]).map(lambda lease: LeaseGrant(TTL_S, lease)),
    st.sampled_from([1, 2]).map(LeaseRevoke),
    st.sampled_from([1, 2]).map(lambda lease: LeaseTimeToLive(lease, keys=True)),
)


PRELUDE: list[Any] = [
    LeaseGrant(TTL_S, 1),
    *(Txn((), (Put(key, Blob(b"first")),)) for key in (b"c", b"b/1", b"a")),
    Txn((), (Put(b"b/1", Blob(b"1")), Put(b"ab", Blob(b"9")), Put(b"b", Blob(b"2"), lease=1))),
    Txn((), (Put(b"a", Blob(b"8")), DeleteRange(b"c"))),
    Txn((), (Put(b"c", Blob(b"three"), lease=1),)),
]
"""So that versions, values and revisions are in other orders than the keys."""


@pytest.fixture(scope="module")
def etcd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EtcdGateway]:
    directory = tmp_path_factory.mktemp("etcd")
    with real_etcd(directory) as running, closing(EtcdGateway(running.url)) as gateway:
        yield gateway


class Ours:
    """Our validation and state, from a given revision on."""

    def __init__(self, revision: int) -> None:
        keyspace = FrozenKeyspace(revision, revision, revision + 1, (), ())
        self.state = State.restore(FrozenState(keyspace))
        self._sequence = 0

    def apply(self, request: Any) -> Any:
        try:
            if isinstance(request, Range):
                check_range(request)
                return read_range(self.state.keyspace, request)
            if isinstance(request, LeaseTimeToLive):
                return self.state.time_to_live(request, 0).keys
            if isinstance(request, Txn):
                check_txn(CONFIG, request)
        except ActorError as error:
            return error
        self._sequence += 1
        answer = self.state.apply(Command(1, 1, self._sequence, self._sequence, request))
        return answer if isinstance(answer, TxnDone | ActorError) else None


def moved(request: Any, base: int, now: int) -> Any:
    """Make the revisions of a request real ones."""

    def shift(number: int) -> int:
        if number <= 0:
            return number
        return number + base if number < NOW // 2 else number - NOW + now

    if isinstance(request, Compact):
        return Compact(shift(request.revision))
    if isinstance(request, Range):
        names = (
            "revision",
            "min_mod_revision",
            "max_mod_revision",
            "min_create_revision",
            "max_create_revision",
        )
        return evolve(cast(Any, request), **{name: shift(getattr(request, name)) for name in names})
    if isinstance(request, Compare):
        by_revision = request.target in (CompareTarget.MOD, CompareTarget.CREATE)
        return evolve(cast(Any, request), number=shift(request.number)) if by_revision else request
    if isinstance(request, Txn):
        return Txn(*(tuple(moved(one, base, now) for one in part) for part in parts(request)))
    return request


def parts(txn: Txn) -> tuple[tuple[Any, ...], ...]:
    return txn.compare, txn.success, txn.failure


def comparable(answer: Any) -> Any:
    """Leave out what etcd does not say: details of errors, the revision of a nested answer."""
    if isinstance(answer, ActorError):
        return type(answer)
    if isinstance(answer, TxnDone):
        return (answer.revision, answer.succeeded, *map(_nested, answer.responses))
    return answer


def _nested(answer: Any) -> Any:
    return (
        comparable(evolve(cast(Any, answer), revision=0)) if isinstance(answer, TxnDone) else answer
    )


def refused_by_us_alone(ours: Any, request: Any) -> bool:
    """Say whether this is a transaction in which one key might change twice in its revision.

    etcd means to refuse these ("duplicate key given in txn request") and misses some: a delete up
    to the last key, or one nested in a later transaction. We refuse them all.
    """
    return isinstance(request, Txn) and "duplicate key" in str(ours)


def one(*operations: Any) -> list[Any]:
    return [Txn((), operations)]


@settings(max_examples=150)
@example(script=one(Put(b"a", Blob(b"new")), Range(b"a", revision=NOW), Range(b"a")))
@example(script=one(Range(b"a", revision=-1)))
@example(script=one(DeleteRange(b"c", b"a"), Put(b"b", Blob(b""))))
@example(script=one(Put(b"a", Blob(b""), lease=2), Range(b"a", revision=NOW + 1)))
@example(script=[Range(b"a", b"\0", limit=2, sort_target=SortTarget.VALUE)])
@example(script=[Range(b"a", b"\0", limit=2, sort_target=SortTarget.MOD, max_mod_revision=4)])
@given(script=st.lists(steps, min_size=1, max_size=15))
def test_every_answer_is_the_one_that_etcd_gives(etcd: EtcdGateway, script: list[Any]) -> None:
    base = etcd.begin()
    ours = Ours(base)
    for step in PRELUDE + script:
        request = moved(step, base, ours.state.keyspace.revision)
        answer = ours.apply(request)
        if refused_by_us_alone(answer, request):
            continue
        assert comparable(answer) == comparable(etcd.apply(request)), request
    everything = Range(b"\0", b"\0")
    assert ours.apply(everything) == etcd.apply(everything)
