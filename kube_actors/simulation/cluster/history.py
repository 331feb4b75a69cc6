"""The store's history as its members tell it: the truth that everything else is judged by.

Pure. Every member's watch over all keys is fed in; the first to tell a revision sets it and the
others must agree. Objects are decoded once, and who listens hears every change in order.
"""

from collections.abc import Callable, Mapping
from typing import Any

import orjson
from attrs import frozen

from kube_actors.simulation.cluster.promises import Breaches
from kube_actors.store import Event, EventType

Object = dict[str, Any]

FIRST_REVISION = 1
"""Of an empty store, as in etcd."""


@frozen
class Change:
    """One key at one revision; ``object`` is None when it was deleted or is no API object."""

    revision: int
    key: str
    value: bytes
    object: Object | None
    before: Object | None

    @property
    def resource(self) -> str:
        """``core/pods`` of ``/registry/core/pods/default/web``; empty for other keys."""
        parts = self.key.split("/")
        return f"{parts[2]}/{parts[3]}" if len(parts) == 6 and parts[1] == "registry" else ""


class History:
    """Revisions 1 to ``revision``, each with what it changed, and the objects as they are now."""

    def __init__(self, breaches: Breaches) -> None:
        self.breaches = breaches
        self.changes: dict[int, tuple[Change, ...]] = {}
        self.objects: dict[str, Object] = {}
        self.by_resource: dict[str, list[Change]] = {}
        self._now: dict[str, dict[str, Object]] = {}
        self.revision = FIRST_REVISION
        self.told: dict[int, int] = {}
        self.listeners: list[Callable[[Change], None]] = []

    def tell(self, member: int, revision: int, events: tuple[Event, ...]) -> None:
        """A member says what happened up to ``revision``, since what it told before."""
        told = self.told.get(member, FIRST_REVISION)
        by_revision: dict[int, list[Event]] = {}
        for event in events:
            by_revision.setdefault(event.kv.mod_revision, []).append(event)
        for number, part in by_revision.items():
            if number <= told:
                text = f"store/{member} told revision {number} after {told}"
                self.breaches.found("store-history-whole", text, lane=f"store/{member}")
                continue
            if number > told + 1:
                text = f"store/{member} went from revision {told} to {number}"
                self.breaches.found("store-history-whole", text, lane=f"store/{member}")
            told = number
            self._compare(member, number, part)
        if revision > told:
            text = f"store/{member} is at revision {revision} and told only {told}"
            self.breaches.found("store-history-whole", text, lane=f"store/{member}")
        self.told[member] = max(told, revision)

    def _compare(self, member: int, revision: int, events: list[Event]) -> None:
        known = self.changes.get(revision)
        if known is None:
            self._append(revision, events)
            return
        same = [(c.key, c.value) for c in known] == [(_key(e), _value(e)) for e in events]
        if not same:
            text = (
                f"store/{member} has {[_key(e) for e in events]} at revision {revision}, another"
                f" member had {[c.key for c in known]}"
            )
            self.breaches.found("store-history-whole", text, lane=f"store/{member}")

    def _append(self, revision: int, events: list[Event]) -> None:
        changes = []
        for event in events:
            key, value = _key(event), _value(event)
            change = Change(revision, key, value, _decoded(key, value), self.objects.get(key))
            for where in (self.objects, self._now.setdefault(change.resource, {})):
                if change.object is None:
                    where.pop(key, None)
                else:
                    where[key] = change.object
            changes.append(change)
        self.changes[revision] = tuple(changes)
        self.revision = max(self.revision, revision)
        for change in changes:
            if change.resource:
                self.by_resource.setdefault(change.resource, []).append(change)
            for listener in self.listeners:
                listener(change)

    def of(self, resource: str) -> Mapping[str, Object]:
        """Every object of one resource as it is now, by key."""
        return self._now.get(resource, {})


def _key(event: Event) -> str:
    return event.kv.key.decode(errors="replace")


def _value(event: Event) -> bytes:
    return b"" if event.type is EventType.DELETE else bytes(event.kv.value)


def _decoded(key: str, value: bytes) -> Object | None:
    if not value or not key.startswith("/registry/"):
        return None
    found = orjson.loads(value)
    return found if isinstance(found, dict) else None
