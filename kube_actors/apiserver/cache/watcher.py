"""One watch on one resource: a bounded buffer between the cache and a door.

The cache offers changes without waiting. A watcher that lets its buffer fill up loses only
itself: it is closed after what it holds, and its client watches again from where it was.
"""

from collections.abc import Callable, Iterable, Iterator

from kube_actors.actor.loop import Parking, running_library
from kube_actors.apiserver.cache.change import (
    ADDED,
    BOOKMARK,
    DELETED,
    MODIFIED,
    Bookmark,
    Change,
    Form,
)
from kube_actors.apiserver.cache.selection import Selection
from kube_actors.client import WatchEvent

_BATCH_MAX = 256


class Watcher:
    """Read it with ``next_batch``; an empty batch means that the watch has ended."""

    def __init__(
        self,
        selection: Selection,
        form: Form,
        *,
        bookmarks: bool,
        buffer_max: int,
        leave: "Callable[[Watcher], None]",
    ) -> None:
        self.selection = selection
        self.form = form
        self.bookmarks = bookmarks
        self.closed = False
        self._all = selection.everything
        self._initial: Iterator[tuple[str, Change | Bookmark]] = iter(())
        self._starting = True
        self._buffer: list[tuple[str, Change | Bookmark]] = []
        self._buffer_max = buffer_max
        self._sleeper: Parking | None = None
        self._leave = leave

    def begin(self, initial: Iterable[tuple[str, Change | Bookmark]]) -> None:
        """Set what is to be read before any change that is offered later."""
        self._initial = iter(initial)

    def offer(self, change: Change) -> bool:
        """Take what concerns this watcher; returns whether it has something new."""
        if self.closed:
            return False
        kind = self.kind_of(change)
        if kind is None:
            return False
        return self._push(kind, change)

    def kind_of(self, change: Change) -> str | None:
        """Return what a change at a place it covers is to it, None if it is nothing."""
        before, after = change.before, change.after
        if self._all:
            if after is None:
                return DELETED
            return ADDED if before is None else MODIFIED
        was = before is not None and self.selection.matches(before)
        if after is not None and self.selection.matches(after):
            return MODIFIED if was else ADDED
        return DELETED if was else None

    def offer_bookmark(self, bookmark: Bookmark) -> bool:
        """Take a bookmark if this watch asked for them; returns whether it did."""
        return self.bookmarks and not self.closed and self._push(BOOKMARK, bookmark)

    def _push(self, kind: str, item: Change | Bookmark) -> bool:
        if len(self._buffer) >= self._buffer_max:
            self.end()
            return True
        self._buffer.append((kind, item))
        return True

    def wake(self) -> None:
        """Wake the reader, if it waits."""
        if self._sleeper is not None:
            self._sleeper.wake_all()

    def end(self) -> None:
        """Let the reader have what is buffered, then end the watch."""
        if not self.closed:
            self.closed = True
            self._leave(self)
            self.wake()

    async def next_batch(self) -> list[WatchEvent]:
        """Return the next events in order, [] when the watch has ended."""
        form = self.form
        if self._starting:
            batch = []
            for kind, item in self._initial:
                batch.append(item.event(kind, form))
                if len(batch) == _BATCH_MAX:
                    return batch
            self._starting = False
            if batch:
                return batch
        buffer = self._buffer
        while not buffer:
            if self.closed:
                return []
            if self._sleeper is None:
                self._sleeper = running_library().parking()
            await self._sleeper.wait()
        taken = buffer[:_BATCH_MAX]
        del buffer[:_BATCH_MAX]
        return [item.event(kind, form) for kind, item in taken]
