"""The log of one member as files: appends frames to preallocated segments and syncs them.

Synchronous and single-threaded: ``file_disk.py`` runs it off the loop. A segment is created under
another name, allocated (it reads as zeros), synced, renamed and its directory synced, so a segment
that can be seen is whole. The first error of a write or sync is the last thing that is tried.
``LogFiles.append`` returns after the ``fdatasync`` in ``_put``: that is the sync which a vote and
an acknowledgement wait for (``member/writer.py``).
"""

import errno
import fcntl
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from kube_actors.raft import Entry, HardState
from kube_actors.store.disk.frames import ALIGNMENT, frame_size, pack_frame
from kube_actors.store.disk.protocol import DiskFailed, DiskFull, DiskInUse
from kube_actors.store.disk.records import (
    Boot,
    Continued,
    Record,
    SegmentHead,
    SnapshotMark,
    pack_records,
)
from kube_actors.store.disk.recovery import (
    TEMPORARY_SUFFIX,
    LogContents,
    MissingSegment,
    Segment,
    read_log,
    segment_path,
)

IOV_MAX = 512

CLOSING_BYTES = frame_size(sum(map(len, pack_records([Continued(0)]))))
"""Kept free at the end of every segment, to say that the log goes on in another."""


class LogFiles:
    """An open log. Raises DiskInUse when somebody else has the directory."""

    def __init__(self, directory: Path, segment_bytes: int) -> None:
        self.directory = directory
        self._segment_bytes = segment_bytes
        self._file = -1
        self._failed: str | None = None
        self._segments: list[Segment] = []
        self._highest = 0
        """The last entry in the segment in use."""
        self._offset = 0
        self._sequence = 1
        self.log_id = 0
        self._boots = 0
        self._hard_state = HardState()
        self._mark = SnapshotMark(0, 0)
        directory.mkdir(parents=True, exist_ok=True)
        self._lock = lock_directory(directory)

    def recover(self) -> LogContents | None:
        """Read what is there and cut a torn tail; None if the log is new. Raises CorruptLog."""
        try:
            contents = read_log(self.directory)
        except MissingSegment as missing:
            # It was complete before the one before it was closed: only its renaming is owed.
            path = segment_path(self.directory, missing.number)
            temporary = path.with_name(path.name + TEMPORARY_SUFFIX)
            if not temporary.exists():
                raise
            temporary.rename(path)
            sync_directory(self.directory)
            contents = read_log(self.directory)
        for name in sorted(os.listdir(self.directory)):
            if name.endswith(TEMPORARY_SUFFIX):
                (self.directory / name).unlink()
        if contents is None:
            status = os.fstat(self._lock)
            self.log_id = (status.st_ctime_ns ^ (status.st_ino << 40)) & (1 << 64) - 1
            return None
        self.log_id = contents.log_id
        self._sequence = contents.sequence
        self._offset = contents.offset
        self._segments = list(contents.segments)
        self._highest = self._segments[-1].last_index
        self._boots = contents.boots
        self._hard_state = contents.hard_state
        self._mark = contents.mark
        self._file = os.open(self._segments[-1].path, os.O_RDWR | os.O_CLOEXEC)
        self._clear_tail()
        return contents

    def begin(self, mark: SnapshotMark | None) -> int:
        """Count this opening durably and return the count; note a snapshot found beside."""
        self._boots += 1
        records: list[Record] = [Boot(self._boots)]
        if mark is not None and mark != self._mark:
            records.append(mark)
            self._mark = mark
        self._write(records)
        return self._boots

    def append(self, hard_state: HardState | None, entries: Sequence[Entry]) -> None:
        """Write and sync one group commit. Raises DiskFailed, now and ever after."""
        records: list[Record] = [*entries]
        if hard_state is not None:
            records.append(hard_state)
        self._write(records)
        if entries and entries[-1].index > self._highest:
            self._highest = entries[-1].index
        # Not before: the head of a new segment must not commit what is still to be written.
        self._hard_state = hard_state or self._hard_state

    def mark_snapshot(self, mark: SnapshotMark) -> None:
        """Note a durable snapshot and remove the segments that it makes superfluous.

        One that is older than the last changes nothing.
        """
        if mark.index < self._mark.index:
            return
        self._mark = mark
        self._write([mark])
        superfluous = []
        for segment in self._segments[:-1]:
            if segment.last_index >= mark.index:
                break
            superfluous.append(segment)
        for segment in superfluous:
            segment.path.unlink()
            self._segments.remove(segment)
        if superfluous:
            self._guard(lambda: sync_directory(self.directory))

    def close(self) -> None:
        """Close the segment and let go of the directory; nothing is synced here."""
        for number in (self._file, self._lock):
            if number >= 0:
                os.close(number)
        self._file = self._lock = -1

    # -- one frame

    def _write(self, records: Sequence[Record]) -> None:
        if self._failed is not None:
            raise DiskFailed(self._failed)
        parts = pack_records(records)
        size = frame_size(sum(map(len, parts)))
        if self._file < 0 or self._offset + size + CLOSING_BYTES > self._segments[-1].size:
            self._guard(lambda: self._roll(size))
        frame = pack_frame(self.log_id, self._sequence, parts)
        self._guard(lambda: self._put(frame))
        self._sequence += 1
        self._offset += size

    def _put(self, frame: list[bytes]) -> None:
        """Write a frame and sync it: hard state and entries are durable when this returns."""
        write_all(self._file, frame, self._offset)
        try:
            os.fdatasync(self._file)
        except OSError as error:
            # Even for want of room: what the kernel shows from now on may not be on the disk.
            raise DiskFailed(f"{self.directory}: {error}") from error

    def _roll(self, size: int) -> None:
        """Begin a new segment, which repeats what must outlive the ones before it."""
        number = self._segments[-1].number + 1 if self._segments else 1
        path = segment_path(self.directory, number)
        room = frame_size(4096)
        total = max(self._segment_bytes, size + room)
        total += -total % ALIGNMENT
        head: list[Record] = [
            SegmentHead(number, total),
            Boot(self._boots),
            self._mark,
            self._hard_state,
        ]
        parts = pack_records(head)
        closing = self._closing(number)
        temporary = path.with_name(path.name + TEMPORARY_SUFFIX)
        file = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(file, 0, total)
            sequence = self._sequence + bool(closing)
            write_all(file, pack_frame(self.log_id, sequence, parts), 0)
            os.fsync(file)
            if closing:
                sync_directory(self.directory)
                self._put(closing)
                self._sequence += 1
            os.rename(temporary, path)
            sync_directory(self.directory)
        except BaseException:
            os.close(file)
            raise
        if self._file >= 0:
            os.close(self._file)
            last = self._segments[-1]
            self._segments[-1] = Segment(last.number, last.path, last.size, self._highest)
        self._file = file
        self._highest = 0
        self._segments.append(Segment(number, path, total, 0))
        self._offset = frame_size(sum(map(len, parts)))
        self._sequence += 1

    def _closing(self, number: int) -> list[bytes]:
        """Make the frame that ends the segment in use; none if it has no room or there is none."""
        if self._file < 0 or self._offset + CLOSING_BYTES > self._segments[-1].size:
            return []
        return pack_frame(self.log_id, self._sequence, pack_records([Continued(number)]))

    def _clear_tail(self) -> None:
        """Put zeros back behind the last intact frame, so that no garbage is taken for a write."""
        end = self._segments[-1].size
        tail = os.pread(self._file, end - self._offset, self._offset)
        if tail.strip(b"\0"):
            self._guard(lambda: self._put([bytes(len(tail))]))

    def _guard(self, write: Callable[[], None]) -> None:
        try:
            write()
        except (OSError, DiskFailed) as error:
            self._failed = str(error)
            if isinstance(error, DiskFailed):
                raise
            self._failed = f"{self.directory}: {error}"
            raise failure(self.directory, error) from error


def failure(directory: Path, error: OSError) -> DiskFailed:
    """Say what failed when it was no sync of the log."""
    kind = DiskFull if error.errno in (errno.ENOSPC, errno.EDQUOT) else DiskFailed
    return kind(f"{directory}: {error}")


def write_all(file: int, parts: Sequence[bytes], offset: int) -> None:
    """Write parts one after another at ``offset``, however often the kernel stops short."""
    for first in range(0, len(parts), IOV_MAX):
        some = parts[first : first + IOV_MAX]
        size = sum(map(len, some))
        written = os.pwritev(file, some, offset)
        if written < size:
            rest = b"".join(some)
            while written < size:
                written += os.pwrite(file, rest[written:], offset + written)
        offset += size


def sync_directory(path: Path) -> None:
    """Make creations, renames and removals in a directory durable."""
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def lock_directory(directory: Path) -> int:
    """Hold a member's directory; the kernel lets go when the process ends. Raises DiskInUse."""
    lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        raise DiskInUse(f"{directory} is in use by another member or process") from error
    return lock


def unlock_directory(lock: int) -> None:
    """Let another process have the directory."""
    os.close(lock)
