"""The keyspace against a model that keeps the whole history in plain dicts."""

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kube_actors.actor import ActorError, Blob
from kube_actors.store.messages import (
    Batch,
    Command,
    Compact,
    Compacted,
    Compare,
    CompareResult,
    CompareTarget,
    DeleteRange,
    EventType,
    FutureRevision,
    InvalidRequest,
    KeyValue,
    LeaseGrant,
    LeaseNotFound,
    LeaseRevoke,
    Put,
    PutDone,
    Range,
    Ranged,
    SortOrder,
    SortTarget,
    Txn,
    TxnDone,
    decode_batch,
    encode_batch,
    flat_parts,
)
from kube_actors.store.state import BadSnapshot, State, decode_state, encode_state, read_range

Keys = dict[bytes, KeyValue]

KEYS = [b"a", b"ab", b"b", b"b/1", b"b/2", b"c"]
keys = st.sampled_from(KEYS)
ends = st.sampled_from([b"", b"", b"b", b"b0", b"c", b"\0"])
values = st.sampled_from([b"", b"1", b"2", b"three"]).map(Blob)
leases = st.sampled_from([0, 0, 0, 1, 2])


class Model:
    """Every revision is a dict of its own; nothing is shared and nothing is clever."""

    def __init__(self) -> None:
        self.history: list[Keys] = [{}, {}]
        self.deleted: list[set[bytes]] = [set(), set()]
        self.leases: set[int] = set()

    @property
    def revision(self) -> int:
        return len(self.history) - 1

    def select(self, now: Keys, key: bytes, end: bytes) -> list[KeyValue]:
        if not end:
            return [now[key]] if key in now else []
        return [now[k] for k in sorted(now) if k >= key and (end == b"\0" or k < end)]

    def holds(self, now: Keys, compare: Compare) -> bool:
        found = self.select(now, compare.key, compare.range_end)
        if not found:
            if compare.target is CompareTarget.VALUE:
                return False
            found = [KeyValue(b"", Blob(b""), 0, 0, 0)]
        for kv in found:
            has: Any = {
                CompareTarget.VALUE: bytes(kv.value),
                CompareTarget.VERSION: kv.version,
                CompareTarget.CREATE: kv.create_revision,
                CompareTarget.MOD: kv.mod_revision,
                CompareTarget.LEASE: kv.lease,
            }[compare.target]
            wants: Any = compare.value if compare.target is CompareTarget.VALUE else compare.number
            if not {"=": has == wants, "!=": has != wants, "<": has < wants, ">": has > wants}[
                compare.result.value
            ]:
                return False
        return True

    def apply(self, txn: Txn) -> bool:
        before = self.history[-1]
        now = dict(before)
        succeeded = all(self.holds(before, compare) for compare in txn.compare)
        revision = self.revision + 1
        deleted: set[bytes] = set()
        changed = False
        for operation in txn.success if succeeded else txn.failure:
            if isinstance(operation, Put):
                old = now.get(operation.key)
                now[operation.key] = KeyValue(
                    operation.key,
                    operation.value,
                    old.create_revision if old else revision,
                    revision,
                    old.version + 1 if old else 1,
                    operation.lease,
                )
                changed = True
            elif isinstance(operation, DeleteRange):
                for kv in self.select(now, operation.key, operation.range_end):
                    del now[kv.key]
                    deleted.add(kv.key)
                    changed = True
        if changed:
            self.history.append(now)
            self.deleted.append(deleted)
        return succeeded

    def revoke(self, lease: int) -> None:
        self.leases.discard(lease)
        now = {k: kv for k, kv in self.history[-1].items() if kv.lease != lease}
        if len(now) < len(self.history[-1]):
            self.deleted.append(self.history[-1].keys() - now.keys())
            self.history.append(now)


@st.composite
def compares(draw: st.DrawFn) -> Compare:
    return Compare(
        draw(keys),
        draw(st.sampled_from(CompareTarget)),
        draw(st.sampled_from(CompareResult)),
        draw(st.integers(0, 6)),
        bytes(draw(values)),
        draw(ends),
    )


