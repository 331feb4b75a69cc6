"""Refuses requests that can never succeed, before they cost anything: etcd's static rules.

Runs at the member that takes the request. The texts are etcd's. What depends on the state
(leases, revisions, values to keep) is checked when the transaction is applied.
"""

from collections.abc import Sequence

from kube_actors.store.config import MemberConfig
from kube_actors.store.messages import (
    DeleteRange,
    InvalidRequest,
    LeaseGrant,
    Put,
    Range,
    Txn,
    Watch,
)
from kube_actors.store.state.leases import TTL_S_MAX

_Operation = Range | Put | DeleteRange | Txn


def check_txn(config: MemberConfig, txn: Txn) -> None:
    """Raise InvalidRequest if the transaction breaks a rule on some path."""
    size = _check_operations(config.txn_operations_max, txn)
    if size > config.request_bytes_max:
        raise InvalidRequest("request is too large")
    if _is_single(txn.success) and _is_single(txn.failure):
        return
    _check_writes(txn.success)
    _check_writes(txn.failure)


def check_range(request: Range) -> None:
    """Raise InvalidRequest if a read names no key."""
    if not request.key:
        raise InvalidRequest("key is not provided")


def check_watch(request: Watch) -> None:
    """Raise InvalidRequest if a watch names no key or starts at a negative revision."""
    if not request.key:
        raise InvalidRequest("key is not provided")
    if request.start_revision < 0:
        raise InvalidRequest("start_revision is negative")


def check_grant(request: LeaseGrant) -> None:
    """Raise InvalidRequest if a lease's time or id is out of range."""
    if not 1 <= request.ttl_s <= TTL_S_MAX:
        raise InvalidRequest(f"ttl_s must be from 1 to {TTL_S_MAX}, not {request.ttl_s}")
    if not 0 <= request.id < 1 << 63:
        raise InvalidRequest(f"lease id {request.id} is out of range")


def _is_single(operations: tuple[_Operation, ...]) -> bool:
    return not operations or (len(operations) == 1 and not isinstance(operations[0], Txn))


def _check_operations(operations_max: int, txn: Txn) -> int:
    """Return the size of a transaction. What it nests may use what it leaves of the maximum.

    So it is also never nested deeper than that.
    """
    largest = max(len(txn.compare), len(txn.success), len(txn.failure))
    if largest > operations_max:
        raise InvalidRequest("too many operations in txn request")
    size = 0
    for compare in txn.compare:
        if not compare.key:
            raise InvalidRequest("key is not provided")
        size += len(compare.key) + len(compare.value)
    for operations in (txn.success, txn.failure):
        for operation in operations:
            if isinstance(operation, Txn):
                size += _check_operations(operations_max - largest, operation)
                continue
            if not operation.key:
                raise InvalidRequest("key is not provided")
            size += len(operation.key)
            if isinstance(operation, Put):
                size += len(operation.value)
                if operation.ignore_value and operation.value:
                    raise InvalidRequest("value is provided")
                if operation.ignore_lease and operation.lease:
                    raise InvalidRequest("lease is provided")
    return size


def _check_writes(
    operations: Sequence[_Operation],
) -> tuple[set[bytes], list[DeleteRange]]:
    """Return what a branch may write; raise if one key could be written twice in it."""
    puts: set[bytes] = set()
    deletes = [one for one in operations if isinstance(one, DeleteRange)]
    for operation in operations:
        if isinstance(operation, Put):
            if operation.key in puts or any(_covers(one, operation.key) for one in deletes):
                raise InvalidRequest("duplicate key given in txn request")
            puts.add(operation.key)
    for operation in operations:
        if not isinstance(operation, Txn):
            continue
        then_puts, then_deletes = _check_writes(operation.success)
        else_puts, else_deletes = _check_writes(operation.failure)
        nested_puts, nested_deletes = then_puts | else_puts, then_deletes + else_deletes
        clash = (
            nested_puts & puts
            or any(_covers(one, key) for one in deletes for key in sorted(nested_puts))
            or any(_covers(one, key) for one in nested_deletes for key in sorted(puts))
        )
        if clash:
            raise InvalidRequest("duplicate key given in txn request")
        puts |= nested_puts
        deletes += nested_deletes
    return puts, deletes


def _covers(delete: DeleteRange, key: bytes) -> bool:
    if not delete.range_end:
        return key == delete.key
    return key >= delete.key and (delete.range_end == b"\0" or key < delete.range_end)
