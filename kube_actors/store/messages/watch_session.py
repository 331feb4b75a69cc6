"""Many watches on one stream: the messages of a watch session, as etcd's Watch RPC has them.

An actor opens ``WatchSession`` with ``actor.stream`` at one member and then calls that member,
under the same session number, to open and cancel watches. Everything about every watch comes on
the one stream, in order: CREATED, then EVENTS, at last CANCELED, after which its id is free again.
"""

from enum import StrEnum

from kube_actors.actor import ActorError, message
from kube_actors.store.messages.keys import Event, Watch

SESSION_WATCH = -1
"""The ``watch_id`` of items that concern the whole session."""


class SessionKind(StrEnum):
    """What an item of a session says; see ``SessionItem``."""

    CREATED = "created"
    EVENTS = "events"
    PROGRESS = "progress"
    CANCELED = "canceled"


@message("store.watch_session")
class WatchSession:
    """Open a session; ``session`` is a number the opening actor has not in use.

    The first item is a PROGRESS of watch -1: the session is there and can be called about. The
    stream ends with an error when the member goes away; all its watches end with it. What comes
    are ``SessionItem`` and ``SharedItem``; ``open_session`` gives only the former.
    """

    session: int


@message("store.session_item")
class SessionItem:
    """One thing that happened to a watch.

    CREATED: the watch is established; ``revision`` is the member's, as in etcd's header.
    EVENTS: ``events`` of whole revisions in order; everything up to ``revision`` has been shown
    once an item without ``fragment`` has come. With ``fragment`` the next EVENTS item of the same
    watch belongs to the same batch, and may go on within one revision.
    PROGRESS: everything up to ``revision`` has been shown, to every watch if ``watch_id`` is -1.
    CANCELED: nothing more comes under this id. ``compact_revision`` above 0: what it had still to
    show is forgotten, list again. ``text`` says why; "" if it was asked for.
    """

    watch_id: int
    kind: SessionKind
    revision: int
    events: tuple[Event, ...] = ()
    fragment: bool = False
    compact_revision: int = 0
    text: str = ""


@message("store.shared_item")
class SharedItem:
    """The same item for several watches, which are told of it in this order: EVENTS or PROGRESS.

    Watches of one session that ask for the same things see the same events: those cross once,
    however many watches there are. ``item.watch_id`` is the first of ``watch_ids``.
    """

    watch_ids: tuple[int, ...]
    item: SessionItem

    def items(self) -> list[SessionItem]:
        """Return an item for each watch; they share the events."""
        one = self.item
        kind, revision, events, fragment = one.kind, one.revision, one.events, one.fragment
        return [
            SessionItem(watch_id, kind, revision, events, fragment) for watch_id in self.watch_ids
        ]


@message("store.session_open")
class SessionOpen:
    """Add a watch to a session; answered by ``SessionOpened``. Called, never streamed.

    ``watch_id`` 0 or -1 lets the member choose: it counts up from 0, passing over those in use.
    ``fragment`` allows to split large batches. A start before the compaction is no error
    here: the watch is CREATED and then CANCELED. Raises SessionNotFound; InvalidRequest if the id
    is in use or the watch can never be served; Overloaded when the member has too many watches.
    """

    session: int
    watch_id: int
    watch: Watch
    fragment: bool = False


@message("store.session_opened")
class SessionOpened:
    """The request is noted; ``watch_id`` is the watch it concerns, -1 for the whole session."""

    watch_id: int


@message("store.session_cancel")
class SessionCancel:
    """End one watch: its CANCELED item follows. Answered by ``SessionOpened`` with its id.

    Raises SessionNotFound, or InvalidRequest if the session has no such watch.
    """

    session: int
    watch_id: int


@message("store.session_progress")
class SessionProgress:
    """Ask for a PROGRESS item of watch -1, sent once every watch has had all up to a revision.

    That revision is at least the member's own when asked. Answered by ``SessionOpened`` with -1
    as soon as it is noted; requests not yet served are served together. Raises SessionNotFound.
    """

    session: int


@message("store.session_not_found")
class SessionNotFound(ActorError):
    """This member has no such session of the caller: it ended, or the member was restarted."""

    session: int
