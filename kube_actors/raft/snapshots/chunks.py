"""A snapshot on its way in pieces: the two messages, and where the pieces are read from.

One ``InstallSnapshot`` with all of a state in it would hold up every heartbeat behind it and start
from nothing after each loss. The thesis (§5.1, figure 5.3) therefore sends it in chunks by offset.
These messages are not stepped into ``Raft``: ``SnapshotSending`` and ``SnapshotReceiving`` carry
the data beside it, and only the whole, verified snapshot is stepped in, as an ``InstallSnapshot``.
"""

import hashlib
from bisect import bisect_right
from collections.abc import Iterable
from enum import IntEnum
from itertools import accumulate
from typing import Final, Protocol

from attrs import frozen

from kube_actors.raft.messages import SnapshotMetadata

CHECKSUM_BYTES: Final = 32


class ChunkRefusal(IntEnum):
    """Why a receiver will take nothing more of a transfer.

    SUPERSEDED: it knows a newer term or a newer attempt. DAMAGED: all bytes came and their
    checksum was wrong. TOO_LARGE: more bytes are announced than it takes.
    """

    NO = 0
    SUPERSEDED = 1
    DAMAGED = 2
    TOO_LARGE = 3


@frozen
class SnapshotChunk:
    """``data`` belongs at ``offset`` of a snapshot of ``total_bytes`` with this SHA-256.

    (``term``, ``attempt``) names one transfer and orders transfers: the leader of a term counts
    its attempts up, so that a chunk of an older one, arriving late, is known for what it is.
    ``data`` is empty only if the whole snapshot is.
    """

    source: int
    target: int
    term: int
    attempt: int
    metadata: SnapshotMetadata
    offset: int
    total_bytes: int
    checksum: bytes
    data: bytes


@frozen
class SnapshotChunkReply:
    """Everything before ``offset`` has arrived; ``window_bytes`` more may be sent from there on.

    ``attempt`` echoes the chunk's; ``term`` is the newest that the receiver knows. ``offset`` is
    the total size only once the checksum has been found right.
    """

    source: int
    target: int
    term: int
    attempt: int
    offset: int
    window_bytes: int
    refused: ChunkRefusal = ChunkRefusal.NO


class SnapshotSource(Protocol):
    """An encoded state that does not change while it is sent: in memory, or a file."""

    @property
    def total_bytes(self) -> int:
        """How many bytes there are; the same throughout."""

    @property
    def checksum(self) -> bytes:
        """The SHA-256 of all bytes."""

    def read(self, offset: int, bytes_max: int) -> bytes:
        """Return at most ``bytes_max`` bytes from ``offset`` on; at least one before the end."""


class SnapshotBlocks:
    """A source in memory: the encoded state in blocks of any size, never joined."""

    __slots__ = ("_blocks", "_ends", "checksum", "total_bytes")

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._blocks = [block for block in blocks if block]
        self._ends = list(accumulate(map(len, self._blocks)))
        self.total_bytes: int = self._ends[-1] if self._ends else 0
        digest = hashlib.sha256()
        for block in self._blocks:
            digest.update(block)
        self.checksum: bytes = digest.digest()

    def read(self, offset: int, bytes_max: int) -> bytes:
        """Return up to ``bytes_max`` bytes, joined across blocks; b"" from the end on."""
        end = min(offset + bytes_max, self.total_bytes)
        parts: list[bytes] = []
        at = bisect_right(self._ends, offset)
        while offset < end:
            block = self._blocks[at]
            begin = self._ends[at] - len(block)
            part = block[offset - begin : end - begin]
            parts.append(part)
            offset += len(part)
            at += 1
        return parts[0] if len(parts) == 1 else b"".join(parts)