@st.composite
def operations(draw: st.DrawFn) -> tuple[Put | DeleteRange | Range, ...]:
    kind = draw(st.sampled_from(["put", "puts", "delete", "read"]))
    if kind == "delete":
        return (DeleteRange(draw(keys), draw(ends)),)
    if kind == "read":
        return (Range(draw(keys), draw(ends)),)
    names = draw(st.lists(keys, min_size=1, max_size=1 if kind == "put" else 4, unique=True))
    return tuple(Put(name, draw(values), draw(leases)) for name in names)


txns = st.builds(Txn, st.lists(compares(), max_size=2).map(tuple), operations(), operations())
steps = st.one_of(
    txns,
    txns,
    txns,
    st.sampled_from([1, 2]).map(lambda lease: LeaseGrant(10, lease)),
    st.sampled_from([1, 2]).map(LeaseRevoke),
    st.integers(1, 8).map(Compact),
)


def lease_is_missing(model: Model, txn: Txn) -> bool:
    before = model.history[-1]
    succeeded = all(model.holds(before, compare) for compare in txn.compare)
    chosen = txn.success if succeeded else txn.failure
    return any(
        isinstance(one, Put) and one.lease and one.lease not in model.leases for one in chosen
    )


def drive(state: State, model: Model, script: list[Any]) -> None:
    for number, step in enumerate(script):
        request = step
        if isinstance(step, Compact):
            request = Compact(max(1, model.revision - step.revision))
        answer = state.apply(Command(1, 1, number, number, request))
        if isinstance(step, Txn):
            if lease_is_missing(model, step):
                assert isinstance(answer, LeaseNotFound)
                continue
            assert isinstance(answer, TxnDone)
            assert answer.succeeded == model.apply(step)
            assert answer.revision == model.revision
        elif isinstance(step, LeaseGrant):
            assert isinstance(answer, InvalidRequest) == (step.id in model.leases)
            model.leases.add(step.id)
        elif isinstance(step, LeaseRevoke):
            assert isinstance(answer, LeaseNotFound) == (step.id not in model.leases)
            model.revoke(step.id)


def assert_same(state: State, model: Model) -> None:
    keyspace = state.keyspace
    assert keyspace.revision == model.revision
    for revision in range(1, model.revision + 1):
        request = Range(b"a", b"\0", revision)
        if revision < keyspace.compact_revision:
            with pytest.raises(Compacted):
                read_range(keyspace, request)
            continue
        expected = model.select(model.history[revision], b"a", b"\0")
        assert list(read_range(keyspace, request).kvs) == expected
        if revision > max(1, keyspace.compact_revision):
            assert_events(state, model, revision)


def assert_events(state: State, model: Model, revision: int) -> None:
    before, after = model.history[revision - 1], model.history[revision]
    events = state.keyspace.changes(revision)
    puts = {event.kv.key: event.kv for event in events if event.type is EventType.PUT}
    gone = {event.kv.key for event in events if event.type is EventType.DELETE}
    assert puts == {key: kv for key, kv in after.items() if kv.mod_revision == revision}
    assert gone == model.deleted[revision]
    assert len(events) == len(puts) + len(gone)
    for event in events:
        if revision - 1 > state.keyspace.compact_revision:
            assert event.prev_kv == before.get(event.kv.key)


@settings(max_examples=150, deadline=None)
@given(st.lists(steps, max_size=30))
def test_every_revision_reads_as_it_was_written(script: list[Any]) -> None:
    state, model = State(), Model()
    drive(state, model, script)
    assert_same(state, model)
    trimmed = State.restore(state.freeze())
    assert_same(trimmed, model)


