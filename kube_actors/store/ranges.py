"""Answers a ``Range``: which keys, at which revision, in which order, how many of them.

Follows etcd: filters apply to what was found, ``count`` does not know about them, ``more`` says
that the limit cut something off, and keys come in byte order unless another order is asked for.
"""

from collections.abc import Callable
from itertools import islice

from kube_actors.store.keyspace import EMPTY, Keyspace
from kube_actors.store.messages import KeyValue, Range, Ranged, SortOrder, SortTarget

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
    revision = request.revision if request.revision < keyspace.revision else 0
    now = keyspace.revision + keyspace.dirty
    if request.count_only:
        count = keyspace.count(request.key, request.range_end, max(0, revision))
        return Ranged(now, (), False, count)
    scan = keyspace.scan(request.key, request.range_end, max(0, revision))
    limit = request.limit
    if _plain_order(request) and not _filtered(request):
        kvs = list(islice(scan, limit + 1)) if limit > 0 else list(scan)
        more = 0 < limit < len(kvs)
        count = len(kvs)
        if more:
            kvs.pop()
            count = keyspace.count(request.key, request.range_end, max(0, revision))
    else:
        found = list(scan)
        count = len(found)
        kvs = [kv for kv in found if _passes(request, kv)]
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
