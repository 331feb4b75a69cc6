"""etcd's KV requests as the store's, and the store's answers as etcd's."""

from collections.abc import Iterable
from typing import Any

from kube_actors.actor import Blob
from kube_actors.etcd.failures import INVALID_SORT, KEY_NOT_FOUND
from kube_actors.etcd.grpc import Code, GrpcError
from kube_actors.etcd.schema import pb
from kube_actors.store.messages import (
    Compare,
    CompareResult,
    CompareTarget,
    DeleteDone,
    DeleteRange,
    Event,
    EventType,
    KeyValue,
    Put,
    PutDone,
    Range,
    Ranged,
    SortOrder,
    SortTarget,
    Txn,
    TxnDone,
)

Operation = Range | Put | DeleteRange | Txn
Done = Ranged | PutDone | DeleteDone | TxnDone

_ORDERS = (SortOrder.NONE, SortOrder.ASCEND, SortOrder.DESCEND)
_TARGETS = (
    SortTarget.KEY,
    SortTarget.VERSION,
    SortTarget.CREATE,
    SortTarget.MOD,
    SortTarget.VALUE,
)
_RESULTS = (
    CompareResult.EQUAL,
    CompareResult.GREATER,
    CompareResult.LESS,
    CompareResult.NOT_EQUAL,
)
_COMPARED = (
    (CompareTarget.VERSION, "version"),
    (CompareTarget.CREATE, "create_revision"),
    (CompareTarget.MOD, "mod_revision"),
    (CompareTarget.VALUE, "value"),
    (CompareTarget.LEASE, "lease"),
)

# -- requests


def range_of(request: Any) -> Range:
    """Raises GrpcError for an order or a target that nobody knows."""
    if not (0 <= request.sort_order < len(_ORDERS) and 0 <= request.sort_target < len(_TARGETS)):
        raise GrpcError(Code.INVALID_ARGUMENT, INVALID_SORT)
    return Range(
        key=request.key,
        range_end=request.range_end,
        revision=request.revision,
        limit=request.limit,
        sort_order=_ORDERS[request.sort_order],
        sort_target=_TARGETS[request.sort_target],
        serializable=request.serializable,
        keys_only=request.keys_only,
        count_only=request.count_only,
        min_mod_revision=request.min_mod_revision,
        max_mod_revision=request.max_mod_revision,
        min_create_revision=request.min_create_revision,
        max_create_revision=request.max_create_revision,
    )


def put_of(request: Any) -> Put:
    """Translate etcd's PutRequest."""
    return Put(
        key=request.key,
        value=Blob(request.value),
        lease=request.lease,
        prev_kv=request.prev_kv,
        ignore_value=request.ignore_value,
        ignore_lease=request.ignore_lease,
    )


def delete_of(request: Any) -> DeleteRange:
    """Translate etcd's DeleteRangeRequest."""
    return DeleteRange(request.key, request.range_end, request.prev_kv)


def txn_of(request: Any) -> Txn:
    """Raises GrpcError for an operation or a comparison that is none."""
    return Txn(
        tuple(_compare_of(each) for each in request.compare),
        tuple(_operation_of(each) for each in request.success),
        tuple(_operation_of(each) for each in request.failure),
    )


def _compare_of(compare: Any) -> Compare:
    if not (0 <= compare.result < len(_RESULTS) and 0 <= compare.target < len(_COMPARED)):
        raise GrpcError(Code.INVALID_ARGUMENT, "etcdserver: unknown comparison")
    target, field = _COMPARED[compare.target]
    value = getattr(compare, field)
    by_value = target is CompareTarget.VALUE
    return Compare(
        key=compare.key,
        target=target,
        result=_RESULTS[compare.result],
        number=0 if by_value else value,
        value=value if by_value else b"",
        range_end=compare.range_end,
    )


def _operation_of(operation: Any) -> Operation:
    match operation.WhichOneof("request"):
        case "request_range":
            return range_of(operation.request_range)
        case "request_put":
            return put_of(operation.request_put)
        case "request_delete_range":
            return delete_of(operation.request_delete_range)
        case "request_txn":
            return txn_of(operation.request_txn)
        case _:
            raise GrpcError(Code.INVALID_ARGUMENT, KEY_NOT_FOUND)


# -- answers


def fill_kv(target: Any, kv: KeyValue) -> None:
    """Fill an mvccpb.KeyValue; its value is copied, for protobuf holds no references."""
    target.key = kv.key
    target.create_revision = kv.create_revision
    target.mod_revision = kv.mod_revision
    target.version = kv.version
    target.value = bytes(kv.value)
    target.lease = kv.lease


def fill_kvs(target: Any, kvs: Iterable[KeyValue]) -> None:
    """Fill a repeated field of key-values, in their order."""
    for kv in kvs:
        fill_kv(target.add(), kv)


def fill_ranged(answer: Any, ranged: Ranged) -> None:
    """Fill a RangeResponse but for its header."""
    fill_kvs(answer.kvs, ranged.kvs)
    answer.more = ranged.more
    answer.count = ranged.count


def fill_put(answer: Any, done: PutDone) -> None:
    """Fill a PutResponse but for its header."""
    if done.prev_kv is not None:
        fill_kv(answer.prev_kv, done.prev_kv)


def fill_delete(answer: Any, done: DeleteDone) -> None:
    """Fill a DeleteRangeResponse but for its header."""
    answer.deleted = done.deleted
    fill_kvs(answer.prev_kvs, done.prev_kvs)


