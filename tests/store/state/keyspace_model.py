"""A store that keeps its whole history in plain dicts, scripts for it, and how both compare."""

from typing import Any

import pytest
from hypothesis import strategies as st

from kube_actors.actor import Blob
from kube_actors.store.messages import (
    Command,
    Compact,
    Compacted,
    Compare,
    CompareResult,
    CompareTarget,
    DeleteRange,
    EventType,
    InvalidRequest,
    KeyValue,
    LeaseGrant,
    LeaseNotFound,
    LeaseRevoke,
    Put,
    Range,
    Txn,
    TxnDone,
)
from kube_actors.store.state import State, read_range

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
