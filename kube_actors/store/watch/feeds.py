"""What watchers see of the change log: in order, each revision whole, each event once.

Watchers that ask for the same things share one feed: its events are chosen once and the message
is made once. A watcher that is up to date is sent news without waiting; one whose reader is slow,
or that starts in the past, is ``behind``: its place is a revision, nothing is kept for it, and it
collects from the change log at its reader's pace. How a watcher sends is its own affair: on a
stream of its own (``watches.py``) or on one it shares (``sessions.py``).
"""

from collections.abc import Callable, Iterable
from typing import Protocol

import anyio
from attrs import define, frozen

from kube_actors.store.messages import Event, EventType, Watch, Watched
from kube_actors.store.state import Keyspace

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
        """Return what a request asks to see; where it starts is no part of it."""
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


class Watcher(Protocol):
    """``next_revision`` is the first one it has not been sent; kept only while ``behind``."""

    feed: "Feed"
    progress: bool
    next_revision: int
    behind: bool

    @property
    def gone(self) -> bool:
        """Say whether its reader has left."""

    def send_nowait(self, watched: Watched) -> None:
        """Send news; WouldBlock if it cannot now, BrokenResourceError if its reader left.

        It may be gathered with that of others and sent by what ``Feeds.told`` is given.
        """

    def catch_up(self) -> None:
        """Begin to collect from ``next_revision`` on; called when it has fallen behind."""


@define(eq=False)
class Feed:
    """All watchers of one interest."""

    interest: Interest
    watchers: list[Watcher]


def size_of_event(event: Event) -> int:
    """Estimate the bytes of an event on the wire."""
    size = 64 + len(event.kv.key) + len(event.kv.value)
    if event.prev_kv is not None:
        size += 32 + len(event.prev_kv.key) + len(event.prev_kv.value)
    return size


class Feeds:
    """All watchers of one member, by what they want to see."""

    def __init__(self, keyspace: Keyspace, chunk_bytes: int) -> None:
        self.keyspace = keyspace
        self.revision = keyspace.revision
        self.count = 0
        self._chunk_bytes = chunk_bytes
        self._feeds: dict[Interest, Feed] = {}
        self._early: list[Watcher] = []
        """Those that start at a revision which has not happened yet."""
        self._told: list[Callable[[], None]] = []

    def feed_for(self, interest: Interest) -> Feed:
        """Return the feed of an interest; it exists while it has watchers."""
        feed = self._feeds.get(interest)
        if feed is None:
            feed = self._feeds[interest] = Feed(interest, [])
        return feed

    def join(self, watcher: Watcher) -> None:
        """Serve a watcher that is behind; it says itself when it no longer is (``settle``)."""
        watcher.feed.watchers.append(watcher)
        self.count += 1

    def leave(self, watcher: Watcher) -> None:
        """Forget a watcher; no-op if that was done."""
        feed = watcher.feed
        if watcher in feed.watchers:
            feed.watchers.remove(watcher)
            self.count -= 1
            if watcher in self._early:
                self._early.remove(watcher)
            if not feed.watchers and self._feeds.get(feed.interest) is feed:
                del self._feeds[feed.interest]

    # -- the present

    def publish(self) -> None:
        """Send what was committed since the last time to everybody who is up to date."""
        keyspace = self.keyspace
        first, last = self.revision + 1, keyspace.revision
        if first > last:
            return
        self.revision = last
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

    def told(self, send: Callable[[], None]) -> None:
        """Have ``send`` called when all watchers of a feed were told the same news."""
        self._told.append(send)

    def progress(self) -> None:
        """Tell those who asked for it how far they are, and let go of those who left."""
        for feed in list(self._feeds.values()):
            for watcher in list(feed.watchers):
                if watcher.gone:
                    self.leave(watcher)
            watched = Watched(self.revision)
            for watcher in [one for one in feed.watchers if one.progress and not one.behind]:
                try:
                    watcher.send_nowait(watched)
                except anyio.WouldBlock:
                    continue
                except anyio.BrokenResourceError:
                    self.leave(watcher)
            self._send_gathered()

    def restart(self, keyspace: Keyspace) -> None:
        """Go on from another state, newer than the last: a snapshot was installed."""
        first = self.revision + 1
        self.keyspace = keyspace
        self.revision = keyspace.revision
        self._wake_early(keyspace.revision)
        for feed in list(self._feeds.values()):
            for watcher in list(feed.watchers):
                if not watcher.behind:
                    self._fall_behind(watcher, first)

    def _send(self, feed: Feed, watched: Watched, first: int) -> None:
        for watcher in list(feed.watchers):
            if watcher.behind:
                continue
            try:
                watcher.send_nowait(watched)
            except anyio.WouldBlock:
                self._fall_behind(watcher, first)
            except anyio.BrokenResourceError:
                self.leave(watcher)
        self._send_gathered()

    def _send_gathered(self) -> None:
        told, self._told = self._told, []
        for send in told:
            send()

    def _wake_early(self, last: int) -> None:
        due = [watcher for watcher in self._early if watcher.next_revision <= last + 1]
        self._early = [watcher for watcher in self._early if watcher.next_revision > last + 1]
        for watcher in due:
            watcher.catch_up()

    def _fall_behind(self, watcher: Watcher, next_revision: int) -> None:
        watcher.behind = True
        watcher.next_revision = max(next_revision, watcher.next_revision)
        watcher.catch_up()

    # -- the past

    def overtaken(self, watcher: Watcher) -> bool:
        """Say whether compaction has forgotten what a watcher that is behind has yet to see."""
        return watcher.next_revision < self.keyspace.compact_revision

    def collect(self, watcher: Watcher) -> Watched:
        """Return the next part of what a watcher that is behind has missed, and count it as sent.

        It is bounded in events, bytes and revisions visited, but a revision is never cut.
        """
        keyspace, interest = self.keyspace, watcher.feed.interest
        first = watcher.next_revision
        found: list[Event] = []
        size = 0
        revision = first - 1
        for revision in range(first, min(keyspace.revision, first + CHUNK_REVISIONS) + 1):
            chosen = interest.choose(keyspace.changes(revision))
            if chosen:
                found += chosen
                size += sum(map(size_of_event, chosen))
                if len(found) >= CHUNK_EVENTS or size >= self._chunk_bytes:
                    break
        watcher.next_revision = revision + 1
        return Watched(revision, tuple(found))

    def caught_up(self, watcher: Watcher) -> bool:
        """Say whether a watcher that is behind has collected everything there is."""
        return watcher.next_revision > self.keyspace.revision

    def settle(self, watcher: Watcher) -> None:
        """Take a watcher that has caught up among those who are up to date, or too early."""
        if watcher.next_revision > self.keyspace.revision + 1:
            self._early.append(watcher)
        else:
            watcher.behind = False
