"""Snapshots in chunks, beside the algorithm: resumed after a loss, within windows, verified.

Not to send an ``InstallSnapshot`` whole, give it to a ``SnapshotSending`` and let a
``SnapshotReceiving`` put it together at the other end. What it gives back is stepped into
``Raft`` like the message it came from; a chunk that does not belong is refused.
"""

from kube_actors.raft.snapshots.chunks import (
    ChunkRefusal,
    SnapshotBlocks,
    SnapshotChunk,
    SnapshotChunkReply,
    SnapshotSource,
)
from kube_actors.raft.snapshots.receiving import SnapshotPiece, SnapshotReceiving
from kube_actors.raft.snapshots.sending import SendingState, SnapshotSending

__all__ = [
    "ChunkRefusal",
    "SendingState",
    "SnapshotBlocks",
    "SnapshotChunk",
    "SnapshotChunkReply",
    "SnapshotPiece",
    "SnapshotReceiving",
    "SnapshotSending",
    "SnapshotSource",
]
