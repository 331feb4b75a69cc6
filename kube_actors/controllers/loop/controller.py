"""What a controller is: a frozen description that one loop can serve.

A controller declares what it watches and how an event becomes keys, gathers one key's state from
its views, and decides purely. It never waits, reads no clock and draws no random number: the loop
(``loop.py``) does, and hands in a ``Round``. Adding a controller is one file with one
``Controller`` and one line in ``registry.py``.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar

from attrs import field, frozen

from kube_actors.api import Object
from kube_actors.controllers.loop.effects import Effect, Question

S = TypeVar("S")
Key = str


class View(Protocol):
    """What a controller sees: its projections of the kinds it watches, possibly a little old."""

    def get(self, kind: str, namespace: str, name: str) -> Any:
        """Give the projection, or None."""

    def indexed(self, kind: str, index: str, value: str) -> Sequence[Any]:
        """Give the projections under ``value``, in an order that depends on the events only."""

    def values(self, kind: str) -> Sequence[Any]:
        """Give every projection, in an order that depends on the events only."""

    def changed_at_s(self, kind: str, namespace: str, name: str) -> float | None:
        """Tell when this controller saw the last heartbeat or the deletion (``timed`` watches)."""

    def was_deleted(self, uid: str) -> bool:
        """Tell whether this controller saw the object with this uid go; uids never come back."""


@frozen
class Failure:
    """Why the last attempt at a key did not end well.

    ``verb`` is create, update, patch or delete; ``reason`` a Status reason or an actor error's
    name; ``attempts`` counts failures in a row, from 1.
    """

    verb: str
    kind: str
    name: str
    reason: str
    message: str
    attempts: int = 1


@frozen
class Round:
    """What a decision may depend on besides the state: time, the last failure, live answers."""

    now_s: float
    timestamp: str
    failure: Failure | None = None
    answers: Mapping[Question, Any] = field(factory=dict)

    def asked(self, question: Question) -> bool:
        """Tell whether a live question has its answer, which may be None."""
        return question in self.answers


@frozen
class Watch:
    """One watched kind: ``project`` keeps what the controller needs of an object.

    A projection has ``namespace``, ``name``, ``uid`` and ``resource_version`` (see ``records``).
    ``keys(view, old, new)`` maps an event to the keys it concerns (``old`` None: added, ``new``
    None: deleted). ``indexes`` name functions from a projection to the values it stands under.
    ``timed`` remembers when each object's ``heartbeat`` was last seen to change, or it went.
    """

    kind: str
    project: Callable[[Object], Any]
    keys: Callable[[View, Any, Any], Iterable[Key]]
    indexes: Mapping[str, Callable[[Any], Iterable[str]]] = field(factory=dict)
    namespace: str | None = None
    field_selector: str = ""
    timed: bool = False


@frozen
class Controller(Generic[S]):
    """One controller. ``gather`` gives None when there is nothing to decide about a key.

    ``interval_s``: a key is decided at most once in this time, so that a burst of events becomes
    one status write; the first event after quiet is served at once. ``idle_without`` names a
    watched kind: until the first such object is there, nothing else is watched.
    """

    name: str
    watches: tuple[Watch, ...]
    gather: Callable[[View, Key], S | None]
    reconcile: Callable[[S, Round], tuple[Effect, ...]]
    workers: int = 2
    interval_s: float = 0.0
    idle_without: str = ""


def own_key(_view: View, old: Any, new: Any) -> tuple[Key, ...]:
    """Map an object to the key ``namespace/name`` of itself."""
    record = new if new is not None else old
    return (key_of(record.namespace, record.name),)


def key_of(namespace: str, name: str) -> Key:
    """Give ``namespace/name``, or the bare name of what has no namespace."""
    return f"{namespace}/{name}" if namespace else name


def split_key(key: Key) -> tuple[str, str]:
    """Give (namespace, name); a bare name has namespace ""."""
    namespace, _, name = key.rpartition("/")
    return namespace, name
