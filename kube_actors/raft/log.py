"""The replicated log of one member, in memory: what follows the last compaction.

Four marks move through it, always in this order: ``applied`` (the caller said so) ≤ ``delivered``
(handed out to be applied) ≤ ``committed`` ≤ ``last_index``; and beside them ``persisted`` (the
caller said that it is on disk) ≤ ``written`` (handed out to be written) ≤ ``last_index``. Nothing
is delivered before it is both committed and persisted here. Writes may be in flight while the log
grows or is truncated: a mark is pulled back at once by a truncation, and an acknowledgement of an
older write can never move it over entries that have been replaced since.
"""

from bisect import bisect_right
from collections import deque
from collections.abc import Sequence
from typing import Final, Protocol

from attrs import define

from kube_actors.raft.errors import CorruptState, LogCompacted, LogUnavailable, SafetyViolation
from kube_actors.raft.messages import Entry, Snapshot

ENTRY_OVERHEAD_BYTES: Final = 16


class LogStorage(Protocol):
    """What one member reads of its log to bring another up to date, and ``Raft.log`` shows.

    ``MemoryLog`` is the only one: a member holds in memory whatever follows its last compaction,
    and reads its disk only to start. How much that is, is the caller's: ``Raft.compact`` with
    ``keep_entries``. ``first_index`` is one after the last compacted entry, also when the log is
    empty; ``snapshot`` replaces everything before it and perhaps more.
    """

    snapshot: Snapshot
    last_index: int
    committed: int

    @property
    def first_index(self) -> int:
        """The index of the oldest entry that can be read: one after the last compacted."""

    @property
    def last_term(self) -> int:
        """The term of the last entry; of the last compacted one if the log is empty."""

    def term(self, index: int) -> int:
        """Also of the last compacted entry. Raises LogCompacted or LogUnavailable."""

    def matches(self, index: int, term: int) -> bool:
        """Say whether it surely holds that entry; never raises."""

    def slice(self, first: int, bytes_max: int) -> tuple[tuple[Entry, ...], int]:
        """Return entries and their size, at least one. Raises LogCompacted."""


@define
class Write:
    """One hand-over to the disk: once durable, the log is durable up to ``last_index``."""

    number: int
    last_index: int
    applied: int
    term: int
    vote: int


