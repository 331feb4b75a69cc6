"""Serves many watches on one stream, as etcd's Watch RPC does.

Each session has at most one task that sends, and only while there is something that cannot be
sent at once: the state of a watch (created, cancelled), a watch that is behind, or a request for
progress. While that task runs, news of the session's other watches wait for it too, as revisions,
so everything arrives in order. A slow reader delays the watches of its own session, nobody else's.
"""

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import anyio
from attrs import define

from kube_actors.actor import ActorError, Address, Delivery, Overloaded
from kube_actors.store.messages import Event, InvalidRequest, Watched
from kube_actors.store.validation import check_watch
from kube_actors.store.watch_feeds import Feed, Feeds, Interest, size_of_event
from kube_actors.store.watch_session_messages import (
    SESSION_WATCH,
    SessionCancel,
    SessionItem,
    SessionKind,
    SessionNotFound,
    SessionOpen,
    SessionOpened,
    SessionProgress,
    WatchSession,
)

SessionRequest = WatchSession | SessionOpen | SessionCancel | SessionProgress

OVERTAKEN = "mvcc: required revision has been compacted"
DUPLICATE = "mvcc: duplicate watch ID provided on the WatchStream"


@define(eq=False)
class SessionWatcher:
    """One watch of a session; see ``watch_feeds.Watcher``."""

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
        return self.left

    def send_nowait(self, watched: Watched) -> None:
        self.session.send_nowait(self, watched)

    def catch_up(self) -> None:
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
        """Send news of a watch that is up to date, unless something has to go before."""
        if self._sending:
            raise anyio.WouldBlock
        items = list(self._items(watcher, watched))
        if len(items) > max(1, self._writer.credit):
            raise anyio.WouldBlock
        for item in items:
            self._writer.send_nowait(item)

    def catch_up(self, watcher: SessionWatcher) -> None:
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

    def _next(self) -> list[SessionItem] | None:
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
            watched = feeds.collect(watcher)
            self._behind.append(watcher)
            return list(self._items(watcher, watched)) if watched.events else []
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

    def _items(self, watcher: SessionWatcher, watched: Watched) -> Iterator[SessionItem]:
        """Make an item of what a watch sees, or several fragments if it may be split."""
        watch_id, revision, events = watcher.watch_id, watched.revision, watched.events
        if not events:
            yield SessionItem(watch_id, SessionKind.PROGRESS, revision)
            return
        parts = self._split(events) if watcher.fragment else [events]
        for part in parts[:-1]:
            yield SessionItem(watch_id, SessionKind.EVENTS, revision, part, fragment=True)
        yield SessionItem(watch_id, SessionKind.EVENTS, revision, parts[-1])

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

    def take(self, delivery: Delivery, request: SessionRequest) -> None:
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
