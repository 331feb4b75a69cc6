"""Keys, transactions and watches: what the store is asked about them and what it answers.

Names and meanings are those of etcd's KV and Watch APIs
(https://etcd.io/docs/v3.5/learning/api/). Keys are bytes; a ``range_end`` of ``b""`` means the
single key, ``b"\\0"`` means every key from ``key`` on, anything else is the exclusive end.
Values are ``Blob``: opaque, immutable and shared by reference within one process.
"""

from enum import StrEnum
from typing import NewType

from kube_actors.actor import ActorError, Blob, message

Revision = NewType("Revision", int)


class SortTarget(StrEnum):
    """What a range is sorted by (etcd's RangeRequest.SortTarget)."""

    KEY = "key"
    VERSION = "version"
    CREATE = "create"
    MOD = "mod"
    VALUE = "value"


class SortOrder(StrEnum):
    """How a range is sorted, as in etcd's RangeRequest; NONE may cut to the limit first."""

    NONE = "none"
    ASCEND = "ascend"
    DESCEND = "descend"


class CompareTarget(StrEnum):
    """What of a key a guard looks at (etcd's Compare.CompareTarget)."""

    VERSION = "version"
    CREATE = "create"
    MOD = "mod"
    VALUE = "value"
    LEASE = "lease"


class CompareResult(StrEnum):
    """How a guard compares what is stored with what it names (etcd's Compare.CompareResult)."""

    EQUAL = "="
    GREATER = ">"
    LESS = "<"
    NOT_EQUAL = "!="


class EventType(StrEnum):
    """What happened to a key (etcd's Event.EventType)."""

    PUT = "put"
    DELETE = "delete"


@message("store.key_value")
class KeyValue:
    """One key at one revision; ``version`` counts puts since creation, 1 at creation."""

    key: bytes
    value: Blob
    create_revision: int
    mod_revision: int
    version: int
    lease: int = 0


@message("store.range")
class Range:
    """Read keys at ``revision`` (0: the newest). Linearizable unless ``serializable``."""

    key: bytes
    range_end: bytes = b""
    revision: int = 0
    limit: int = 0
    sort_order: SortOrder = SortOrder.NONE
    sort_target: SortTarget = SortTarget.KEY
    serializable: bool = False
    keys_only: bool = False
    count_only: bool = False
    min_mod_revision: int = 0
    max_mod_revision: int = 0
    min_create_revision: int = 0
    max_create_revision: int = 0


@message("store.ranged")
class Ranged:
    """``revision`` is the store's when read; ``count`` ignores the limit; ``more`` says cut."""

    revision: int
    kvs: tuple[KeyValue, ...]
    more: bool
    count: int


@message("store.compare")
class Compare:
    """One guard; ``value`` is bytes for VALUE and an integer for every other target."""

    key: bytes
    target: CompareTarget
    result: CompareResult
    number: int = 0
    value: bytes = b""
    range_end: bytes = b""


@message("store.put")
class Put:
    """Write a key. ``ignore_value`` and ``ignore_lease`` keep what an existing key has."""

    key: bytes
    value: Blob
    lease: int = 0
    prev_kv: bool = False
    ignore_value: bool = False
    ignore_lease: bool = False


@message("store.delete_range")
class DeleteRange:
    """Delete the keys of a range; ``prev_kv`` asks for what they were."""

    key: bytes
    range_end: bytes = b""
    prev_kv: bool = False


@message("store.put_done")
class PutDone:
    """``prev_kv`` is what was replaced, if that was asked for and existed."""

    prev_kv: KeyValue | None = None


@message("store.delete_done")
class DeleteDone:
    """``prev_kvs`` are the deleted keys as they were, if that was asked for."""

    deleted: int
    prev_kvs: tuple[KeyValue, ...] = ()


@message("store.txn")
class Txn:
    """All of ``success`` if every guard holds, else all of ``failure``; one revision at most."""

    compare: tuple[Compare, ...]
    success: "tuple[Range | Put | DeleteRange | Txn, ...]"
    failure: "tuple[Range | Put | DeleteRange | Txn, ...]" = ()


@message("store.txn_done")
class TxnDone:
    """``revision`` is the store's after the transaction."""

    revision: int
    succeeded: bool
    responses: "tuple[Ranged | PutDone | DeleteDone | TxnDone, ...]"


@message("store.event")
class Event:
    """A DELETE's ``kv`` has the key and the mod_revision of the deletion, an empty value."""

    type: EventType
    kv: KeyValue
    prev_kv: KeyValue | None = None


@message("store.watch")
class Watch:
    """Stream events from ``start_revision`` on (0: from now). Opened with ``actor.stream``."""

    key: bytes
    range_end: bytes = b""
    start_revision: int = 0
    prev_kv: bool = False
    progress_notify: bool = False
    no_put: bool = False
    no_delete: bool = False


@message("store.watched")
class Watched:
    """One or more whole revisions of events, in order; no events means progress.

    ``revision``: every event up to and including it has been delivered.
    The first item of every stream is an empty one: the watch is established at ``revision``.
    """

    revision: int
    events: tuple[Event, ...] = ()


@message("store.current_revision")
class CurrentRevision:
    """Ask for the linearizable store revision (ReadIndex); answered by ``AtRevision``."""


@message("store.at_revision")
class AtRevision:
    """The store's revision for ``CurrentRevision``, the compacted one for ``Compact``."""

    revision: int


@message("store.compact")
class Compact:
    """Forget what is older than ``revision``; answered by ``AtRevision``."""

    revision: int


@message("store.compacted")
class Compacted(ActorError):
    """The asked revision is older than ``compact_revision``: list again."""

    compact_revision: int

    def __str__(self) -> str:
        return f"history before revision {self.compact_revision} is gone: list again"


@message("store.future_revision")
class FutureRevision(ActorError):
    """The asked revision has not happened yet."""

    revision: int

    def __str__(self) -> str:
        return f"revision {self.revision} has not happened yet"


@message("store.no_quorum")
class NoQuorum(ActorError):
    """The store is read-only: ``answering`` of ``members`` voters answer. Nothing was written."""

    answering: int
    members: int

    def __str__(self) -> str:
        return (
            f"the store is read-only: {self.answering} of {self.members} members answer and a "
            "majority is needed; nothing was written"
        )


@message("store.outcome_unknown")
class OutcomeUnknown(ActorError):
    """The write was proposed but its fate was not learned in time: it may still happen."""

    text: str


@message("store.invalid_request")
class InvalidRequest(ActorError):
    """The request can never succeed; ``text`` says why. Nothing was written."""

    text: str
