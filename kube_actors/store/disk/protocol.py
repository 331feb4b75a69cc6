"""What a member asks of the place that must not forget: the ``Disk`` protocol and its errors.

``save`` returns when everything it was given is durable; nothing that depends on it may be sent
before. A failed sync is never retried: what the kernel did with the pages is unknown, so the disk
refuses everything from then on and the member ends. A record that is damaged anywhere but at the
torn end of the last write raises ``CorruptLog``: nothing is served from such a directory.
"""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from attrs import field, frozen

from kube_actors.actor import OutsideTrouble
from kube_actors.raft import Entry, HardState, SnapshotMetadata
from kube_actors.store.state import FrozenState


class DiskError(OutsideTrouble):
    """The member cannot go on with this disk."""


class DiskFailed(DiskError):
    """A write or sync failed; what it left behind is unknown, so nothing is tried again."""


class DiskFull(DiskFailed):
    """There was no room for a write, and no sync had failed: it can be opened again.

    What is there is read back and checked then, so nothing that was not written is taken for it.
    """


class DiskInUse(DiskError):
    """Another process, or another member, has this directory open."""


class LostLog(DiskError):
    """The disk is empty although its group has known this member: what it promised is lost."""


class CorruptLog(DiskError):
    """Something durable is damaged: ``file`` at byte ``offset``."""

    def __init__(self, file: str, offset: int, reason: str) -> None:
        super().__init__(f"{file}: offset {offset}: {reason}")
        self.file = file
        self.offset = offset
        self.reason = reason


@frozen
class StateSnapshot:
    """The replicated state after the entry that ``metadata`` names."""

    metadata: SnapshotMetadata
    state: FrozenState = field(repr=False)


@frozen
class Recovered:
    """What a disk remembers. ``boots`` counts its openings, this one included.

    ``entries`` may begin before the snapshot's index, never after the one that follows it.
    """

    boots: int
    hard_state: HardState
    snapshot: StateSnapshot | None
    entries: tuple[Entry, ...] = field(repr=False)


class Disk(Protocol):
    """One member's log, hard state and newest snapshot."""

    @property
    def size_bytes(self) -> int:
        """Bytes of log entries that are kept since the newest snapshot."""

    async def open(self) -> Recovered:
        """Recover what is durable. Raises CorruptLog or DiskInUse."""

    async def save(self, hard_state: HardState | None, entries: Sequence[Entry]) -> None:
        """Append; return when durable. Entries replace those of the same and later indexes.

        A vote is in ``hard_state``, what an acknowledgement promises is in ``entries``: neither is
        sent before this returns. Raises DiskFailed, DiskFull.
        """

    async def save_snapshot(self, snapshot: StateSnapshot) -> None:
        """Keep a snapshot durably, then forget the log entries that it covers."""

    async def close(self) -> None:
        """Let go of it; whatever was not saved is lost."""


@runtime_checkable
class SavesAtOnce(Protocol):
    """A disk that is sometimes quick enough not to be waited for."""

    def save_at_once(self, hard_state: HardState | None, entries: Sequence[Entry]) -> bool:
        """Save as ``Disk.save`` does and return True once it is durable; or do nothing and return
        False, if it would keep the caller too long."""
