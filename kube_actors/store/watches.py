"""Feeds watchers from the change log: in order, each revision whole, each event once.

Watchers that ask for the same things share one feed: its events are chosen once and the message
is made once. A watcher that is up to date is sent news without waiting; one whose reader is slow,
or that starts in the past, catches up from the change log in a task of its own and delays nobody.
It buffers nothing: its place is a revision. Only when compaction overtakes it does it end, with
``Compacted``.
"""

from collections.abc import Callable, Iterable
from typing import Any

import anyio
from attrs import define, frozen

from kube_actors.actor import Delivery, Overloaded, StreamWriter
from kube_actors.store.keyspace import Keyspace
from kube_actors.store.messages import Compacted, Event, EventType, Watch, Watched

CHUNK_EVENTS = 256
CHUNK_REVISIONS = 4096


@frozen
class Interest:
    """What a watcher wants to see."""

    key: bytes
    range_end: bytes
    prev_kv: bool
    no_put: bool
    no_delete: bool

    @classmethod
    def of(cls, watch: Watch) -> "Interest":
        return cls(watch.key, watch.range_end, watch.prev_kv, watch.no_put, watch.no_delete)

    def choose(self, events: Iterable[Event]) -> list[Event]:
        """Return the events that match, as this interest wants them."""
        key, end = self.key, self.range_end
        if not end:
            found = [event for event in events if event.kv.key == key]
        elif end == b"\0":
            found = [event for event in events if event.kv.key >= key]
        else:
            found = [event for event in events if key <= event.kv.key < end]
        if self.no_put:
            found = [event for event in found if event.type is not EventType.PUT]
        if self.no_delete:
            found = [event for event in found if event.type is not EventType.DELETE]
        if not self.prev_kv:
            found = [
                Event(event.type, event.kv) if event.prev_kv is not None else event
                for event in found
            ]
        return found


@define(eq=False)
class Watcher:
    """``next_revision`` is the first one that it has not been sent; kept only while behind."""

    delivery: Delivery
    writer: StreamWriter
    feed: "Feed"
    progress: bool
    next_revision: int
    behind: bool


@define(eq=False)
class Feed:
    """All watchers of one interest."""

    interest: Interest
    watchers: list[Watcher]


