"""A watch judged event by event against the store's history: nothing skipped, repeated or swapped.

Pure. A watch may run ahead of what the members have told so far, so events wait here until the
history has reached them.
"""

from collections import deque

from kube_actors.simulation.cluster.history import Change, History
from kube_actors.simulation.cluster.promises import Breaches


class WatchJudge:
    """One client's view of one resource, over all its watches; ``revision`` is where it is."""

    def __init__(self, name: str, resource: str, history: History, breaches: Breaches) -> None:
        self.name = name
        self.resource = resource
        self.revision = 0
        self._history = history
        self._breaches = breaches
        self._cursor = 0
        self._from = 0
        self._waiting: deque[tuple[int, str]] = deque()

    def listed(self, revision: int) -> None:
        """The client starts from a list: everything up to ``revision`` is in it."""
        self.settle()
        self._waiting.clear()
        self.revision = revision
        self._from = revision

    def saw(self, revision: int, key: str) -> None:
        """An event came; an empty ``key`` is a bookmark."""
        if revision < self.revision:
            self._breach(f"{key or 'a bookmark'} at revision {revision} after {self.revision}")
        self.revision = max(revision, self.revision)
        self._waiting.append((revision, key))

    def _start(self, revision: int) -> None:
        changes = self._changes
        self._cursor = 0
        while self._cursor < len(changes) and changes[self._cursor].revision <= revision:
            self._cursor += 1

    @property
    def _changes(self) -> list[Change]:
        return self._history.by_resource.get(self.resource, [])

    def settle(self) -> None:
        """Judge whatever the history has reached."""
        if self._history.revision < self._from:
            return
        if self._from:
            self._start(self._from)
            self._from = 0
        waiting, changes = self._waiting, self._changes
        while waiting and waiting[0][0] <= self._history.revision:
            revision, key = waiting.popleft()
            expected = changes[self._cursor] if self._cursor < len(changes) else None
            if not key:
                if expected is not None and expected.revision <= revision:
                    self._breach(f"a bookmark at {revision} skips {_named(expected)}")
                    self._start(revision)
            elif expected is None or (expected.revision, expected.key) != (revision, key):
                there = _named(expected) if expected else "nothing more"
                self._breach(f"{key} at revision {revision} where the history has {there}")
                self._start(revision)
            else:
                self._cursor += 1

    def missing(self) -> Change | None:
        """Return the first change that has not come yet."""
        self.settle()
        changes = self._changes
        return changes[self._cursor] if self._cursor < len(changes) else None

    def _breach(self, text: str) -> None:
        self._breaches.found("watch-complete", f"{self.name}: {text}", lane=self.name)


def _named(change: Change) -> str:
    return f"{change.key} at revision {change.revision}"
