"""Answers a ``Range``: which keys, at which revision, in which order, how many of them.

Follows etcd: filters apply to what was found, ``count`` does not know about them, ``more`` says
that the limit cut something off, and keys come in byte order unless another order is asked for.
"""

from collections.abc import Callable
from itertools import islice

from kube_actors.store.messages import KeyValue, Range, Ranged, SortOrder, SortTarget
from kube_actors.store.state.keyspace import EMPTY, Keyspace

LIMIT_MAX = 1 << 40

_SORT_KEYS: dict[SortTarget, Callable[[KeyValue], bytes | int]] = {
    SortTarget.KEY: lambda kv: kv.key,
    SortTarget.VERSION: lambda kv: kv.version,
    SortTarget.CREATE: lambda kv: kv.create_revision,
    SortTarget.MOD: lambda kv: kv.mod_revision,
    SortTarget.VALUE: lambda kv: kv.value,
}


def read_range(keyspace: Keyspace, request: Range) -> Ranged:
    """Read what a request asks for. Raises Compacted or FutureRevision."""
    keyspace.check_revision(request.revision)
    now = keyspace.revision + keyspace.dirty
    # Asked for by number, the state before a transaction's own writes is the state before them.
    revision = request.revision if 0 < request.revision < now else 0
    key, range_end, limit = request.key, request.range_end, request.limit
    if request.count_only:
        return Ranged(now, (), False, keyspace.count(key, range_end, revision))
    scan = keyspace.scan(key, range_end, revision)
    cut = limit > 0 and _cut_before_sorting(request)
    kvs = list(islice(scan, min(limit, LIMIT_MAX) + 1)) if cut else list(scan)
    count = len(kvs)
    if cut and count > limit:
        count = keyspace.count(key, range_end, revision)
    if _filtered(request):
        kvs = [kv for kv in kvs if _passes(request, kv)]
    if not _plain_order(request):
        descend = request.sort_order == SortOrder.DESCEND
        kvs.sort(key=_SORT_KEYS[request.sort_target], reverse=descend)
    more = 0 < limit < len(kvs)
    if more:
        del kvs[limit:]
    if request.keys_only:
        kvs = [_without_value(kv) for kv in kvs]
    return Ranged(now, tuple(kvs), more, count)


def _plain_order(request: Range) -> bool:
    return request.sort_target == SortTarget.KEY and request.sort_order != SortOrder.DESCEND


def _cut_before_sorting(request: Range) -> bool:
    """Without an order etcd takes the first keys of the range, and sorts no more than those."""
    unordered = request.sort_order == SortOrder.NONE or _plain_order(request)
    return unordered and not _filtered(request)


def _filtered(request: Range) -> bool:
    return bool(
        request.min_mod_revision
        or request.max_mod_revision
        or request.min_create_revision
        or request.max_create_revision
    )


def _passes(request: Range, kv: KeyValue) -> bool:
    return (
        kv.mod_revision >= request.min_mod_revision
        and kv.create_revision >= request.min_create_revision
        and (not request.max_mod_revision or kv.mod_revision <= request.max_mod_revision)
        and (not request.max_create_revision or kv.create_revision <= request.max_create_revision)
    )


def _without_value(kv: KeyValue) -> KeyValue:
    return KeyValue(kv.key, EMPTY, kv.create_revision, kv.mod_revision, kv.version, kv.lease)