class Watches:
    """All watchers of one member. ``spawn`` starts a task that belongs to the member."""

    def __init__(self, keyspace: Keyspace, spawn: Callable[..., Any], watchers_max: int) -> None:
        self._keyspace = keyspace
        self._spawn = spawn
        self._watchers_max = watchers_max
        self._revision = keyspace.revision
        self._feeds: dict[Interest, Feed] = {}
        self._early: list[Watcher] = []
        """Those that start at a revision which has not happened yet."""
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def open(self, delivery: Delivery, request: Watch) -> None:
        """Begin to serve a watch; fails it with Compacted when it starts too far back."""
        keyspace = self._keyspace
        start = request.start_revision or keyspace.revision + 1
        if start < keyspace.compact_revision:
            delivery.fail(Compacted(keyspace.compact_revision))
            return
        if self._count >= self._watchers_max:
            delivery.fail(Overloaded("too many watches"))
            return
        interest = Interest.of(request)
        feed = self._feeds.get(interest)
        if feed is None:
            feed = self._feeds[interest] = Feed(interest, [])
        watcher = Watcher(delivery, delivery.open(), feed, request.progress_notify, start, True)
        feed.watchers.append(watcher)
        self._count += 1
        self._spawn(self._establish, watcher)

    def publish(self) -> None:
        """Send what was committed since the last time to everybody who is up to date."""
        keyspace = self._keyspace
        first, last = self._revision + 1, keyspace.revision
        if first > last:
            return
        self._revision = last
        if not self._feeds:
            return
        if self._early:
            self._wake_early(last)
        events = [
            event for revision in range(first, last + 1) for event in keyspace.changes(revision)
        ]
        for feed in list(self._feeds.values()):
            found = feed.interest.choose(events)
            if found:
                self._send(feed, Watched(last, tuple(found)), first)

    def restart(self, keyspace: Keyspace) -> None:
        """Go on from another state, newer than the last: a snapshot was installed."""
        first = self._revision + 1
        self._keyspace = keyspace
        self._revision = keyspace.revision
        self._wake_early(keyspace.revision)
        for feed in self._feeds.values():
            for watcher in feed.watchers:
                if not watcher.behind:
                    self._fall_behind(watcher, first)

    def progress(self) -> None:
        """Tell those who asked for it how far they are, and let go of those who left."""
        for feed in list(self._feeds.values()):
            for watcher in list(feed.watchers):
                if watcher.delivery.cancelled:
                    self._remove(watcher)
            asking = [one for one in feed.watchers if one.progress and not one.behind]
            self._tell(asking, Watched(self._revision))

    def _send(self, feed: Feed, watched: Watched, first: int) -> None:
        for watcher in list(feed.watchers):
            if watcher.behind:
                continue
            try:
                watcher.writer.send_nowait(watched)
            except anyio.WouldBlock:
                self._fall_behind(watcher, first)
            except anyio.BrokenResourceError:
                self._remove(watcher)

    def _tell(self, watchers: list[Watcher], watched: Watched) -> None:
        for watcher in watchers:
            try:
                watcher.writer.send_nowait(watched)
            except anyio.WouldBlock:
                continue
            except anyio.BrokenResourceError:
                self._remove(watcher)

    def _wake_early(self, last: int) -> None:
        due = [watcher for watcher in self._early if watcher.next_revision <= last + 1]
        self._early = [watcher for watcher in self._early if watcher.next_revision > last + 1]
        for watcher in due:
            self._spawn(self._catch_up, watcher)

    def _fall_behind(self, watcher: Watcher, next_revision: int) -> None:
        watcher.behind = True
        watcher.next_revision = max(next_revision, watcher.next_revision)
        self._spawn(self._catch_up, watcher)

    async def _establish(self, watcher: Watcher) -> None:
        established = min(watcher.next_revision - 1, self._keyspace.revision)
        try:
            await watcher.writer.send(Watched(established))
        except anyio.BrokenResourceError:
            self._remove(watcher)
            return
        await self._catch_up(watcher)

    async def _catch_up(self, watcher: Watcher) -> None:
        """Send what it has missed, as fast as its reader reads, until it is up to date."""
        try:
            while watcher.next_revision <= self._keyspace.revision:
                compact_revision = self._keyspace.compact_revision
                if watcher.next_revision < compact_revision:
                    watcher.writer.close(Compacted(compact_revision))
                    self._remove(watcher)
                    return
                watched = self._collect(watcher)
                if watched.events:
                    await watcher.writer.send(watched)
                else:
                    await anyio.lowlevel.checkpoint()
                watcher.next_revision = watched.revision + 1
        except anyio.BrokenResourceError:
            self._remove(watcher)
            return
        if watcher.next_revision > self._keyspace.revision + 1:
            self._early.append(watcher)
        else:
            watcher.behind = False

    def _collect(self, watcher: Watcher) -> Watched:
        keyspace = self._keyspace
        first = watcher.next_revision
        found: list[Event] = []
        revision = first - 1
        for revision in range(first, min(keyspace.revision, first + CHUNK_REVISIONS) + 1):
            found += watcher.feed.interest.choose(keyspace.changes(revision))
            if len(found) >= CHUNK_EVENTS:
                break
        return Watched(revision, tuple(found))

    def _remove(self, watcher: Watcher) -> None:
        feed = watcher.feed
        if watcher in feed.watchers:
            feed.watchers.remove(watcher)
            self._count -= 1
            if watcher in self._early:
                self._early.remove(watcher)
            if not feed.watchers and self._feeds.get(feed.interest) is feed:
                del self._feeds[feed.interest]
