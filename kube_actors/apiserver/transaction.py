"""Read-modify-write on one object: guarded transactions, decided again when a guard fails.

A decision is pure: from the stored state to a ``Plan``. It may be made on the cache's state,
which can be behind; then every refusal and every no-op is confirmed on a fresh read before it is
believed, as Kubernetes' GuaranteedUpdate does.
"""

from collections.abc import Callable

import attrs

from kube_actors.actor import Blob
from kube_actors.api import Kind, Object, errors
from kube_actors.apiserver.objects import decode_value, object_key
from kube_actors.apiserver.server import Server
from kube_actors.store.messages import (
    Compare,
    CompareResult,
    CompareTarget,
    DeleteRange,
    KeyValue,
    Put,
    Range,
    Ranged,
    Txn,
)

_ATTEMPTS = 8


@attrs.frozen
class Stored:
    """An object's bytes as stored, and the revision that wrote them."""

    value: bytes
    revision: int

    def decode(self) -> Object:
        """Return a fresh tree with its resourceVersion."""
        return decode_value(self.value, self.revision)


@attrs.frozen(kw_only=True)
class Plan:
    """What to do: put ``value``, or delete, with other operations and guards of the same txn."""

    value: bytes = b""
    delete: bool = False
    also: tuple[Put | DeleteRange, ...] = ()
    guards: tuple[Compare, ...] = ()


def unchanged(key: bytes, revision: int) -> Compare:
    """Guard: ``key`` was last written at ``revision`` (0: it does not exist)."""
    return Compare(key, CompareTarget.MOD, CompareResult.EQUAL, revision)


def absent(key: bytes) -> Compare:
    """Return the guard of a creation: nothing lies at the key."""
    return Compare(key, CompareTarget.CREATE, CompareResult.EQUAL, 0)


async def read(server: Server, kind: Kind, namespace: str, name: str) -> Stored | None:
    """Return the object from the store, linearizably; raises the store's errors."""
    ranged = await server.store.range(Range(object_key(kind.group, kind.plural, namespace, name)))
    return _stored(ranged.kvs)


def _stored(kvs: tuple[KeyValue, ...]) -> Stored | None:
    return Stored(kvs[0].value, kvs[0].mod_revision) if kvs else None


async def change(
    server: Server,
    kind: Kind,
    namespace: str,
    name: str,
    decide: Callable[[Stored], Plan | None],
    *,
    dry_run: bool = False,
) -> Stored:
    """Apply ``decide`` (None: leave it) until it sticks; returns the state it led to.

    For a deletion that is the last state with the deletion's revision. ``decide`` must not keep
    or change what it is given. Raises ``StatusError`` (404, or what ``decide`` raises).
    """
    key = object_key(kind.group, kind.plural, namespace, name)
    entry = server.cached(kind).get(namespace, name)
    current = Stored(entry.value, entry.revision) if entry is not None else None
    fresh = False
    for _ in range(_ATTEMPTS):
        if current is None:
            if not fresh:
                current, fresh = await read(server, kind, namespace, name), True
            if current is None:
                raise errors.not_found(kind, name)
        try:
            plan = decide(current)
        except errors.StatusError:
            latest = None if fresh else await read(server, kind, namespace, name)
            if fresh or latest == current:
                raise
            current, fresh = latest, True
            continue
        if plan is None or (plan.value == current.value and not plan.also):
            if fresh or dry_run:
                return current
            latest, fresh = await read(server, kind, namespace, name), True
            if latest == current:
                return current
            current = latest
            continue
        if dry_run:
            return Stored(plan.value or current.value, current.revision)
        done, current, fresh = await _commit(server, key, current, plan)
        if done is not None:
            return done
    raise errors.conflict(kind, name)


async def _commit(
    server: Server, key: bytes, current: Stored, plan: Plan
) -> tuple[Stored | None, Stored | None, bool]:
    """Return (the new state, None, _) or (None, the state that was found, True)."""
    write = DeleteRange(key) if plan.delete else Put(key, Blob(plan.value))
    done = await server.store.txn(
        Txn(
            compare=(unchanged(key, current.revision), *plan.guards),
            success=(write, *plan.also),
            failure=(Range(key),),
        )
    )
    if done.succeeded:
        value = current.value if plan.delete else plan.value
        return Stored(value, done.revision), None, True
    found = done.responses[0]
    assert isinstance(found, Ranged)
    return None, _stored(found.kvs), True
