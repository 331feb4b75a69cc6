"""Snapshots as files: written aside, synced, renamed; the newest one counts, older ones go.

A file is made of the same frames as the log, so every bit of it is checked. A damaged or
incomplete snapshot raises ``CorruptLog``: the log before it may be gone already.
"""

import os
import re
import struct
from pathlib import Path

from kube_actors.raft import ConfigState, SnapshotMetadata
from kube_actors.store.disk.frames import BadFrame, TornTail, pack_frame, read_frames
from kube_actors.store.disk.log_files import sync_directory, write_all
from kube_actors.store.disk.protocol import CorruptLog, StateSnapshot
from kube_actors.store.disk.recovery import TEMPORARY_SUFFIX
from kube_actors.store.state import BadSnapshot, decode_state, encode_state

_NAME = re.compile(r"snapshot-([0-9a-f]{16})\.snap")
_HEAD = struct.Struct("<QQIIII?")
_END = b"end of snapshot"


def snapshot_path(directory: Path, index: int) -> Path:
    """Return where the snapshot up to an entry lies, by that entry's index."""
    return directory / f"snapshot-{index:016x}.snap"


def write_snapshot(directory: Path, log_id: int, snapshot: StateSnapshot) -> int:
    """Make a snapshot durable and remove older ones; return its size. Raises OSError."""
    path = snapshot_path(directory, snapshot.metadata.index)
    temporary = path.with_name(path.name + TEMPORARY_SUFFIX)
    file = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    offset = 0
    sequence = 1
    try:
        for part in (_pack_metadata(snapshot.metadata), *encode_state(snapshot.state), _END):
            frame = pack_frame(log_id, sequence, [part])
            write_all(file, frame, offset)
            offset += sum(map(len, frame))
            sequence += 1
        os.fsync(file)
    finally:
        os.close(file)
    os.rename(temporary, path)
    sync_directory(directory)
    for index in _indexes(directory):
        if index < snapshot.metadata.index:
            snapshot_path(directory, index).unlink()
    return offset


def read_newest_snapshot(directory: Path, log_id: int) -> StateSnapshot | None:
    """Read the newest snapshot, None if there is none. Raises CorruptLog."""
    indexes = _indexes(directory)
    if not indexes:
        return None
    path = snapshot_path(directory, indexes[-1])
    parts: list[bytes] = []
    offset = 0
    try:
        for frame in read_frames(path.read_bytes(), sequence=1, log_id=log_id, last=False):
            assert not isinstance(frame, TornTail)
            parts.append(frame.payload)
            offset = frame.end
        if len(parts) < 3 or parts[-1] != _END:
            raise BadFrame(offset, "the snapshot is truncated")
        metadata = _unpack_metadata(parts[0])
        if metadata.index != indexes[-1]:
            raise BadFrame(0, f"this is snapshot {metadata.index:x}, named {indexes[-1]:x}")
        return StateSnapshot(metadata, decode_state(b"".join(parts[1:-1])))
    except BadFrame as error:
        raise CorruptLog(str(path), error.offset, error.reason) from error
    except (BadSnapshot, struct.error) as error:
        raise CorruptLog(str(path), offset, str(error)) from error


def _indexes(directory: Path) -> list[int]:
    names = (_NAME.fullmatch(name) for name in os.listdir(directory))
    return sorted(int(match[1], 16) for match in names if match)


def _pack_metadata(metadata: SnapshotMetadata) -> bytes:
    config = metadata.config
    groups = (config.voters, config.voters_outgoing, config.learners, config.learners_next)
    members = tuple(member for group in groups for member in group)
    head = _HEAD.pack(metadata.index, metadata.term, *map(len, groups), config.auto_leave)
    return head + struct.pack(f"<{len(members)}Q", *members)


def _unpack_metadata(data: bytes) -> SnapshotMetadata:
    index, term, *sizes, auto_leave = _HEAD.unpack_from(data)
    members = struct.unpack_from(f"<{sum(sizes)}Q", data, _HEAD.size)
    groups: list[tuple[int, ...]] = []
    start = 0
    for size in sizes:
        groups.append(members[start : start + size])
        start += size
    voters, outgoing, learners, learners_next = groups
    config = ConfigState(voters, outgoing, learners, learners_next, auto_leave)
    return SnapshotMetadata(index, term, config)
