"""What the store is asked and what it answers: etcd v3's requests as frozen messages.

Names and meanings are those of etcd's KV, Watch, Lease and Maintenance APIs
(https://etcd.io/docs/v3.5/learning/api/). Keys are bytes; a ``range_end`` of ``b""`` means the
single key, ``b"\\0"`` means every key from ``key`` on, anything else is the exclusive end.
Values are ``Blob``: opaque, immutable and shared by reference within one process.
"""

from enum import StrEnum
from typing import NewType

from kube_actors.actor import ActorError, Blob, message
from kube_actors.store.messages.maintenance import Alarm

Revision = NewType("Revision", int)
LeaseId = NewType("LeaseId", int)


class SortTarget(StrEnum):
    KEY = "key"
    VERSION = "version"
    CREATE = "create"
    MOD = "mod"
    VALUE = "value"


class SortOrder(StrEnum):
    NONE = "none"
    ASCEND = "ascend"
    DESCEND = "descend"


class CompareTarget(StrEnum):
    VERSION = "version"
    CREATE = "create"
    MOD = "mod"
    VALUE = "value"
    LEASE = "lease"


class CompareResult(StrEnum):
    EQUAL = "="
    GREATER = ">"
    LESS = "<"
    NOT_EQUAL = "!="


class EventType(StrEnum):
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
    key: bytes
    value: Blob
    lease: int = 0
    prev_kv: bool = False
    ignore_value: bool = False
    ignore_lease: bool = False


@message("store.delete_range")
class DeleteRange:
    key: bytes
    range_end: bytes = b""
    prev_kv: bool = False


@message("store.put_done")
class PutDone:
    prev_kv: KeyValue | None = None


@message("store.delete_done")
class DeleteDone:
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
    revision: int


@message("store.compact")
class Compact:
    """Forget what is older than ``revision``; answered by ``AtRevision``."""

    revision: int


@message("store.lease_grant")
class LeaseGrant:
    """``id`` 0 lets the store choose. ``ttl_s`` is in seconds, at least 1."""

    ttl_s: int
    id: int = 0


@message("store.lease_revoke")
class LeaseRevoke:
    id: int


@message("store.lease_keep_alive")
class LeaseKeepAlive:
    id: int


@message("store.lease_time_to_live")
class LeaseTimeToLive:
    id: int
    keys: bool = False


@message("store.lease_state")
class LeaseState:
    """The answer to every lease request; ``ttl_s`` is what remains, -1 when it is gone."""

    id: int
    ttl_s: int
    granted_ttl_s: int = 0
    keys: tuple[bytes, ...] = ()


@message("store.status")
class GetStatus:
    """Ask one member how it is; answered at once from local state by ``MemberStatus``."""


@message("store.member_status")
class MemberStatus:
    """``answering`` counts voters this member heard from lately, itself included.

    ``read_only``: the member knows no leader, or is one without a quorum; writes fail at once.
    ``size_bytes`` is what the member keeps, history included, ``size_in_use_bytes`` what its
    newest state takes. ``alarms`` are all that are raised. ``log_bytes`` is what the log has grown
    by since its snapshot. ``group`` is 0 unless the group was restored from a saved snapshot.
    """

    member: int
    members: int
    leader: int
    term: int
    commit_index: int
    applied_index: int
    revision: int
    compact_revision: int
    answering: int
    read_only: bool
    size_bytes: int = 0
    learner: bool = False
    size_in_use_bytes: int = 0
    quota_bytes: int = 0
    alarms: tuple[Alarm, ...] = ()
    log_bytes: int = 0
    group: int = 0


@message("store.hash")
class GetHash:
    """Ask for the hash of all key-values at ``revision``, for checks across members."""

    revision: int = 0


@message("store.hashed")
class Hashed:
    revision: int
    compact_revision: int
    hash: int


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


@message("store.lease_not_found")
class LeaseNotFound(ActorError):
    id: int
