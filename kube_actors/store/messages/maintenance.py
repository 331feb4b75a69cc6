"""How the store is looked after: status, alarms, space, hashes, as in etcd's Maintenance API.

An alarm is part of the replicated state: every member has the same ones and obeys them
(https://etcd.io/docs/v3.5/op-guide/maintenance/). NOSPACE refuses whatever would grow the store;
CORRUPT refuses writes and linearizable reads.
"""

from enum import StrEnum

from kube_actors.actor import ActorError, Blob, message


class AlarmKind(StrEnum):
    """What is wrong (etcd's AlarmType)."""

    NOSPACE = "nospace"
    CORRUPT = "corrupt"


@message("store.alarm")
class Alarm:
    """One alarm of one member; ``text`` says what was seen."""

    member: int
    kind: AlarmKind
    text: str = ""


@message("store.alarms")
class Alarms:
    """The alarms that are raised; after a change, those that it raised or ended (etcd's way)."""

    alarms: tuple[Alarm, ...]


@message("store.activate_alarm")
class ActivateAlarm:
    """Raise an alarm; answered by ``Alarms``."""

    member: int
    kind: AlarmKind
    text: str = ""


@message("store.disarm_alarm")
class DisarmAlarm:
    """End an alarm; ``member`` 0 means every member's. Answered by ``Alarms``."""

    member: int
    kind: AlarmKind


@message("store.list_alarms")
class ListAlarms:
    """Ask which alarms are raised; answered by ``Alarms``."""


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
    """``hash`` is of what is readable up to ``revision``; compare where both revisions agree."""

    revision: int
    compact_revision: int
    hash: int


@message("store.defragment")
class Defragment:
    """Give unused space back: the log is replaced by a snapshot. Answered by ``MemberStatus``."""


@message("store.get_snapshot")
class GetSnapshot:
    """Open with ``actor.stream``: the member's state as ``SnapshotPart``s."""


@message("store.snapshot_part")
class SnapshotPart:
    """A piece of the snapshot file; ``remaining_bytes`` follow it, 0 with the last one.

    The pieces joined are the whole file, which ends in its own checksum.
    """

    remaining_bytes: int
    data: Blob


@message("store.no_space")
class NoSpace(ActorError):
    """The store is over its quota and takes nothing that would grow it. Nothing was written."""


@message("store.corrupt")
class Corrupt(ActorError):
    """Members disagree about the data; ``text`` says which. Nothing was written or served."""

    text: str