class MemoryLog:
    """Entries after ``offset`` in a list; the entry of index i is at i - offset - 1."""

    __slots__ = (
        "applied",
        "committed",
        "delivered",
        "entries",
        "in_flight",
        "last_index",
        "offset",
        "offset_term",
        "pending_snapshot",
        "persisted",
        "snapshot",
        "written",
    )

    def __init__(self, snapshot: Snapshot, entries: Sequence[Entry], commit: int) -> None:
        """Recover from what was durable. Raises CorruptState if it contradicts itself."""
        metadata = snapshot.metadata
        self.snapshot = snapshot
        self.offset: int = metadata.index
        self.offset_term: int = metadata.term
        self.entries: list[Entry] = [e for e in entries if e.index > metadata.index]
        _check_recovered(metadata.index, metadata.term, self.entries, commit)
        self.last_index: int = metadata.index + len(self.entries)
        self.committed: int = max(commit, metadata.index)
        self.delivered: int = metadata.index
        self.applied: int = metadata.index
        self.written: int = self.last_index
        self.persisted: int = self.last_index
        self.pending_snapshot: Snapshot | None = None
        self.in_flight: deque[Write] = deque()

    @property
    def first_index(self) -> int:
        """One after ``offset``, whether or not there is an entry."""
        return self.offset + 1

    @property
    def last_term(self) -> int:
        """The term of the last entry; ``offset_term`` if there is none."""
        return self.entries[-1].term if self.entries else self.offset_term

    def term(self, index: int) -> int:
        """Return the term of an entry. Raises LogCompacted or LogUnavailable."""
        position = index - self.offset - 1
        if position >= 0:
            if index <= self.last_index:
                return self.entries[position].term
            raise LogUnavailable(index, self.last_index)
        if position == -1:
            return self.offset_term
        raise LogCompacted(index, self.first_index)

    def matches(self, index: int, term: int) -> bool:
        """Say whether this log surely holds an entry of that index and term."""
        position = index - self.offset
        if position > 0:
            return index <= self.last_index and self.entries[position - 1].term == term
        return position == 0 and self.offset_term == term

    def is_up_to_date(self, last_index: int, last_term: int) -> bool:
        """Compare a candidate's log with this one, as §5.4.1 of the paper."""
        mine = self.last_term
        return last_term > mine or (last_term == mine and last_index >= self.last_index)

    def last_agreeing(self, index: int, term: int) -> tuple[int, int]:
        """Find the last entry at or before ``index`` whose term is not above ``term``.

        Returns (index, term), with term 0 if that entry is no longer or not yet here.
        """
        if index > self.last_index:
            return index, 0
        position = bisect_right(
            self.entries, term, hi=max(index - self.offset, 0), key=lambda entry: entry.term
        )
        found = self.offset + position
        if position:
            return found, self.entries[position - 1].term
        return found, self.offset_term if self.offset_term <= term else 0

    def slice(self, first: int, bytes_max: int) -> tuple[tuple[Entry, ...], int]:
        """Return entries from ``first`` on within a size, at least one, and their size."""
        position = first - self.offset - 1
        if position < 0:
            raise LogCompacted(first, self.first_index)
        return bounded(self.entries, position, len(self.entries), bytes_max)

    def append(self, entries: Sequence[Entry]) -> None:
        """Add entries, replacing what conflicts. Raises SafetyViolation below the commit."""
        first = entries[0].index
        if first != self.last_index + 1:
            self._truncate(first - 1)
        self.entries.extend(entries)
        self.last_index += len(entries)

    def _truncate(self, last_index: int) -> None:
        if last_index < self.committed or last_index > self.last_index:
            raise SafetyViolation(
                f"the log {self.offset + 1}..{self.last_index}, committed to {self.committed}, "
                f"cannot continue from {last_index}"
            )
        del self.entries[last_index - self.offset :]
        self.last_index = last_index
        self.written = min(self.written, last_index)
        self.persisted = min(self.persisted, last_index)
        for write in self.in_flight:
            write.last_index = min(write.last_index, last_index)

    def new_entries(self, entries: Sequence[Entry]) -> Sequence[Entry]:
        """Drop the leading entries that are already here; the rest conflict or extend."""
        if entries[0].index > self.last_index:
            return entries
        for position, entry in enumerate(entries):
            if not self.matches(entry.index, entry.term):
                return entries[position:] if position else entries
        return ()

    def restore(self, snapshot: Snapshot) -> None:
        """Replace everything by a snapshot that is still to be written and applied."""
        self.snapshot = self.pending_snapshot = snapshot
        index = snapshot.metadata.index
        self.offset = self.last_index = self.committed = self.delivered = self.written = index
        self.offset_term = snapshot.metadata.term
        self.entries = []
        self.persisted = 0
        for write in self.in_flight:
            write.last_index = 0

    def compact(self, snapshot: Snapshot, keep_entries: int) -> bool:
        """Remember a newer snapshot and forget entries before it, except the last few.

        Returns False if a newer one is held already. Raises LogUnavailable above ``applied``.
        """
        index = snapshot.metadata.index
        if index < self.snapshot.metadata.index:
            return False
        if index > self.applied:
            raise LogUnavailable(index, self.applied)
        self.snapshot = snapshot
        offset = min(index - keep_entries, self.persisted)
        if offset > self.offset:
            self.offset_term = self.term(offset)
            del self.entries[: offset - self.offset]
            self.offset = offset
        return True

    def take_unwritten(self) -> Sequence[Entry]:
        """Hand out what is to be written."""
        if self.written == self.last_index:
            return ()
        entries = self.entries[self.written - self.offset :]
        self.written = self.last_index
        return entries

    def take_committed(self, bytes_max: int) -> tuple[Sequence[Entry], int]:
        """Hand out what is to be applied, within a size, at least one; and its size."""
        end = min(self.committed, self.persisted)
        if end <= self.delivered:
            return (), 0
        found, size = bounded(
            self.entries, self.delivered - self.offset, end - self.offset, bytes_max
        )
        self.delivered += len(found)
        return found, size

    def acknowledge(self, write: Write) -> None:
        """Take in that a write is durable and that what came with it is applied."""
        if write.last_index > self.persisted:
            self.persisted = write.last_index
        if write.applied > self.applied:
            self.applied = write.applied


def bounded(
    entries: Sequence[Entry], start: int, end: int, bytes_max: int
) -> tuple[tuple[Entry, ...], int]:
    """Cut ``entries[start:end]`` at a size, keeping at least one; return it and its size."""
    if end - start == 1:
        entry = entries[start]
        return (entry,), len(entry.data) + ENTRY_OVERHEAD_BYTES
    size = 0
    for position in range(start, end):
        size_next = size + len(entries[position].data) + ENTRY_OVERHEAD_BYTES
        if size_next > bytes_max and position > start:
            return tuple(entries[start:position]), size
        size = size_next
    return tuple(entries[start:end]), size


def _check_recovered(index: int, term: int, entries: Sequence[Entry], commit: int) -> None:
    for entry in entries:
        index += 1
        if entry.index != index or entry.term < term:
            raise CorruptState(
                f"entry {entry.index} of term {entry.term} where entry {index} of term {term} "
                "or later was expected"
            )
        term = entry.term
    if commit > index:
        raise CorruptState(f"entry {commit} was committed but the log ends at {index}")
