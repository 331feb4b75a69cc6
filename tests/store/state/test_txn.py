"""What a transaction does to the state: all of it in one revision, once, or nothing."""

import itertools
from typing import Any

from kube_actors.actor import ActorError, Blob
from kube_actors.store.messages import (
    Batch,
    Command,
    Compare,
    CompareResult,
    CompareTarget,
    DeleteRange,
    FutureRevision,
    InvalidRequest,
    LeaseGrant,
    LeaseNotFound,
    LeaseRevoke,
    Put,
    PutDone,
    Range,
    Ranged,
    Txn,
    TxnDone,
    decode_batch,
    encode_batch,
    flat_parts,
)
from kube_actors.store.state import State

SEQUENCES = itertools.count(1)


def apply(state: State, txn: Txn) -> Any:
    sequence = next(SEQUENCES)
    return state.apply(Command(9, 1, sequence, sequence, txn))


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
