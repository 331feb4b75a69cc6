"""Serves watches from a member's change log: each on a stream of its own, or many on one.

A watcher whose reader is slow catches up in a task of its own and delays nobody. It buffers
nothing: its place is a revision. Only when compaction overtakes it does it end, with
``Compacted``.
"""

from collections.abc import Callable
from typing import Any

import anyio
from attrs import define

from kube_actors.actor import Delivery, Overloaded, StreamWriter
from kube_actors.store.messages import Compacted, Watch, Watched
from kube_actors.store.state import Keyspace
from kube_actors.store.watch.feeds import Feed, Feeds, Interest
from kube_actors.store.watch.sessions import WatchSessions


@define(eq=False)
class OwnStream:
    """A watcher on a stream of its own; see ``feeds.Watcher``."""

    delivery: Delivery
    writer: StreamWriter
    feed: Feed
    progress: bool
    next_revision: int
    behind: bool
    watches: "Watches"

    @property
    def gone(self) -> bool:
        """Say whether the reader has closed the stream."""
        return self.delivery.cancelled

    def send_nowait(self, watched: Watched) -> None:
        """Send on the watch's own stream. Raises WouldBlock without credit."""
        self.writer.send_nowait(watched)

    def catch_up(self) -> None:
        """Collect what was missed in a task of its own."""
        self.watches.spawn(self.watches.catch_up, self)


class Watches:
    """All watchers of one member. ``spawn`` starts a task that belongs to the member.

    ``item_bytes_max``: about how much catching up sends at a time, and where a session splits
    a batch into fragments.
    """

    def __init__(
        self,
        keyspace: Keyspace,
        spawn: Callable[..., Any],
        watchers_max: int,
        item_bytes_max: int = 1_572_864,
    ) -> None:
        self.spawn = spawn
        self._feeds = Feeds(keyspace, item_bytes_max)
        self._watchers_max = watchers_max
        self.sessions = WatchSessions(self._feeds, spawn, watchers_max, item_bytes_max)

    def __len__(self) -> int:
        return self._feeds.count

    def open(self, delivery: Delivery, request: Watch) -> None:
        """Begin to serve a watch; fails it with Compacted when it starts too far back."""
        feeds, keyspace = self._feeds, self._feeds.keyspace
        start = request.start_revision or keyspace.revision + 1
        if start < keyspace.compact_revision:
            delivery.fail(Compacted(keyspace.compact_revision))
            return
        if feeds.count >= self._watchers_max:
            delivery.fail(Overloaded("too many watches"))
            return
        feed = feeds.feed_for(Interest.of(request))
        writer = delivery.open()
        watcher = OwnStream(delivery, writer, feed, request.progress_notify, start, True, self)
        feeds.join(watcher)
        self.spawn(self._establish, watcher)

    def publish(self) -> None:
        """Send what was committed since the last time to everybody who is up to date."""
        self._feeds.publish()

    def restart(self, keyspace: Keyspace) -> None:
        """Go on from another state, newer than the last: a snapshot was installed."""
        self._feeds.restart(keyspace)

    def progress(self) -> None:
        """Tell those who asked for it how far they are, and let go of those who left."""
        self._feeds.progress()
        self.sessions.sweep()

    async def _establish(self, watcher: OwnStream) -> None:
        established = min(watcher.next_revision - 1, self._feeds.keyspace.revision)
        try:
            await watcher.writer.send(Watched(established))
        except anyio.BrokenResourceError:
            self._feeds.leave(watcher)
            return
        await self.catch_up(watcher)

    async def catch_up(self, watcher: OwnStream) -> None:
        """Send what it has missed, as fast as its reader reads, until it is up to date."""
        feeds = self._feeds
        try:
            while not feeds.caught_up(watcher):
                if feeds.overtaken(watcher):
                    watcher.writer.close(Compacted(feeds.keyspace.compact_revision))
                    feeds.leave(watcher)
                    return
                watched = feeds.collect(watcher)
                if watched.events:
                    await watcher.writer.send(watched)
                else:
                    await anyio.lowlevel.checkpoint()
        except anyio.BrokenResourceError:
            feeds.leave(watcher)
            return
        feeds.settle(watcher)