@settings(max_examples=150, deadline=None)
@given(st.lists(steps, max_size=25), st.lists(steps, max_size=10))
def test_a_member_restored_from_a_snapshot_goes_on_exactly_like_one_that_never_stopped(
    script: list[Any], more: list[Any]
) -> None:
    state, model = State(), Model()
    drive(state, model, script)
    data = b"".join(encode_state(state.freeze()))
    twin = State.restore(decode_state(data))
    for number, step in enumerate(more):
        command = Command(1, 2, number, number, step)
        assert repr(state.apply(command)) == repr(twin.apply(command))
        assert state.keyspace.changes(state.keyspace.revision) == twin.keyspace.changes(
            twin.keyspace.revision
        )
    assert state.keyspace.hash() == twin.keyspace.hash()
    assert state.freeze() == twin.freeze()
    assert state.keyspace.size_bytes == twin.keyspace.size_bytes


@settings(max_examples=100, deadline=None)
@given(
    st.lists(txns, max_size=15),
    keys,
    ends,
    st.integers(0, 4),
    st.sampled_from(SortOrder),
    st.sampled_from(SortTarget),
    st.integers(0, 5),
    st.integers(0, 8),
)
def test_a_range_is_sorted_filtered_and_cut_as_asked(
    script: list[Txn],
    key: bytes,
    end: bytes,
    limit: int,
    order: SortOrder,
    target: SortTarget,
    low: int,
    high: int,
) -> None:
    state, model = State(), Model()
    model.leases = set()
    drive(state, model, script)
    request = Range(
        key,
        end,
        limit=limit,
        sort_order=order,
        sort_target=target,
        min_mod_revision=low,
        max_create_revision=high,
    )
    found = read_range(state.keyspace, request)
    everything = model.select(model.history[-1], key, end)
    attribute = {
        SortTarget.KEY: "key",
        SortTarget.VALUE: "value",
        SortTarget.VERSION: "version",
        SortTarget.CREATE: "create_revision",
        SortTarget.MOD: "mod_revision",
    }[target]
    kept = [
        kv
        for kv in everything
        if kv.mod_revision >= low and (not high or kv.create_revision <= high)
    ]
    kept.sort(key=lambda kv: getattr(kv, attribute), reverse=order is SortOrder.DESCEND)
    assert found.count == len(everything)
    assert found.more == (0 < limit < len(kept))
    assert list(found.kvs) == (kept[:limit] if limit else kept)
    bare = read_range(state.keyspace, Range(key, end, keys_only=True))
    assert [kv.key for kv in bare.kvs] == [kv.key for kv in everything]
    assert all(kv.value == b"" for kv in bare.kvs)
    counted = read_range(state.keyspace, Range(key, end, count_only=True))
    assert (counted.kvs, counted.count) == ((), len(everything))


