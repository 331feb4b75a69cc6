"""One committed change of one object, encoded at most once per form and shared by watchers."""

from collections.abc import Callable

import attrs
import orjson

from kube_actors.actor import Blob
from kube_actors.apiserver.cache.entry import Entry
from kube_actors.apiserver.objects import splice
from kube_actors.client import WatchEvent

ADDED, MODIFIED, DELETED, BOOKMARK, ERROR = "ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"
INITIAL_EVENTS_END = "k8s.io/initial-events-end"


@attrs.frozen
class Form:
    """How a watcher wants objects: ``encode`` makes JSON of a value at a revision.

    Two forms of one ``name`` encode alike, so their bytes are shared. ``bookmark`` does the same
    for a bookmark where that is different.
    """

    name: str
    encode: Callable[[bytes, int], bytes]
    bookmark: Callable[[bytes, int], bytes] | None = None


SERVED = Form("", splice)
STORED = Form("stored", lambda value, _: value, splice)
"""The store's own bytes, by reference, for who knows their revision from the event."""


class Change:
    """``before`` is None for a creation, ``after`` for a deletion; never both."""

    __slots__ = ("_memo", "after", "before", "revision")

    def __init__(self, revision: int, before: Entry | None, after: Entry | None) -> None:
        self.revision = revision
        self.before = before
        self.after = after
        self._memo: dict[tuple[str, str], WatchEvent] | None = None

    @property
    def subject(self) -> Entry:
        """The object that changed: as it is now, or as it was last."""
        subject = self.after or self.before
        assert subject is not None
        return subject

    def event(self, kind: str, form: Form) -> WatchEvent:
        """Return the event to deliver; a DELETED one shows the last state, newly numbered."""
        key = (kind, form.name)
        if self._memo is None:
            self._memo = {}
        event = self._memo.get(key)
        if event is None:
            entry = self.before if kind == DELETED else self.after
            assert entry is not None
            body = form.encode(entry.value, self.revision)
            event = self._memo[key] = WatchEvent(kind, Blob(body), self.revision)
        return event

    def forget(self) -> None:
        """Drop the encoded bytes; they are made again if somebody still asks."""
        self._memo = None


@attrs.frozen
class Bookmark:
    """Everything up to ``revision`` was delivered; ``initial`` ends the initial events."""

    api_version: str
    kind: str
    revision: int
    initial: bool = False

    def event(self, kind: str, form: Form) -> WatchEvent:
        """Encode a BOOKMARK: a resourceVersion alone, and whether it ends the initial events."""
        metadata: dict[str, object] = {}
        if self.initial:
            metadata["annotations"] = {INITIAL_EVENTS_END: "true"}
        metadata["creationTimestamp"] = None
        value = orjson.dumps(
            {"apiVersion": self.api_version, "kind": self.kind, "metadata": metadata}
        )
        encode = form.bookmark or form.encode
        return WatchEvent(kind, Blob(encode(value, self.revision)), self.revision)
