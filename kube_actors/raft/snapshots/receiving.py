"""The follower's side of snapshots in chunks: put together in order, verified, never trusted early.

One receiver serves a member for life. It follows the newest (term, attempt) it has heard of,
answers every chunk, also the old and the repeated, and holds no more than its window of bytes
that the caller has not taken yet.
"""

import hashlib

from attrs import define, frozen

from kube_actors.raft.errors import BadChunk
from kube_actors.raft.messages import InstallSnapshot, Snapshot, SnapshotMetadata
from kube_actors.raft.snapshots.chunks import (
    CHECKSUM_BYTES,
    ChunkRefusal,
    SnapshotChunk,
    SnapshotChunkReply,
)


@frozen
class SnapshotPiece:
    """Bytes of a snapshot for its place: ``offset`` 0 begins anew, whatever came before."""

    metadata: SnapshotMetadata
    offset: int
    data: bytes


@define
class _Transfer:
    chunk: SnapshotChunk  # The first that was seen: who, what, how much.
    arrived: int  # All bytes before it have arrived.
    taken: int
    pieces: list[SnapshotPiece]
    early: dict[int, bytes]  # By offset, beyond a gap.
    digest: "hashlib._Hash"
    refused: ChunkRefusal = ChunkRefusal.NO
    installed: bool = False


class SnapshotReceiving:
    """Put snapshots together at one member.

    ``on_chunk`` for every chunk, and send its answer. ``take`` whenever there is room to keep
    bytes (in memory, or appended to a file); send its answer too. When ``is_complete``, all is
    taken and verified: step ``install(data)`` into ``Raft``. What was taken of a transfer is
    worthless until then and superseded by a piece with offset 0. A snapshot that this member's
    log is past is complete at its first chunk: Raft only tells the leader so.
    """

    __slots__ = ("_id", "_term", "_total_bytes_max", "_transfer", "_window_bytes")

    def __init__(
        self, member: int, *, window_bytes: int = 8 << 20, total_bytes_max: int = 64 << 30
    ) -> None:
        """``window_bytes``: what it holds at most. Raises ValueError below 1."""
        if window_bytes < 1 or total_bytes_max < 0:
            raise ValueError(f"a window of {window_bytes} bytes, at most {total_bytes_max} bytes")
        self._id = member
        self._window_bytes = window_bytes
        self._total_bytes_max = total_bytes_max
        self._transfer: _Transfer | None = None
        self._term = 0

    @property
    def is_complete(self) -> bool:
        """Whether all bytes have arrived, are right and taken, and wait to be installed."""
        transfer = self._transfer
        return (
            transfer is not None
            and not transfer.installed
            and transfer.refused is ChunkRefusal.NO
            and transfer.taken == transfer.chunk.total_bytes
        )

    @property
    def metadata(self) -> SnapshotMetadata | None:
        """What the newest transfer is a snapshot of; None before the first."""
        return None if self._transfer is None else self._transfer.chunk.metadata

    def on_chunk(self, chunk: SnapshotChunk, term: int, commit_index: int) -> SnapshotChunkReply:
        """Take in a chunk at a member whose Raft is in ``term`` and has committed so far.

        Returns the answer. Raises BadChunk, changing nothing, for a chunk that contradicts
        itself or its transfer.
        """
        self._check(chunk)
        self._term = max(self._term, term)
        transfer = self._transfer
        newest = (0, 0) if transfer is None else (transfer.chunk.term, transfer.chunk.attempt)
        name = (chunk.term, chunk.attempt)
        if chunk.term < self._term or name < newest:
            return self._answer(chunk, 0, 0, ChunkRefusal.SUPERSEDED)
        if transfer is None or name > newest:
            transfer = self._begin(chunk)
        elif not _same(chunk, transfer.chunk):
            raise BadChunk(f"attempt {name} of {chunk.source} has changed on its way: {chunk!r}")
        if transfer.refused is ChunkRefusal.NO and transfer.arrived < chunk.total_bytes:
            if chunk.metadata.index <= commit_index:
                transfer.arrived = transfer.taken = chunk.total_bytes
                transfer.pieces.clear()
                transfer.early.clear()
            else:
                _place(transfer, chunk, transfer.taken + self._window_bytes)
        return self._reply(transfer)

    def _check(self, chunk: SnapshotChunk) -> None:
        end = chunk.offset + len(chunk.data)
        if chunk.target != self._id or chunk.source == self._id:
            raise BadChunk(f"member {self._id} got a chunk of {chunk.source} for {chunk.target}")
        if chunk.term < 1 or chunk.attempt < 1 or chunk.metadata.index < 1:
            raise BadChunk(
                f"term {chunk.term}, attempt {chunk.attempt}, index {chunk.metadata.index}"
            )
        if chunk.metadata.term > chunk.term or not chunk.metadata.config.voters:
            raise BadChunk(f"in term {chunk.term} there is no snapshot {chunk.metadata}")
        if chunk.offset < 0 or end > chunk.total_bytes or (not chunk.data and chunk.total_bytes):
            raise BadChunk(
                f"{len(chunk.data)} bytes at {chunk.offset} of a snapshot of {chunk.total_bytes}"
            )
        if len(chunk.checksum) != CHECKSUM_BYTES:
            raise BadChunk(f"a checksum of {len(chunk.checksum)} bytes")

    def _begin(self, chunk: SnapshotChunk) -> _Transfer:
        self._term = max(self._term, chunk.term)
        before = self._transfer
        if before is not None and _resumes(chunk, before):
            # The same bytes from a new attempt or leader: what has arrived stays good.
            before.chunk = chunk
            return before
        transfer = self._transfer = _Transfer(chunk, 0, 0, [], {}, hashlib.sha256())
        if chunk.total_bytes > self._total_bytes_max:
            transfer.refused = ChunkRefusal.TOO_LARGE
        elif not chunk.total_bytes:
            _verify(transfer)
        return transfer

    def take(self) -> tuple[list[SnapshotPiece], SnapshotChunkReply | None]:
        """Take what has arrived in order, and the answer that tells the sender of the room made.

        The answer is None if nothing was taken.
        """
        transfer = self._transfer
        if transfer is None or not transfer.pieces:
            return [], None
        pieces, transfer.pieces = transfer.pieces, []
        transfer.taken = transfer.arrived
        return pieces, self._reply(transfer)

    def install(self, data: bytes) -> InstallSnapshot:
        """Make the message for ``Raft.step`` once ``is_complete``; ``data`` may be b"" if the
        caller keeps the state itself."""
        transfer = self._transfer
        assert self.is_complete, "the snapshot is not complete"
        assert transfer is not None
        transfer.installed = True
        chunk = transfer.chunk
        return InstallSnapshot(
            chunk.source, chunk.target, chunk.term, Snapshot(chunk.metadata, data)
        )

    def _reply(self, transfer: _Transfer) -> SnapshotChunkReply:
        window = transfer.taken + self._window_bytes - transfer.arrived
        return self._answer(transfer.chunk, transfer.arrived, window, transfer.refused)

    def _answer(
        self, chunk: SnapshotChunk, offset: int, window: int, refused: ChunkRefusal
    ) -> SnapshotChunkReply:
        if refused is not ChunkRefusal.NO:
            offset = window = 0
        return SnapshotChunkReply(
            self._id, chunk.source, self._term, chunk.attempt, offset, window, refused
        )


