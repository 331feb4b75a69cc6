"""Every key at every revision since the last compaction: the multi-version heart of the store.

One mutating transaction makes one revision, shared by all its changes. The newest version of a
key, its past versions and the change log that watches read all refer to the same immutable
``KeyValue``; keys and values are never copied. Nothing here can fail half-way: callers check first
(``txn.py``), then write, then ``commit``. Compaction takes effect at once for readers, while the
memory is given back in slices (``trim``), so a large compaction never stalls the loop.
"""

from collections.abc import Iterator
from functools import lru_cache
from heapq import merge
from typing import Any
from zlib import crc32

from sortedcontainers import SortedList

from kube_actors.actor import Blob
from kube_actors.store.messages import Compacted, Event, EventType, FutureRevision, KeyValue
from kube_actors.store.state.frozen import FrozenKeyspace
from kube_actors.store.state.steps import ITEMS_PER_STEP, Steps, run

FIRST_REVISION = 1
"""The revision of an empty store; the first write makes the next one, as in etcd."""

EMPTY = Blob(b"")
_PUT = EventType.PUT
_DELETE = EventType.DELETE


class Keyspace:
    """The versions of all keys. A ``KeyValue`` whose version is 0 is a tombstone."""

    def __init__(self) -> None:
        self.revision = FIRST_REVISION
        self.compact_revision = 0
        self.size_bytes = 0
        self.live_bytes = 0
        """What the newest versions take; ``size_bytes`` counts the past as well."""
        self._history: dict[bytes, list[KeyValue]] = {}
        self._live: Any = SortedList()
        self._dead: Any = SortedList()
        self._first_change = FIRST_REVISION + 1
        self._changes: list[KeyValue | tuple[KeyValue, ...]] = []
        """Per revision; most change one key, and history is long: that one stands for itself."""
        self._pending: list[KeyValue] = []

    # -- reading

    def newest(self, key: bytes) -> KeyValue | None:
        """Return the key as the transaction being applied sees it, or None if it is absent."""
        history = self._history.get(key)
        if history is None:
            return None
        kv = history[-1]
        return kv if kv.version else None

    def at(self, key: bytes, revision: int) -> KeyValue | None:
        """Return the key as it was at ``revision``, or None if it was absent."""
        history = self._history.get(key)
        if history is None:
            return None
        for kv in reversed(history):
            if kv.mod_revision <= revision:
                return kv if kv.version else None
        return None

    def check_revision(self, revision: int) -> None:
        """Raise Compacted or FutureRevision if ``revision`` cannot be read (0 always can)."""
        if revision <= 0:
            return
        if revision > self.revision:
            raise FutureRevision(self.revision)
        if revision < self.compact_revision:
            raise Compacted(self.compact_revision)

    def scan(self, key: bytes, range_end: bytes, revision: int = 0) -> Iterator[KeyValue]:
        """Yield the keys of a range in order, at ``revision`` or (0) as the transaction sees it."""
        if not range_end:
            kv = self.at(key, revision) if revision else self.newest(key)
            if kv is not None:
                yield kv
            return
        history = self._history
        if not revision:
            for name in _between(self._live, key, range_end):
                yield history[name][-1]
            return
        live, dead = _between(self._live, key, range_end), _between(self._dead, key, range_end)
        for name in merge(live, dead):
            kv = self.at(name, revision)
            if kv is not None:
                yield kv

    def count(self, key: bytes, range_end: bytes, revision: int = 0) -> int:
        """Count the keys of a range; at the newest revision without visiting them."""
        if not range_end or revision:
            return sum(1 for _ in self.scan(key, range_end, revision))
        low = self._live.bisect_left(key)
        high = len(self._live) if range_end == b"\0" else self._live.bisect_left(range_end)
        return int(max(0, high - low))

    def changes(self, revision: int) -> tuple[Event, ...]:
        """Return what happened at one committed revision (empty if it is forgotten)."""
        return tuple(self._event(kv) for kv in self._changed(revision - self._first_change))

    def _changed(self, index: int) -> tuple[KeyValue, ...]:
        if not 0 <= index < len(self._changes):
            return ()
        found = self._changes[index]
        return found if type(found) is tuple else (found,)  # type: ignore[return-value]

    def _event(self, kv: KeyValue) -> Event:
        """Say what a version was: what it replaced is there unless that was compacted."""
        previous: KeyValue | None = None
        history = self._history.get(kv.key, ())
        for position in range(len(history) - 1, 0, -1):
            if history[position] is kv:
                before = history[position - 1]
                previous = before if before.version else None
                break
        return Event(_PUT if kv.version else _DELETE, kv, previous)

    # -- writing, between two commits

    def put(self, key: bytes, value: Blob, lease: int) -> KeyValue | None:
        """Write one key in the revision being made; return what it replaced."""
        revision = self.revision + 1
        history = self._history.get(key)
        previous: KeyValue | None = None
        size = len(key) + len(value)
        self.size_bytes += size
        self.live_bytes += size
        if history is None:
            key = _shared_key(key)
            kv = KeyValue(key, value, revision, revision, 1, lease)
            self._history[key] = [kv]
            self._live.add(key)
        else:
            last = history[-1]
            key = last.key
            assert last.mod_revision != revision, "a key changes once in a revision"
            if last.version:
                previous = last
                self.live_bytes -= len(key) + len(last.value)
                kv = KeyValue(key, value, last.create_revision, revision, last.version + 1, lease)
            else:
                kv = KeyValue(key, value, revision, revision, 1, lease)
                self._dead.remove(key)
                self._live.add(key)
            history.append(kv)
        self._pending.append(kv)
        return previous

    def delete(self, key: bytes) -> KeyValue | None:
        """Delete one key in the revision being made; return what it was, None if absent."""
        previous = self.newest(key)
        if previous is None:
            return None
        tombstone = KeyValue(previous.key, EMPTY, 0, self.revision + 1, 0)
        self._history[key].append(tombstone)
        self._live.remove(key)
        self._dead.add(key)
        self.size_bytes += len(key)
        self.live_bytes -= len(key) + len(previous.value)
        self._pending.append(tombstone)
        return previous

    @property
    def dirty(self) -> bool:
        """Say whether the revision being made has any change yet."""
        return bool(self._pending)

    def commit(self) -> int:
        """End the transaction: its changes become one revision, if it made any."""
        if self._pending:
            self.revision += 1
            pending = self._pending
            self._changes.append(pending[0] if len(pending) == 1 else tuple(pending))
            self._pending.clear()
        return self.revision

    # -- forgetting

    def compact(self, revision: int) -> None:
        """Make everything older than ``revision`` unreadable.

        Raises Compacted if that was done already, FutureRevision if it has not happened yet.
        """
        if revision <= self.compact_revision:
            raise Compacted(self.compact_revision)
        if revision > self.revision:
            raise FutureRevision(self.revision)
        self.compact_revision = revision

    @property
    def untrimmed(self) -> int:
        """Count the revisions that are compacted and still hold memory."""
        return max(0, min(self.compact_revision, self.revision + 1) - self._first_change)

    def trim(self, revisions: int | None = None) -> int:
        """Give back the memory of up to ``revisions`` compacted ones (None: all); return how many.

        The changes *at* the compact revision stay: a watch may start there.
        """
        todo = self.untrimmed if revisions is None else min(revisions, self.untrimmed)
        for index in range(todo):
            for kv in self._changed(index):
                self._forget(kv.key, self._first_change + index)
        if todo:
            del self._changes[:todo]
            self._first_change += todo
        if not self.untrimmed:
            for kv in self._changed(self.compact_revision - self._first_change):
                self._forget(kv.key, self.compact_revision)
        return todo

    def _forget(self, key: bytes, revision: int) -> None:
        """Drop the versions of a key that no reader at or after ``revision`` can see."""
        history = self._history.get(key)
        if history is None:
            return
        keep = 0
        for position, kv in enumerate(history):
            if kv.mod_revision > revision:
                break
            keep = position if kv.version else position + 1
        for kv in history[:keep]:
            self.size_bytes -= len(kv.key) + len(kv.value)
        if keep == len(history):
            del self._history[key]
            self._dead.remove(key)
        else:
            del history[:keep]

    # -- the whole

    def freeze(self) -> FrozenKeyspace:
        """Return all of it as immutable references, for a snapshot: cheap, nothing is copied."""
        self.trim()
        first = self._first_change
        base = tuple(
            history[0] for history in self._history.values() if history[0].mod_revision < first
        )
        changes = tuple(self._changed(index) for index in range(len(self._changes)))
        return FrozenKeyspace(self.revision, self.compact_revision, first, base, changes)

    @classmethod
    def restore(cls, frozen: FrozenKeyspace) -> "Keyspace":
        """Rebuild what was frozen, the change log included."""
        return run(cls.restoring(frozen))

    @classmethod
    def restoring(cls, frozen: FrozenKeyspace) -> "Steps[Keyspace]":
        """Do the same in steps."""
        self = cls()
        self.revision = frozen.revision
        self.compact_revision = frozen.compact_revision
        self._first_change = frozen.first_change
        history = self._history
        for number, kv in enumerate(frozen.base):
            if number % ITEMS_PER_STEP == 0:
                yield
            history[kv.key] = [kv]
        for number, kvs in enumerate(frozen.changes):
            if number % ITEMS_PER_STEP == 0:
                yield
            for kv in kvs:
                self._replay(kv)
            self._changes.append(kvs[0] if len(kvs) == 1 else kvs)
        yield
        self._live = SortedList(key for key, versions in history.items() if versions[-1].version)
        self._dead = SortedList(
            key for key, versions in history.items() if not versions[-1].version
        )
        yield
        self.size_bytes = sum(
            len(kv.key) + len(kv.value) for versions in history.values() for kv in versions
        )
        self.live_bytes = sum(
            len(versions[-1].key) + len(versions[-1].value)
            for versions in history.values()
            if versions[-1].version
        )
        return self

    def _replay(self, kv: KeyValue) -> None:
        versions = self._history.get(kv.key)
        if kv.mod_revision <= self.compact_revision and not kv.version:
            self._history.pop(kv.key, None)
        elif kv.mod_revision <= self.compact_revision or versions is None:
            self._history[kv.key] = [kv]
        else:
            versions.append(kv)

    def hash(self, revision: int = 0) -> int:
        """Hash every readable version up to ``revision`` (0: all), equal on equal members.

        Raises Compacted or FutureRevision.
        """
        self.check_revision(revision)
        self.trim()
        return self.hash_slice(b"", revision or self.revision, len(self._history))[0]

    def hash_slice(
        self, after: bytes, revision: int, count: int, digest: int = 0
    ) -> tuple[int, bytes | None]:
        """Hash up to ``count`` more keys, those after ``after`` (b"": all, from the beginning).

        Returns the digest so far and where to go on, None at the end. Between two slices nothing
        may be compacted; keys may change, for what is newer than ``revision`` is not looked at.
        """
        if not after:
            digest = crc32(b"%d" % self.compact_revision)
        live = self._live.irange(after, inclusive=(False, False))
        dead = self._dead.irange(after, inclusive=(False, False))
        for name in merge(live, dead):
            if count <= 0:
                return digest, after
            count -= 1
            after = name
            for kv in self._history[name]:
                if kv.mod_revision <= revision:
                    digest = crc32(kv.key, digest)
                    numbers = (kv.create_revision, kv.mod_revision, kv.version, kv.lease)
                    digest = crc32(b"%d %d %d %d" % numbers, digest)
                    digest = crc32(kv.value, digest)
        return digest, None


@lru_cache(maxsize=1024)
def _shared_key(key: bytes) -> bytes:
    """Members of one process apply the same entries at about one time: they share new keys."""
    return key


def _between(names: Any, key: bytes, range_end: bytes) -> Iterator[bytes]:
    """Iterate sorted names from ``key`` up to the exclusive end (``b"\\0"``: to the last)."""
    if range_end == b"\0":
        found: Iterator[bytes] = names.irange(key)
    elif range_end <= key:
        found = iter(())
    else:
        found = names.irange(key, range_end, inclusive=(True, False))
    return found