def fill_txn(answer: Any, done: TxnDone) -> None:
    """Every answer inside says the revision as of its operation, as in etcd."""
    wrote = _writes(done)
    _fill_txn(answer, done, done.revision - wrote, dirty=False)


def _writes(done: TxnDone) -> bool:
    return any(
        isinstance(each, PutDone)
        or (isinstance(each, DeleteDone) and each.deleted > 0)
        or (isinstance(each, TxnDone) and _writes(each))
        for each in done.responses
    )


def _fill_txn(answer: Any, done: TxnDone, before: int, *, dirty: bool) -> bool:
    """Return whether something was written up to here, upon the revision ``before``."""
    answer.succeeded = done.succeeded
    for each in done.responses:
        response = answer.responses.add()
        if isinstance(each, Ranged):
            response.response_range.header.revision = each.revision
            fill_ranged(response.response_range, each)
        elif isinstance(each, PutDone):
            dirty = True
            response.response_put.header.revision = before + 1
            fill_put(response.response_put, each)
        elif isinstance(each, DeleteDone):
            dirty = dirty or each.deleted > 0
            response.response_delete_range.header.revision = before + dirty
            fill_delete(response.response_delete_range, each)
        else:
            # etcd leaves the header of a transaction inside another empty.
            response.response_txn.header.SetInParent()
            dirty = _fill_txn(response.response_txn, each, before, dirty=dirty)
    return dirty


def fill_event(target: Any, event: Event) -> None:
    """Fill an mvccpb.Event; a deletion carries its key and revision only, as etcd's do."""
    kv = event.kv
    if event.type is EventType.DELETE:
        target.type = 1
        target.kv.key = kv.key
        target.kv.mod_revision = kv.mod_revision
    else:
        fill_kv(target.kv, kv)
    if event.prev_kv is not None:
        fill_kv(target.prev_kv, event.prev_kv)


# -- the other way round, for the client


def kv_from(kv: Any) -> KeyValue:
    """Translate an mvccpb.KeyValue that an etcd sent."""
    return KeyValue(
        kv.key, Blob(kv.value), kv.create_revision, kv.mod_revision, kv.version, kv.lease
    )


def event_from(event: Any) -> Event:
    """Translate an mvccpb.Event that an etcd sent."""
    return Event(
        EventType.DELETE if event.type == 1 else EventType.PUT,
        kv_from(event.kv),
        kv_from(event.prev_kv) if event.HasField("prev_kv") else None,
    )


def ranged_from(answer: Any) -> Ranged:
    """Translate a RangeResponse that an etcd sent."""
    return Ranged(
        answer.header.revision,
        tuple(kv_from(kv) for kv in answer.kvs),
        answer.more,
        answer.count,
    )


def txn_from(answer: Any) -> TxnDone:
    """Translate a TxnResponse that an etcd sent, nested transactions included."""
    return TxnDone(
        answer.header.revision,
        answer.succeeded,
        tuple(_done_from(each) for each in answer.responses),
    )


def _done_from(response: Any) -> Done:
    match response.WhichOneof("response"):
        case "response_range":
            return ranged_from(response.response_range)
        case "response_put":
            put = response.response_put
            return PutDone(kv_from(put.prev_kv) if put.HasField("prev_kv") else None)
        case "response_delete_range":
            deleted = response.response_delete_range
            return DeleteDone(deleted.deleted, tuple(kv_from(kv) for kv in deleted.prev_kvs))
        case "response_txn":
            return txn_from(response.response_txn)
        case _:
            raise ValueError("an answer to an operation is empty")


def range_to(request: Range) -> Any:
    """Translate a range into etcd's RangeRequest."""
    return pb.RangeRequest(
        key=request.key,
        range_end=request.range_end,
        limit=request.limit,
        revision=request.revision,
        sort_order=_ORDERS.index(request.sort_order),
        sort_target=_TARGETS.index(request.sort_target),
        serializable=request.serializable,
        keys_only=request.keys_only,
        count_only=request.count_only,
        min_mod_revision=request.min_mod_revision,
        max_mod_revision=request.max_mod_revision,
        min_create_revision=request.min_create_revision,
        max_create_revision=request.max_create_revision,
    )


def txn_to(request: Txn) -> Any:
    """Translate a transaction into etcd's TxnRequest, nested ones included."""
    return pb.TxnRequest(
        compare=[_compare_to(each) for each in request.compare],
        success=[_operation_to(each) for each in request.success],
        failure=[_operation_to(each) for each in request.failure],
    )


def _compare_to(compare: Compare) -> Any:
    number, field = next(
        (n, field) for n, (target, field) in enumerate(_COMPARED) if target is compare.target
    )
    value = compare.value if compare.target is CompareTarget.VALUE else compare.number
    return pb.Compare(
        key=compare.key,
        range_end=compare.range_end,
        result=_RESULTS.index(compare.result),
        target=number,
        **{field: value},
    )


def _operation_to(operation: Operation) -> Any:
    if isinstance(operation, Range):
        return pb.RequestOp(request_range=range_to(operation))
    if isinstance(operation, Put):
        return pb.RequestOp(
            request_put=pb.PutRequest(
                key=operation.key,
                value=bytes(operation.value),
                lease=operation.lease,
                prev_kv=operation.prev_kv,
                ignore_value=operation.ignore_value,
                ignore_lease=operation.ignore_lease,
            )
        )
    if isinstance(operation, DeleteRange):
        return pb.RequestOp(
            request_delete_range=pb.DeleteRangeRequest(
                key=operation.key, range_end=operation.range_end, prev_kv=operation.prev_kv
            )
        )
    return pb.RequestOp(request_txn=txn_to(operation))
