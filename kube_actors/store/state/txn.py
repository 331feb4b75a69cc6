"""Applies a transaction to the keyspace as etcd does: decide, check, then write.

All guards, those of nested transactions too, are decided against the state before the first
write. Then everything that could fail on the chosen path is checked (leases, revisions, values to
keep), so that a transaction that has begun to write always ends. Reads inside it see the writes
before them.
"""

import operator
from collections.abc import Callable
from typing import Any

from kube_actors.actor import ActorError
from kube_actors.store.messages import (
    Compacted,
    Compare,
    CompareResult,
    CompareTarget,
    DeleteDone,
    DeleteRange,
    FutureRevision,
    InvalidRequest,
    KeyValue,
    LeaseNotFound,
    Put,
    PutDone,
    Range,
    Ranged,
    Txn,
    TxnDone,
)
from kube_actors.store.state.keyspace import Keyspace
from kube_actors.store.state.leases import Leases
from kube_actors.store.state.ranges import read_range

Answer = Ranged | PutDone | DeleteDone | TxnDone

_PUT_DONE = PutDone()
_OPERATORS: dict[CompareResult, Callable[[Any, Any], bool]] = {
    CompareResult.EQUAL: operator.eq,
    CompareResult.GREATER: operator.gt,
    CompareResult.LESS: operator.lt,
    CompareResult.NOT_EQUAL: operator.ne,
}
_TARGETS: dict[CompareTarget, Callable[[KeyValue], int]] = {
    CompareTarget.VERSION: lambda kv: kv.version,
    CompareTarget.CREATE: lambda kv: kv.create_revision,
    CompareTarget.MOD: lambda kv: kv.mod_revision,
    CompareTarget.LEASE: lambda kv: kv.lease,
}


class _Path:
    """A transaction with its guards decided."""

    __slots__ = ("nested", "operations", "succeeded")

    def __init__(self, keyspace: Keyspace, txn: Txn, succeeded: bool) -> None:
        self.succeeded = succeeded
        self.operations = txn.success if self.succeeded else txn.failure
        self.nested: list[_Path] | None = None
        for operation in self.operations:
            if type(operation) is Txn:
                if self.nested is None:
                    self.nested = []
                self.nested.append(_Path(keyspace, operation, _decide(keyspace, operation)))


def apply_txn(keyspace: Keyspace, leases: Leases, txn: Txn) -> TxnDone:
    """Apply all of one branch, in one revision if it writes at all.

    Raises Compacted, FutureRevision, LeaseNotFound or InvalidRequest, having changed nothing.
    """
    succeeded = _decide(keyspace, txn)
    operations = txn.success if succeeded else txn.failure
    if len(operations) == 1 and type(operations[0]) is Put:
        # What most logs consist of, without the bookkeeping of nested branches.
        _check_put(keyspace, leases, operations[0])
        answer = _put(keyspace, leases, operations[0])
        return TxnDone(keyspace.commit(), succeeded, (answer,))
    path = _Path(keyspace, txn, succeeded)
    unreadable = _check(keyspace, leases, path)
    if unreadable is not None:
        raise unreadable
    answers = _perform(keyspace, leases, path, iter(path.nested or ()))
    return TxnDone(keyspace.commit(), path.succeeded, answers)


def _decide(keyspace: Keyspace, txn: Txn) -> bool:
    return not txn.compare or all(holds(keyspace, compare) for compare in txn.compare)


def holds(keyspace: Keyspace, compare: Compare) -> bool:
    """Decide one guard. It must hold for every key of a range; an absent key counts as zeros."""
    decide = _OPERATORS[compare.result]
    by_value = compare.target == CompareTarget.VALUE
    if not compare.range_end:
        kv = keyspace.newest(compare.key)
        if kv is None:
            return not by_value and decide(0, compare.number)
        if by_value:
            return decide(kv.value, compare.value)
        return decide(_TARGETS[compare.target](kv), compare.number)
    found = list(keyspace.scan(compare.key, compare.range_end))
    if not found:
        return not by_value and decide(0, compare.number)
    if by_value:
        return all(decide(kv.value, compare.value) for kv in found)
    target = _TARGETS[compare.target]
    return all(decide(target(kv), compare.number) for kv in found)


def _check(keyspace: Keyspace, leases: Leases, path: _Path) -> ActorError | None:
    """Raise what is wrong with the puts of a path, in their order; return what is with its reads.

    etcd 3.5 looks at the puts of the whole transaction before it looks at the reads.
    """
    unreadable: ActorError | None = None
    nested = iter(path.nested or ())
    for operation in path.operations:
        if type(operation) is Put:
            _check_put(keyspace, leases, operation)
        elif type(operation) is Range:
            try:
                # Unlike alone, a negative one is not the newest here.
                if operation.revision < 0:
                    raise Compacted(keyspace.compact_revision)
                keyspace.check_revision(operation.revision)
            except (Compacted, FutureRevision) as error:
                unreadable = unreadable or error
        elif type(operation) is Txn:
            found = _check(keyspace, leases, next(nested))
            unreadable = unreadable or found
    return unreadable


def _check_put(keyspace: Keyspace, leases: Leases, put: Put) -> None:
    if (put.ignore_value or put.ignore_lease) and keyspace.newest(put.key) is None:
        raise InvalidRequest("key not found")
    if put.lease and put.lease not in leases:
        raise LeaseNotFound(put.lease)


def _perform(keyspace: Keyspace, leases: Leases, path: _Path, nested: "Any") -> tuple[Answer, ...]:
    answers: list[Answer] = []
    for operation in path.operations:
        if type(operation) is Put:
            answers.append(_put(keyspace, leases, operation))
        elif type(operation) is Range:
            answers.append(read_range(keyspace, operation))
        elif type(operation) is DeleteRange:
            answers.append(_delete(keyspace, leases, operation))
        else:
            inner = next(nested)
            done = _perform(keyspace, leases, inner, iter(inner.nested or ()))
            answers.append(TxnDone(keyspace.revision + keyspace.dirty, inner.succeeded, done))
    return tuple(answers)


def _put(keyspace: Keyspace, leases: Leases, put: Put) -> PutDone:
    value, lease = put.value, put.lease
    if put.ignore_value or put.ignore_lease:
        kept = keyspace.newest(put.key)
        if kept is None:
            raise AssertionError("checked before the first write")
        value = kept.value if put.ignore_value else value
        lease = kept.lease if put.ignore_lease else lease
    previous = keyspace.put(put.key, value, lease)
    if previous is not None and previous.lease != lease:
        leases.detach(previous)
    if lease:
        leases.attach(lease, put.key)
    return PutDone(previous) if put.prev_kv and previous is not None else _PUT_DONE


def _delete(keyspace: Keyspace, leases: Leases, delete: DeleteRange) -> DeleteDone:
    found = list(keyspace.scan(delete.key, delete.range_end))
    for kv in found:
        keyspace.delete(kv.key)
        leases.detach(kv)
    return DeleteDone(len(found), tuple(found) if delete.prev_kv else ())
