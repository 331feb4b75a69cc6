"""Serves many watches on one stream, as etcd's Watch RPC does.

Each session has at most one task that sends, and only while there is something that cannot be
sent at once: the state of a watch (created, cancelled), a watch that is behind, or a request for
progress. While that task runs, news of the session's other watches wait for it too, as revisions,
so everything arrives in order. A slow reader delays the watches of its own session, nobody else's.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import anyio
from attrs import define, field

from kube_actors.actor import ActorError, Address, Delivery, Overloaded
from kube_actors.store.messages import (
    SESSION_WATCH,
    Event,
    InvalidRequest,
    SessionCancel,
    SessionItem,
    SessionKind,
    SessionNotFound,
    SessionOpen,
    SessionOpened,
    SessionProgress,
    SharedItem,
    Watched,
    WatchSession,
)
from kube_actors.store.state import check_watch
from kube_actors.store.watch.feeds import Feed, Feeds, Interest, size_of_event

SessionRequest = WatchSession | SessionOpen | SessionCancel | SessionProgress

OVERTAKEN = "mvcc: required revision has been compacted"
DUPLICATE = "mvcc: duplicate watch ID provided on the WatchStream"


@define(eq=False)
class SessionWatcher:
    """One watch of a session; see ``feeds.Watcher``."""

    session: "Session"
    watch_id: int
    feed: Feed
    progress: bool
    fragment: bool
    next_revision: int
    behind: bool = True
    left: bool = False

    @property
    def gone(self) -> bool:
        """Say whether this watch was cancelled or its session ended."""
        return self.left

    def send_nowait(self, watched: Watched) -> None:
        """Hand news to the session, which sends it with that of its other watches."""
        self.session.send_nowait(self, watched)

    def catch_up(self) -> None:
        """Have the session's one sending task collect what was missed."""
        self.session.catch_up(self)


class Session:
    """One stream and its watches by id."""

    def __init__(
        self, delivery: Delivery, feeds: Feeds, spawn: Callable[..., Any], item_bytes_max: int
    ) -> None:
        self.delivery = delivery
        self.watchers: dict[int, SessionWatcher] = {}
        self.controls: deque[SessionItem] = deque()
        self._writer = delivery.open()
        self._feeds = feeds
        self._spawn = spawn
        self._item_bytes_max = item_bytes_max
        self._behind: deque[SessionWatcher] = deque()
        self._gathered: dict[bool, Gathered] = {}
        self._progress_wanted = True
        self._sending = False
        self._chosen = 0
        self._wake()

    # -- what is asked of it

    def open(self, request: SessionOpen) -> int:
        """Add a watch; return its id. Raises InvalidRequest."""
        check_watch(request.watch)
        watch_id = request.watch_id
        if watch_id in (0, SESSION_WATCH):
            while self._chosen in self.watchers:
                self._chosen += 1
            watch_id = self._chosen
            self._chosen += 1
        elif watch_id in self.watchers:
            raise InvalidRequest(DUPLICATE)
        feeds, watch = self._feeds, request.watch
        revision = feeds.keyspace.revision
        feed = feeds.feed_for(Interest.of(watch))
        start = watch.start_revision or revision + 1
        watcher = SessionWatcher(
            self, watch_id, feed, watch.progress_notify, request.fragment, start
        )
        self.watchers[watch_id] = watcher
        feeds.join(watcher)
        self.controls.append(SessionItem(watch_id, SessionKind.CREATED, revision))
        self.catch_up(watcher)
        return watch_id

    def cancel(self, watch_id: int) -> None:
        """End a watch at its reader's wish. Raises InvalidRequest if there is none."""
        watcher = self.watchers.get(watch_id)
        if watcher is None:
            raise InvalidRequest(f"the session has no watch {watch_id}")
        self._drop(watcher)
        revision = self._feeds.revision
        self.controls.append(SessionItem(watch_id, SessionKind.CANCELED, revision))
        self._wake()

    def ask_progress(self) -> None:
        """Send a PROGRESS item for the whole session once no watch is behind."""
        self._progress_wanted = True
        self._wake()

    def end(self) -> None:
        """Let go of everything: the reader left."""
        for watcher in list(self.watchers.values()):
            self._drop(watcher)
        self.controls.clear()
        self._behind.clear()

    def _drop(self, watcher: SessionWatcher) -> None:
        watcher.left = True
        self._feeds.leave(watcher)
        del self.watchers[watcher.watch_id]

    # -- what it sends

    def send_nowait(self, watcher: SessionWatcher, watched: Watched) -> None:
        """Gather news for watches that are up to date, unless something has to go before."""
        gathered = self._gathered.get(watcher.fragment)
        if gathered is None:
            if self._sending:
                raise anyio.WouldBlock
            parts = self._parts(watched, watcher.fragment)
            under_way = sum(len(one.parts) for one in self._gathered.values())
            if under_way + len(parts) > self._writer.credit:
                # Without a reader there is no credit; the task that waits for some finds out.
                raise anyio.WouldBlock
            if not self._gathered:
                self._feeds.told(self._send_gathered)
            gathered = self._gathered[watcher.fragment] = Gathered(watched, parts)
        gathered.watch_ids.append(watcher.watch_id)

    def _send_gathered(self) -> None:
        gathered, self._gathered = self._gathered, {}
        try:
            for one in gathered.values():
                for item in _items(one.watch_ids, one.watched.revision, one.parts):
                    self._writer.send_nowait(item)
        except anyio.BrokenResourceError:
            self.end()

    def catch_up(self, watcher: SessionWatcher) -> None:
        """Queue a watch that is behind; those that are take turns."""
        self._behind.append(watcher)
        self._wake()

    def _wake(self) -> None:
        if not self._sending:
            self._sending = True
            self._spawn(self._send)

    async def _send(self) -> None:
        """Send until there is nothing left that could not be sent at once."""
        try:
            while (items := self._next()) is not None:
                for item in items:
                    await self._writer.send(item)
                if not items:
                    await anyio.lowlevel.checkpoint()
        except anyio.BrokenResourceError:
            self.end()
        finally:
            self._sending = False

    def _next(self) -> Sequence[SessionItem | SharedItem] | None:
        """Choose what goes next: states first, then those behind by turns, progress at last."""
        if self.controls:
            return [self.controls.popleft()]
        feeds = self._feeds
        while self._behind:
            watcher = self._behind.popleft()
            if watcher.left:
                continue
            if feeds.caught_up(watcher):
                feeds.settle(watcher)
                continue
            if feeds.overtaken(watcher):
                return [self._overtaken(watcher)]
            together = [watcher, *self._alike(watcher)]
            watched = feeds.collect(watcher)
            for one in together:
                one.next_revision = watcher.next_revision
            self._behind.extend(together)
            if not watched.events:
                return []
            watch_ids = [one.watch_id for one in together]
            return _items(watch_ids, watched.revision, self._parts(watched, watcher.fragment))
        if self._progress_wanted:
            self._progress_wanted = False
            return [SessionItem(SESSION_WATCH, SessionKind.PROGRESS, feeds.revision)]
        return None

    def _overtaken(self, watcher: SessionWatcher) -> SessionItem:
        self._drop(watcher)
        return SessionItem(
            watcher.watch_id,
            SessionKind.CANCELED,
            self._feeds.revision,
            compact_revision=self._feeds.keyspace.compact_revision,
            text=OVERTAKEN,
        )

    def _alike(self, watcher: SessionWatcher) -> Iterator[SessionWatcher]:
        """Remove and yield the next ones in turn as long as they have missed the same."""
        behind = self._behind
        while behind:
            other = behind[0]
            if not other.left:
                if other.feed is not watcher.feed or other.fragment != watcher.fragment:
                    return
                if other.next_revision != watcher.next_revision:
                    return
                yield other
            behind.popleft()

    def _parts(self, watched: Watched, fragment: bool) -> list[tuple[Event, ...]]:
        return self._split(watched.events) if fragment else [watched.events]

    def _split(self, events: tuple[Event, ...]) -> list[tuple[Event, ...]]:
        parts: list[tuple[Event, ...]] = []
        part: list[Event] = []
        size = 0
        for event in events:
            more = size_of_event(event)
            if part and size + more > self._item_bytes_max:
                parts.append(tuple(part))
                part, size = [], 0
            part.append(event)
            size += more
        parts.append(tuple(part))
        return parts


