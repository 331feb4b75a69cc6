"""What etcd refuses before it looks at any data, in the order in which it looks.

The store refuses the same; which of several faults is named first is etcd's habit alone.
"""

from typing import Any

from kube_actors.etcd.failures import EMPTY_KEY, INVALID_SORT, KEY_NOT_FOUND
from kube_actors.etcd.grpc import Code, GrpcError

TXN_OPERATIONS_MAX = 128
_SORT_ORDERS = 3
_SORT_TARGETS = 5


def check_range(request: Any) -> None:
    """Raises GrpcError, as all of these do."""
    _check_key(request)
    if request.sort_order >= _SORT_ORDERS or request.sort_target >= _SORT_TARGETS:
        raise _refusal(INVALID_SORT)


def check_put(request: Any) -> None:
    """Refuse what etcd's checkPutRequest refuses, with its texts. Raises GrpcError."""
    _check_key(request)
    if request.ignore_value and request.value:
        raise _refusal("etcdserver: value is provided")
    if request.ignore_lease and request.lease:
        raise _refusal("etcdserver: lease is provided")


def check_delete(request: Any) -> None:
    """Refuse what etcd's checkDeleteRequest refuses, with its texts. Raises GrpcError."""
    _check_key(request)


def check_txn(request: Any, operations_max: int = TXN_OPERATIONS_MAX) -> None:
    """A transaction inside another has only what that one leaves of the operations."""
    largest = max(len(request.compare), len(request.success), len(request.failure))
    if largest > operations_max:
        raise _refusal("etcdserver: too many operations in txn request")
    for compare in request.compare:
        _check_key(compare)
    for branch in (request.success, request.failure):
        for operation in branch:
            match operation.WhichOneof("request"):
                case "request_range":
                    check_range(operation.request_range)
                case "request_put":
                    check_put(operation.request_put)
                case "request_delete_range":
                    check_delete(operation.request_delete_range)
                case "request_txn":
                    check_txn(operation.request_txn, operations_max - largest)
                case _:
                    raise _refusal(KEY_NOT_FOUND)


def _check_key(request: Any) -> None:
    if not request.key:
        raise _refusal(EMPTY_KEY)


def _refusal(text: str) -> GrpcError:
    return GrpcError(Code.INVALID_ARGUMENT, text)