def _content(chunk: SnapshotChunk) -> tuple[SnapshotMetadata, int, bytes]:
    return chunk.metadata, chunk.total_bytes, chunk.checksum


def _same(chunk: SnapshotChunk, other: SnapshotChunk) -> bool:
    return chunk.source == other.source and _content(chunk) == _content(other)


def _resumes(chunk: SnapshotChunk, before: _Transfer) -> bool:
    unfinished = before.refused is ChunkRefusal.NO and not before.installed
    return unfinished and _content(chunk) == _content(before.chunk)


def _place(transfer: _Transfer, chunk: SnapshotChunk, limit: int) -> None:
    """Keep the part of a chunk that is before ``limit``; the rest will come again."""
    data = chunk.data[: max(limit - chunk.offset, 0)]
    early = transfer.early
    if chunk.offset > transfer.arrived:
        held = sum(map(len, early.values()))
        room = limit - transfer.arrived - held
        if data and chunk.offset not in early and len(data) <= room:
            early[chunk.offset] = data
        return
    _append(transfer, chunk.offset, data)
    while early and (first := min(early)) <= transfer.arrived:
        _append(transfer, first, early.pop(first))
    if transfer.arrived == chunk.total_bytes:
        _verify(transfer)


def _append(transfer: _Transfer, offset: int, data: bytes) -> None:
    data = data[transfer.arrived - offset :]
    if data:
        transfer.digest.update(data)
        transfer.pieces.append(SnapshotPiece(transfer.chunk.metadata, transfer.arrived, data))
        transfer.arrived += len(data)


def _verify(transfer: _Transfer) -> None:
    if transfer.digest.digest() != transfer.chunk.checksum:
        transfer.refused = ChunkRefusal.DAMAGED
        transfer.pieces.clear()
