"""The keyspace against a model that keeps the whole history in plain dicts."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kube_actors.store.messages import (
    Command,
    Range,
    SortOrder,
    SortTarget,
    Txn,
)
from kube_actors.store.state import BadSnapshot, State, decode_state, encode_state, read_range
from tests.store.state.keyspace_model import Model, assert_same, drive, ends, keys, steps, txns


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