@given(st.lists(steps, max_size=8), st.data())
def test_a_damaged_snapshot_is_refused_or_reads_as_a_state(
    script: list[Any], data: st.DataObject
) -> None:
    state = State()
    drive(state, Model(), script)
    whole = b"".join(encode_state(state.freeze()))
    cut = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(BadSnapshot):
        decode_state(whole[:cut])
    bad = bytearray(whole)
    bad[data.draw(st.integers(0, len(whole) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        decode_state(bytes(bad))
    except BadSnapshot:
        return


def apply(state: State, txn: Txn) -> Any:
    sequence = next(SEQUENCES)
    return state.apply(Command(9, 1, sequence, sequence, txn))


SEQUENCES = itertools.count(1)


def test_operations_of_one_transaction_share_a_revision_and_see_each_other() -> None:
    state = State()
    done = apply(
        state,
        Txn(
            (),
            (
                Range(b"a"),
                Put(b"a", Blob(b"1")),
                Range(b"a"),
                Put(b"b", Blob(b"2"), prev_kv=True),
                DeleteRange(b"c", b"\0"),
            ),
        ),
    )
    before, _, after, _, _ = done.responses
    assert isinstance(before, Ranged)
    assert isinstance(after, Ranged)
    assert (before.count, after.count) == (0, 1)
    assert (before.revision, after.revision, done.revision) == (1, 2, 2)
    assert [event.kv.key for event in state.keyspace.changes(2)] == [b"a", b"b"]


def test_a_transaction_that_writes_nothing_makes_no_revision() -> None:
    state = State()
    assert apply(state, Txn((), (Range(b"a"), DeleteRange(b"a", b"\0")))).revision == 1
    assert apply(state, Txn((), ())).revision == 1


def test_nested_guards_are_decided_before_anything_is_written() -> None:
    state = State()
    absent = Compare(b"a", CompareTarget.CREATE, CompareResult.EQUAL, 0)
    inner = Txn((absent,), (Put(b"b", Blob(b"was absent")),), (Put(b"b", Blob(b"was there")),))
    done = apply(state, Txn((absent,), (Put(b"a", Blob(b"1")), inner)))
    assert done.responses == (PutDone(), TxnDone(2, True, (PutDone(),)))
    kv = state.keyspace.newest(b"b")
    assert kv is not None
    assert (kv.value, kv.mod_revision) == (b"was absent", 2)


def test_a_transaction_that_must_fail_fails_before_it_writes() -> None:
    state = State()
    apply(state, Txn((), (Put(b"z", Blob(b"")),)))
    hopeless: list[tuple[Any, type[ActorError]]] = [
        (Put(b"b", Blob(b""), lease=5), LeaseNotFound),
        (Put(b"b", Blob(b""), ignore_value=True), InvalidRequest),
        (Range(b"b", revision=9), FutureRevision),
        (Txn((), (Put(b"b", Blob(b""), lease=5),)), LeaseNotFound),
    ]
    for operation, error in hopeless:
        assert isinstance(apply(state, Txn((), (Put(b"a", Blob(b"1")), operation))), error)
        assert state.keyspace.newest(b"a") is None
        assert state.keyspace.revision == 2


def test_a_put_can_keep_the_value_or_the_lease() -> None:
    state = State()
    state.apply(Command(8, 1, 1, 1, LeaseGrant(10, 3)))
    apply(state, Txn((), (Put(b"a", Blob(b"1"), lease=3),)))
    apply(state, Txn((), (Put(b"a", Blob(b"2"), ignore_lease=True),)))
    kv = state.keyspace.newest(b"a")
    assert kv is not None
    assert (kv.value, kv.lease, kv.version) == (b"2", 3, 2)
    apply(state, Txn((), (Put(b"a", Blob(b""), ignore_value=True),)))
    kv = state.keyspace.newest(b"a")
    assert kv is not None
    assert (kv.value, kv.lease, kv.version) == (b"2", 0, 3)
    state.apply(Command(8, 1, 2, 2, LeaseRevoke(3)))
    assert state.keyspace.newest(b"a") is not None


def test_a_request_is_applied_once_however_often_it_arrives() -> None:
    state = State()
    put = Txn((), (Put(b"a", Blob(b"1")),))
    first = Command(1, 1, 5, 3, put)
    assert isinstance(state.apply(first), TxnDone)
    assert state.apply(first) is None
    assert state.apply(Command(1, 1, 4, 3, put)) is not None, "older, and never applied"
    assert state.apply(Command(1, 1, 4, 3, put)) is None
    assert isinstance(state.apply(Command(1, 1, 9, 9, put)), TxnDone)
    assert state.apply(Command(1, 1, 8, 8, put)) is None, "given up: below the floor"
    assert isinstance(state.apply(Command(1, 2, 1, 1, put)), TxnDone)
    assert state.apply(Command(1, 1, 10, 10, put)) is None, "of a member's earlier life"
    assert state.keyspace.revision == 5


def test_a_batch_comes_back_from_its_parts_and_from_its_flat_form() -> None:
    batch = Batch(
        tuple(
            Command(1, 2, number, 3, Txn((), (Put(b"k%d" % number, Blob(b"x" * number)),)))
            for number in range(5)
        )
    )
    data = encode_batch(batch)
    flat = b"".join(flat_parts(data))
    assert decode_batch(data) == batch
    assert decode_batch(flat) == batch
    assert len(data) < len(flat)
