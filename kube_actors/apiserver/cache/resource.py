"""All objects of one resource in key order, its recent changes, and its watchers."""

from collections import deque
from collections.abc import Iterable, Iterator

from sortedcontainers import SortedDict

from kube_actors.api import errors
from kube_actors.apiserver.cache.change import ADDED, Bookmark, Change, Form
from kube_actors.apiserver.cache.entry import Entry
from kube_actors.apiserver.cache.selection import EVERY, Bucket, Selection
from kube_actors.apiserver.cache.watcher import Watcher
from kube_actors.apiserver.objects import namespace_prefix, object_key, prefix_end

_ENCODED_KEPT = 128


class ResourceCache:
    """``version`` counts changes, for those who derive something from all objects."""

    def __init__(self, kind: errors.Named, *, ring_max: int, buffer_max: int) -> None:
        self.kind = kind
        self.version = 0
        self.ring_start = 0
        self._entries: SortedDict = SortedDict()
        self._ring: deque[Change] = deque()
        self._ring_max = ring_max
        self._buffer_max = buffer_max
        self._watchers: dict[Bucket, dict[Watcher, None]] = {}
        self._watcher_count = 0
        self._by_node = kind.plural == "pods" and not kind.group

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def watcher_count(self) -> int:
        """How many watches are open on this resource."""
        return self._watcher_count

    def get(self, namespace: str, name: str) -> Entry | None:
        """Find one object by name; ``namespace`` is "" for a cluster-scoped kind."""
        key = object_key(self.kind.group, self.kind.plural, namespace, name)
        found: Entry | None = self._entries.get(key)
        return found

    def entries(self, namespace: str = "", after: bytes = b"") -> Iterator[Entry]:
        """Return entries in key order; do not keep the iterator across an await."""
        start, end = None, None
        if namespace:
            start = namespace_prefix(self.kind.group, self.kind.plural, namespace)
            end = prefix_end(start)
        if after:
            start = after
        keys = self._entries.irange(start, end, inclusive=(not after, False))
        entries = self._entries
        return (entries[key] for key in keys)

    def select(self, selection: Selection) -> list[Entry]:
        """Return what a selection means, in key order."""
        if selection.name and (selection.namespace or not getattr(self.kind, "namespaced", True)):
            entry = self.get(selection.namespace, selection.name)
            return [entry] if entry is not None and selection.matches(entry) else []
        entries = self.entries(selection.namespace)
        if selection.everything and not selection.name:
            return list(entries)
        return [entry for entry in entries if selection.matches(entry)]

    def reset(self, revision: int, entries: Iterable[Entry]) -> None:
        """Start over at ``revision``; every watcher ends and must list again."""
        self._entries = SortedDict((entry.key, entry) for entry in entries)
        self._ring.clear()
        self.ring_start = revision
        self.version += 1
        for bucket in list(self._watchers.values()):
            for watcher in list(bucket):
                watcher.end()

    def put(self, entry: Entry, woken: dict[Watcher, None]) -> None:
        """Take in a written object and offer the change to its watchers; who has news is added to
        ``woken``.
        """
        before = self._entries.get(entry.key)
        self._entries[entry.key] = entry
        self._record(Change(entry.revision, before, entry), woken)
        if before is not None:
            before.superseded_by(entry)

    def delete(self, key: bytes, revision: int, woken: dict[Watcher, None]) -> None:
        """Take in a deletion; one of an object that is not here says nothing."""
        before = self._entries.pop(key, None)
        if before is not None:
            self._record(Change(revision, before, None), woken)

    def _record(self, change: Change, woken: dict[Watcher, None]) -> None:
        self.version += 1
        ring = self._ring
        ring.append(change)
        if len(ring) > self._ring_max:
            self.ring_start = ring.popleft().revision
        if len(ring) > _ENCODED_KEPT:
            ring[-_ENCODED_KEPT - 1].forget()
        if self._watcher_count:
            for bucket in self._buckets(change):
                for watcher in list(self._watchers.get(bucket, ())):
                    if watcher.offer(change):
                        woken[watcher] = None

    def _buckets(self, change: Change) -> list[Bucket]:
        subject = change.subject
        buckets: list[Bucket] = [
            EVERY,
            ("namespace", subject.namespace, ""),
            ("name", subject.namespace, subject.name),
        ]
        if subject.namespace:
            buckets.append(("name", "", subject.name))
        if self._by_node:
            nodes = {
                entry.node: None for entry in (change.before, change.after) if entry is not None
            }
            buckets.extend(("node", "", node) for node in nodes)
        return buckets

    def since(self, revision: int) -> list[Change]:
        """Return the changes after ``revision``; raises ``StatusError`` 410 when forgotten."""
        if revision < self.ring_start:
            raise errors.too_old(revision, self.ring_start)
        changes: list[Change] = []
        for change in reversed(self._ring):
            if change.revision <= revision:
                break
            changes.append(change)
        changes.reverse()
        return changes

    def watch(
        self,
        selection: Selection,
        form: Form,
        *,
        since: int | None,
        bookmarks: bool = False,
        initial_end: Bookmark | None = None,
    ) -> Watcher:
        """Open a watch: from the present state (``since`` None) or after a revision.

        Raises ``StatusError`` 410. ``initial_end`` follows the initial events.
        """
        changes = self.since(since) if since is not None else []
        watcher = Watcher(
            selection,
            form,
            bookmarks=bookmarks,
            buffer_max=self._buffer_max,
            leave=self._left,
        )
        initial: list[tuple[str, Change | Bookmark]] = []
        if since is None:
            present = self.select(selection)
            initial.extend((ADDED, Change(entry.revision, None, entry)) for entry in present)
        for change in changes:
            # Those that come later are from its bucket; these are from everywhere.
            kind = watcher.kind_of(change) if selection.covers(change.subject) else None
            if kind is not None:
                initial.append((kind, change))
        if initial_end is not None:
            initial.append(("BOOKMARK", initial_end))
        watcher.begin(initial)
        self._watchers.setdefault(selection.bucket(), {})[watcher] = None
        self._watcher_count += 1
        return watcher

    def bookmark(self, bookmark: Bookmark) -> None:
        """Offer a bookmark to every watcher that asked for them, and wake it."""
        for bucket in list(self._watchers.values()):
            for watcher in list(bucket):
                if watcher.offer_bookmark(bookmark):
                    watcher.wake()

    def _left(self, watcher: Watcher) -> None:
        key = watcher.selection.bucket()
        bucket = self._watchers[key]
        del bucket[watcher]
        if not bucket:
            del self._watchers[key]
        self._watcher_count -= 1
