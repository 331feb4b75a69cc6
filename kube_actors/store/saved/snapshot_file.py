"""A snapshot as a file for people: saved from a running member, restored into a new group.

The file is made of the log's frames, each with its checksum, and ends in a SHA-256 of all that
precedes, so every damage is found and named by its offset. What is restored is the data: keys with
their revisions, and leases. The group is a new one, with its own members, numbers and identity;
who asked what of the old one is forgotten.
"""

import hashlib
import struct
from collections.abc import Iterator

import attrs
from attrs import frozen

from kube_actors.raft import ConfigState, HardState, SnapshotMetadata
from kube_actors.store.disk import (
    BadFrame,
    CorruptLog,
    MemoryDisk,
    StateSnapshot,
    TornTail,
    pack_frame,
    read_frames,
)
from kube_actors.store.saved.padding import without_padding
from kube_actors.store.state import (
    BadSnapshot,
    FrozenKeyspace,
    FrozenRoster,
    FrozenState,
    Keyspace,
    decode_state,
    encode_state,
)

FILE_ID = 0x6B61_5361_7665_6401
"""Stands where a log's files have the identity of the log: neither is taken for the other."""

_HEAD = struct.Struct("<16sQQ")
_NAME = b"kube-actors save"
_END = b"end of saved snapshot "
_BOLT, _BOLT_AT = 0xED0CDAED.to_bytes(4, "little"), 16
"""What a database of bbolt, and so a snapshot of a real etcd, has on its first page."""


@frozen
class SavedSnapshot:
    """What is in a file."""

    index: int
    term: int
    revision: int
    compact_revision: int
    leases: int
    size_bytes: int
    sha256: str
    state: FrozenState = attrs.field(repr=False)

    @property
    def keys(self) -> int:
        """How many keys exist at ``revision``; counted anew each time."""
        return Keyspace.restore(self.state.keyspace).count(b"\0", b"\0")


def encode_saved(snapshot: StateSnapshot) -> Iterator[bytes]:
    """Yield the file in blocks of about a megabyte."""
    metadata = snapshot.metadata
    digest = hashlib.sha256()
    sequence = 0
    head = _HEAD.pack(_NAME, metadata.index, metadata.term)
    for part in (head, *encode_state(snapshot.state)):
        sequence += 1
        block = b"".join(pack_frame(FILE_ID, sequence, [part]))
        digest.update(block)
        yield block
    yield b"".join(pack_frame(FILE_ID, sequence + 1, [_END, digest.digest()]))


def decode_saved(data: bytes, name: str = "snapshot") -> SavedSnapshot:
    """Read a file whole, whether our tools or etcdctl saved it.

    Raises CorruptLog with ``name`` and the offset of what is wrong.
    """
    if data[_BOLT_AT : _BOLT_AT + 4] == _BOLT:
        raise CorruptLog(
            name,
            _BOLT_AT,
            "this is a database of etcd's own, which its etcdutl restores; to bring its keys here "
            "start that etcd and run `etcdctl make-mirror`",
        )
    data = without_padding(data)
    parts: list[bytes] = []
    offset = before = 0
    try:
        for frame in read_frames(data, sequence=1, log_id=FILE_ID, last=False):
            assert not isinstance(frame, TornTail)
            parts.append(frame.payload)
            before, offset = offset, frame.end
        if len(parts) < 3 or not parts[-1].startswith(_END):
            raise BadFrame(offset, "the file is truncated")
        if offset != len(data):
            raise BadFrame(offset, "bytes follow the end")
        digest = hashlib.sha256(memoryview(data)[:before]).digest()
        if parts[-1] != _END + digest:
            raise BadFrame(before, "the checksum of the whole file does not match")
        magic, index, term = _HEAD.unpack(parts[0])
        if magic != _NAME:
            raise BadFrame(0, "this is no saved snapshot")
        state = decode_state(b"".join(parts[1:-1]))
    except BadFrame as error:
        raise CorruptLog(name, error.offset, error.reason) from error
    except (BadSnapshot, struct.error) as error:
        raise CorruptLog(name, 0, str(error)) from error
    keyspace = state.keyspace
    return SavedSnapshot(
        index,
        term,
        keyspace.revision,
        keyspace.compact_revision,
        len(state.leases),
        len(data),
        digest.hex(),
        state,
    )


def restored(
    saved: SavedSnapshot | FrozenState,
    members: int = 3,
    *,
    token: str = "",
    bump_revision: int = 0,
    mark_compacted: bool = False,
) -> StateSnapshot:
    """Make the first state of a new group of ``members`` out of a saved one.

    ``token`` makes its identity differ from another restoration's. ``bump_revision`` lets
    revisions go on that much higher, and ``mark_compacted`` forgets all history, so that whoever
    remembers revisions of the old group learns that it must list again (etcdutl's options of
    these names). Raises ValueError.
    """
    if members < 1 or members % 2 == 0:
        raise ValueError(f"members must be odd, not {members}")
    if bump_revision < 0:
        raise ValueError(f"bump_revision must not be negative, not {bump_revision}")
    state = saved.state if isinstance(saved, SavedSnapshot) else saved
    identity = saved.sha256 if isinstance(saved, SavedSnapshot) else ""
    digest = hashlib.sha256(f"{identity}/{token}/{members}/{bump_revision}".encode()).digest()
    keyspace = state.keyspace
    if bump_revision or mark_compacted:
        keyspace = _bumped(keyspace, bump_revision)
    config = ConfigState(tuple(range(1, members + 1)))
    roster = FrozenRoster(int.from_bytes(digest[:7]) + 1, members)
    fresh = FrozenState(keyspace, state.leases, (), roster)
    return StateSnapshot(SnapshotMetadata(1, 1, config), fresh)


def _bumped(frozen: FrozenKeyspace, by: int) -> FrozenKeyspace:
    """Keep the newest versions alone, at a revision that much higher, with nothing before it."""
    newest = tuple(Keyspace.restore(frozen).scan(b"\0", b"\0"))
    revision = frozen.revision + by
    return FrozenKeyspace(revision, revision, revision + 1, newest, ())


FIRST_STATE = HardState(1, 0, 1)
"""What a restored member remembers of Raft: nothing but that its snapshot is decided."""


def disks_from_snapshot(
    data: bytes | FrozenState,
    members: int = 3,
    *,
    token: str = "",
    bump_revision: int = 0,
    mark_compacted: bool = False,
) -> dict[int, MemoryDisk]:
    """Make a memory disk for each member of a new group; they share the values.

    ``data`` is a saved file, or a state as ``Cluster`` forks have it. Raises CorruptLog.
    """
    saved = data if isinstance(data, FrozenState) else decode_saved(data)
    snapshot = restored(
        saved,
        members,
        token=token,
        bump_revision=bump_revision,
        mark_compacted=mark_compacted,
    )
    return {
        number: MemoryDisk(snapshot=snapshot, hard_state=FIRST_STATE)
        for number in range(1, members + 1)
    }
