"""Reads a log directory back: what is durable, and where writing goes on.

Every segment but the last must be whole; the last may end in one torn write, which was never
acknowledged and is cut. Everything else that is not as it was written raises ``CorruptLog`` with
the file and the offset: a damaged log serves nothing.
"""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from attrs import field, frozen

from kube_actors.raft import Entry, HardState
from kube_actors.store.disk.frames import BadFrame, LogFrame, TornTail, read_frames
from kube_actors.store.disk.protocol import CorruptLog
from kube_actors.store.disk.records import (
    BadRecord,
    Boot,
    Continued,
    Record,
    SegmentHead,
    SnapshotMark,
    unpack_records,
)

SEGMENT_NAME = re.compile(r"log-(\d{16})\.seg")
TEMPORARY_SUFFIX = ".new"


@frozen
class Segment:
    """One file of the log. ``last_index``: the highest entry in it, 0 for none."""

    number: int
    path: Path
    size: int
    last_index: int


@frozen
class LogContents:
    """What the segments say. Writing goes on in the last one at ``offset``."""

    log_id: int
    sequence: int
    offset: int
    segments: tuple[Segment, ...]
    boots: int
    hard_state: HardState
    mark: SnapshotMark
    entries: tuple[Entry, ...] = field(repr=False)


class MissingSegment(CorruptLog):
    """The log goes on in a segment that is not there."""

    def __init__(self, path: Path, number: int) -> None:
        super().__init__(str(path), 0, f"segment {number} is missing: the log goes on in it")
        self.number = number


def segment_path(directory: Path, number: int) -> Path:
    """Return where a segment lies, by its number."""
    return directory / f"log-{number:016d}.seg"


def read_log(directory: Path) -> LogContents | None:
    """Read all segments; None if there is no log yet. Raises CorruptLog, MissingSegment."""
    numbers = sorted(
        int(match[1]) for name in os.listdir(directory) if (match := SEGMENT_NAME.fullmatch(name))
    )
    if not numbers:
        return None
    replay = _Replay()
    for position, number in enumerate(numbers):
        path = segment_path(directory, number)
        if number != numbers[0] + position:
            raise CorruptLog(str(path), 0, f"segment {numbers[0] + position} before it is missing")
        replay.read_segment(path, number, last=number == numbers[-1])
    if replay.continued > numbers[-1]:
        raise MissingSegment(segment_path(directory, replay.continued), replay.continued)
    return replay.contents()


class _Replay:
    """The log as it grows record by record."""

    def __init__(self) -> None:
        self.log_id: int | None = None
        self.sequence: int | None = None
        self.offset = 0
        self.segments: list[Segment] = []
        self.boots = 0
        self.continued = 0
        self.hard_state = HardState()
        self.mark = SnapshotMark(0, 0)
        self.entries: list[Entry] = []

    def read_segment(self, path: Path, number: int, *, last: bool) -> None:
        data = path.read_bytes()
        highest = 0
        self.offset = 0
        try:
            for frame in read_frames(data, sequence=self.sequence, log_id=self.log_id, last=last):
                if isinstance(frame, TornTail):
                    if frame.offset == 0:
                        raise BadFrame(0, "the segment's first record is missing")
                    self.offset = frame.offset
                    break
                records = unpack_records(frame.payload)
                if frame.offset == 0:
                    _check_head(records, number, len(data))
                highest = max(highest, self._accept(frame, records))
        except (BadFrame, BadRecord) as error:
            offset = error.offset if isinstance(error, BadFrame) else self.offset
            reason = error.reason if isinstance(error, BadFrame) else str(error)
            raise CorruptLog(str(path), offset, reason) from error
        if self.offset == 0:
            raise CorruptLog(str(path), 0, "the segment is empty")
        self.segments.append(Segment(number, path, len(data), highest))

    def _accept(self, frame: LogFrame, records: Iterable[Record]) -> int:
        """Take a frame's records in; return the highest entry among them, 0 for none."""
        highest = 0
        for record in records:
            if isinstance(record, Entry):
                self._append(frame.offset, record)
                highest = max(highest, record.index)
            elif isinstance(record, HardState):
                self.hard_state = record
            elif isinstance(record, SnapshotMark) and record != self.mark:
                # Every segment repeats the mark; only a new one replaces entries.
                self.mark = record
                self.entries = covered_by(self.entries, record)
            elif isinstance(record, Boot):
                self.boots = record.count
            elif isinstance(record, Continued):
                self.continued = record.number
        self.log_id = frame.log_id
        self.sequence = frame.sequence + 1
        self.offset = frame.end
        return highest

    def _append(self, offset: int, entry: Entry) -> None:
        entries = self.entries
        if entries and entry.index == entries[-1].index + 1:
            entries.append(entry)
            return
        if entries and entry.index <= entries[-1].index:
            del entries[max(0, entry.index - entries[0].index) :]
        # The oldest segment that is kept begins anywhere before the snapshot's entry; whether
        # the first entry follows the snapshot is known, and checked, at the end.
        if entries and entry.index != entries[-1].index + 1:
            expected = entries[-1].index + 1
            raise BadFrame(offset, f"entry {entry.index} where entry {expected} was expected")
        entries.append(entry)

    def contents(self) -> LogContents:
        assert self.log_id is not None
        assert self.sequence is not None
        if self.entries and self.entries[0].index > self.mark.index + 1:
            raise CorruptLog(
                str(self.segments[0].path),
                0,
                f"the log begins with entry {self.entries[0].index}, "
                f"its snapshot ends at {self.mark.index}",
            )
        return LogContents(
            self.log_id,
            self.sequence,
            self.offset,
            tuple(self.segments),
            self.boots,
            self.hard_state,
            self.mark,
            tuple(self.entries),
        )


def covered_by(entries: list[Entry], mark: SnapshotMark) -> list[Entry]:
    """Return the entries that remain once a snapshot stands for those up to ``mark``."""
    same = any(entry.index == mark.index and entry.term == mark.term for entry in entries)
    return [entry for entry in entries if entry.index > mark.index] if same else []


def _check_head(records: list[Record], number: int, size: int) -> None:
    head = records[0] if records else None
    if not isinstance(head, SegmentHead):
        raise BadFrame(0, "the segment does not begin with its head")
    if head.number != number:
        raise BadFrame(0, f"this is segment {head.number}, named as {number}")
    if head.size != size:
        raise BadFrame(
            min(head.size, size), f"the file has {size} bytes where {head.size} were written"
        )