@define(eq=False)
class Gathered:
    """News of one feed in the pieces in which they go, and the watches they go to."""

    watched: Watched
    parts: list[tuple[Event, ...]]
    watch_ids: list[int] = field(factory=list)


def _items(
    watch_ids: Sequence[int], revision: int, parts: Sequence[tuple[Event, ...]]
) -> list[SessionItem | SharedItem]:
    """Make an item of what these watches see, or several fragments."""
    items: list[SessionItem | SharedItem] = []
    last = len(parts) - 1
    for place, events in enumerate(parts):
        kind = SessionKind.EVENTS if events else SessionKind.PROGRESS
        item = SessionItem(watch_ids[0], kind, revision, events, fragment=place < last)
        items.append(item if len(watch_ids) == 1 else SharedItem(tuple(watch_ids), item))
    return items


class WatchSessions:
    """The sessions of one member, by who opened them and the number they have there."""

    def __init__(
        self, feeds: Feeds, spawn: Callable[..., Any], watchers_max: int, item_bytes_max: int
    ) -> None:
        self._feeds = feeds
        self._spawn = spawn
        self._watchers_max = watchers_max
        self._item_bytes_max = item_bytes_max
        self._sessions: dict[tuple[Address, int], Session] = {}

    def __len__(self) -> int:
        return len(self._sessions)

    def accept(self, delivery: Delivery, request: SessionRequest) -> None:
        """Open a session, or do what is asked of one."""
        try:
            if isinstance(request, WatchSession):
                self._open(delivery, request.session)
                return
            session = self._sessions.get((delivery.source, request.session))
            if session is None or session.delivery.cancelled:
                raise SessionNotFound(request.session)
            delivery.reply(SessionOpened(self._ask(session, request)))
        except ActorError as error:
            delivery.fail(error)

    def sweep(self) -> None:
        """Let go of sessions whose reader left."""
        for name, session in list(self._sessions.items()):
            if session.delivery.cancelled:
                session.end()
                del self._sessions[name]

    def _open(self, delivery: Delivery, number: int) -> None:
        name = (delivery.source, number)
        old = self._sessions.get(name)
        if old is not None:
            if not old.delivery.cancelled:
                raise InvalidRequest(f"session {number} is in use")
            old.end()
        elif len(self._sessions) >= self._watchers_max:
            raise Overloaded("too many watch sessions")
        if delivery.expects != "stream":
            # Opening it tells the caller so.
            delivery.open()
            return
        self._sessions[name] = Session(delivery, self._feeds, self._spawn, self._item_bytes_max)

    def _ask(self, session: Session, request: SessionOpen | SessionCancel | SessionProgress) -> int:
        if isinstance(request, SessionProgress):
            session.ask_progress()
            return SESSION_WATCH
        # Who opens and cancels without reading must not fill the memory.
        if len(session.controls) >= self._watchers_max:
            raise Overloaded("the session's reader is too slow")
        if isinstance(request, SessionCancel):
            session.cancel(request.watch_id)
            return request.watch_id
        if self._feeds.count >= self._watchers_max:
            raise Overloaded("too many watches")
        return session.open(request)
