"""Every resource's cache behind one revision: what the store's watch has brought so far."""

from collections.abc import Callable, Iterable

import anyio

from kube_actors.api import errors
from kube_actors.apiserver.cache.change import Bookmark
from kube_actors.apiserver.cache.entry import Entry
from kube_actors.apiserver.cache.resource import ResourceCache
from kube_actors.apiserver.cache.watcher import Watcher
from kube_actors.apiserver.objects import split_key
from kube_actors.store.messages import EventType, KeyValue, Watched

KindOf = Callable[[str, str], errors.Named]


class WatchCache:
    """``revision``: every event up to it is in; 0 until the first listing is in."""

    def __init__(self, kind_of: KindOf, *, ring_max: int, buffer_max: int) -> None:
        self.revision = 0
        self._kind_of = kind_of
        self._ring_max = ring_max
        self._buffer_max = buffer_max
        self._resources: dict[tuple[str, str], ResourceCache] = {}
        self._start = 0
        self._waiting: list[tuple[int, anyio.Event]] = []

    def resource(self, group: str, plural: str) -> ResourceCache:
        """Return the cache of a resource, made empty when it is first asked for."""
        found = self._resources.get((group, plural))
        if found is None:
            found = ResourceCache(
                self._kind_of(group, plural),
                ring_max=self._ring_max,
                buffer_max=self._buffer_max,
            )
            found.ring_start = self._start
            self._resources[group, plural] = found
        return found

    def resources(self) -> list[ResourceCache]:
        """Return every resource's cache that has been asked for."""
        return list(self._resources.values())

    def reset(self, revision: int, kvs: Iterable[KeyValue]) -> None:
        """Replace everything by what the store holds at ``revision``."""
        self._start = revision
        listed: dict[tuple[str, str], list[Entry]] = {pair: [] for pair in self._resources}
        for kv in kvs:
            entry = self._entry(kv)
            if entry is not None:
                listed.setdefault((entry.kind.group, entry.kind.plural), []).append(entry)
        for (group, plural), entries in listed.items():
            self.resource(group, plural).reset(revision, entries)
        self._reached(revision)

    def apply(self, watched: Watched) -> None:
        """Take in whole revisions, offer them to watchers, then wake who waited."""
        woken: dict[Watcher, None] = {}
        for event in watched.events:
            kv = event.kv
            if event.type is EventType.PUT:
                entry = self._entry(kv)
                if entry is not None:
                    self.resource(entry.kind.group, entry.kind.plural).put(entry, woken)
            else:
                parts = split_key(kv.key)
                if parts is not None:
                    self.resource(parts[0], parts[1]).delete(kv.key, kv.mod_revision, woken)
        self._reached(watched.revision)
        for watcher in woken:
            watcher.wake()

    def _entry(self, kv: KeyValue) -> Entry | None:
        parts = split_key(kv.key)
        if parts is None:
            return None
        group, plural, namespace, name = parts
        kind = self.resource(group, plural).kind
        return Entry(kind, kv.key, namespace, name, kv.value, kv.mod_revision)

    def _reached(self, revision: int) -> None:
        self.revision = max(self.revision, revision)
        if self._waiting:
            ready = [event for wanted, event in self._waiting if wanted <= self.revision]
            self._waiting = [pair for pair in self._waiting if pair[0] > self.revision]
            for event in ready:
                event.set()

    async def wait_revision(self, revision: int) -> None:
        """Return once everything up to ``revision`` is in."""
        if self.revision >= revision:
            return
        event = anyio.Event()
        pair = (revision, event)
        self._waiting.append(pair)
        try:
            await event.wait()
        finally:
            if pair in self._waiting:
                self._waiting.remove(pair)

    def bookmark_all(self) -> None:
        """Tell every watcher that asked for bookmarks how far it is."""
        for resource in self._resources.values():
            if resource.watcher_count:
                version = getattr(resource.kind, "api_version", "v1")
                resource.bookmark(Bookmark(version, resource.kind.kind, self.revision))
