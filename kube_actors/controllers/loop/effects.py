"""What a controller wants done, as data: the only thing a ``reconcile`` returns.

Effects are executed in order by ``execution.py`` through the client; what stands in one
``Together`` is sent concurrently. An effect names its object by kind, namespace and name and, where
it matters, by uid or resource version, so a deposed or stale controller is refused by the API
server instead of doing harm. ``Look`` and ``Survey`` ask a live question: their answers come back
in ``Round.answers`` and ``reconcile`` is asked again.
"""

from typing import Any, Literal

from attrs import field, frozen

from kube_actors.api import Object


@frozen
class Reference:
    """Which object is meant: the owner in an owner reference, or what an event is about."""

    api_version: str
    kind: str
    namespace: str
    name: str
    uid: str


@frozen
class Announce:
    """Events about ``regarding`` for each effect's outcome.

    ``{name}`` in ``done_message`` is the name of the object written, ``{error}`` in
    ``failed_message`` the server's message. An empty reason says nothing.
    """

    regarding: Reference
    done_reason: str = ""
    done_message: str = ""
    failed_reason: str = ""
    failed_message: str = ""


@frozen
class Create:
    """Create ``object``; one that already exists with the same controlling owner counts as done.

    ``exists_ok``: whatever stands there already counts as done too.
    """

    object: Object
    announce: Announce | None = None
    exists_ok: bool = False


@frozen
class Update:
    """Replace the whole object; its ``resourceVersion``, if any, guards it (409: asked again)."""

    object: Object
    subresource: str = ""


@frozen
class Patch:
    """Patch ``kind`` ``namespace/name``; put ``uid`` or ``resourceVersion`` into the body as guard.

    ``gone_ok``: an object that is no longer there counts as done.
    """

    kind: str
    namespace: str
    name: str
    body: Any
    type: Literal["merge", "json", "strategic"] = "merge"
    subresource: str = ""
    gone_ok: bool = False
    announce: Announce | None = None


@frozen
class Delete:
    """Delete if ``uid`` still is the object's; one already gone counts as done.

    ``propagation`` is Background, Foreground, Orphan or "" (the kind's default);
    ``grace_period_s`` None leaves it to the object.
    """

    kind: str
    namespace: str
    name: str
    uid: str = ""
    propagation: str = ""
    grace_period_s: int | None = None
    resource_version: str = ""
    announce: Announce | None = None


@frozen
class DeleteAll:
    """Delete every object of a kind in a namespace."""

    kind: str
    namespace: str


@frozen
class Together:
    """Execute all concurrently; ``slow_start`` sends 1, 2, 4 … and stops after a batch that failed.

    ``at_most`` bounds how many are under way at once.
    """

    effects: "tuple[Create | Patch | Delete, ...]"
    slow_start: bool = False
    at_most: int = 64


@frozen
class Emit:
    """Record an event."""

    regarding: Reference
    reason: str
    message: str
    type: Literal["Normal", "Warning"] = "Normal"


@frozen
class RequeueAfter:
    """Ask again for this key after ``delay_s``, whatever happens meanwhile."""

    delay_s: float = field()

    @delay_s.validator
    def _not_negative(self, _attribute: Any, value: float) -> None:
        assert value >= 0, f"delay_s is {value}"


@frozen
class Look:
    """Read one object from the API server, not from the view; the answer is it or None."""

    kind: str
    namespace: str
    name: str


@frozen
class Survey:
    """List every object of a kind in a namespace, live; the answer is a tuple of objects."""

    kind: str
    namespace: str


Question = Look | Survey
Effect = (
    Create | Update | Patch | Delete | DeleteAll | Together | Emit | RequeueAfter | Look | Survey
)


def reference_to(obj: Object) -> Reference:
    """Name an object that is kept whole."""
    meta = obj["metadata"]
    where = (meta.get("namespace", ""), meta["name"], meta["uid"])
    return Reference(obj["apiVersion"], obj["kind"], *where)
