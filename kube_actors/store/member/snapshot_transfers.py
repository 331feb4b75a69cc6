"""The state on its way to a member whose log is too far behind: in chunks, beside Raft.

Freezing only collects references; encoding, decoding and rebuilding go in steps between which the
member answers everybody else. A chunk that is lost is sent again within a few ticks, and a
transfer that broke off goes on where it was when the same bytes are offered again.
"""

import hashlib
import logging
from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import cast

import anyio
from attrs import define, frozen

from kube_actors.raft import (
    BadChunk,
    InstallSnapshot,
    SendingState,
    Snapshot,
    SnapshotChunk,
    SnapshotChunkReply,
    SnapshotMetadata,
    SnapshotPiece,
    SnapshotReceiving,
    SnapshotSending,
)
from kube_actors.store.group import AddressBook, Peers, Replica
from kube_actors.store.member.raft_wire import SnapshotData
from kube_actors.store.state import BadSnapshot, State, decoding, encode_state, run_in_turns

logger = logging.getLogger(__name__)

WINDOW_BYTES = 4 << 20


@frozen
class EncodedState:
    """A state in encoded blocks; implements ``raft.SnapshotSource``."""

    metadata: SnapshotMetadata
    blocks: Sequence[bytes]
    ends: Sequence[int]
    checksum: bytes

    @property
    def total_bytes(self) -> int:
        """How long all blocks are together."""
        return self.ends[-1]

    def read(self, offset: int, bytes_max: int) -> bytes:
        """Return what follows ``offset``, at most ``bytes_max`` bytes and never past one block."""
        at = bisect_right(self.ends, offset)
        begin = self.ends[at] - len(self.blocks[at])
        return self.blocks[at][offset - begin : offset - begin + bytes_max]


@define
class _Outgoing:
    sending: SnapshotSending
    done_ticks: int = 0


class SnapshotTransfers:
    """What one member sends while it leads, and receives while it follows.

    ``pump`` carries out what Raft wants once it was given a whole snapshot.
    """

    def __init__(
        self,
        replica: Replica,
        peers: Peers,
        addresses: AddressBook,
        pump: Callable[[], None],
    ) -> None:
        self._replica = replica
        self._peers = peers
        self._addresses = addresses
        self._pump = pump
        self._outgoing: dict[int, _Outgoing] = {}
        self._attempt = 0
        self._term = 0
        self._encoded: EncodedState | None = None
        self._encoding = anyio.Lock()
        self._idle_ticks = 0
        self._receiving = SnapshotReceiving(replica.number)
        self._pieces: list[SnapshotPiece] = []
        self._decoding = False

    def accept(self, message: SnapshotChunk | SnapshotChunkReply) -> None:
        """Take in a message of a transfer."""
        if isinstance(message, SnapshotChunk):
            self._arrived(message)
        else:
            self._answered(message)

    # -- sending

    def begin(self, install: InstallSnapshot) -> None:
        """Send what Raft wants to be sent."""
        self._replica.spawn(self._begin, install)

    async def _begin(self, install: InstallSnapshot) -> None:
        if not self._replica.knows_group:
            # It leads before it has applied again what it had: the follower is asked once more.
            self._replica.raft.report_snapshot_failed(install.target)
            return
        async with self._encoding:
            encoded = self._encoded
            wanted = install.snapshot.metadata.index
            if encoded is None or encoded.metadata.index < wanted:
                encoded = self._encoded = await self._encode()
        replica = self._replica
        if not replica.raft.is_leader or replica.raft.term != install.term:
            return  # Nobody would take it, and what leads now may be replacing this very state.
        self._attempt += 1
        self._term = install.term
        self._idle_ticks = 0
        config = replica.config
        install = InstallSnapshot(
            install.source, install.target, install.term, Snapshot(encoded.metadata)
        )
        sending = SnapshotSending(
            install,
            encoded,
            attempt=self._attempt,
            chunk_bytes=config.snapshot_chunk_bytes,
            window_bytes=max(WINDOW_BYTES, config.snapshot_chunk_bytes),
            resend_ticks=max(2, config.election_ticks // 4),
            give_up_ticks=10 * config.election_ticks,
        )
        self._outgoing[install.target] = _Outgoing(sending)
        self._send(sending)

    async def _encode(self) -> EncodedState:
        """Encode the state as it is now, at least as new as Raft asks for."""
        snapshot = self._replica.snapshot()
        digest = hashlib.sha256()
        blocks: list[bytes] = []
        for block in encode_state(snapshot.state):
            blocks.append(block)
            digest.update(block)
            await anyio.lowlevel.checkpoint()
        ends = tuple(accumulate(map(len, blocks)))
        return EncodedState(snapshot.metadata, blocks, ends, digest.digest())

    def _send(self, sending: SnapshotSending) -> None:
        address = self._addresses.address(sending.target)
        for chunk in sending.chunks():
            self._replica.actor.tell(address, chunk)

    def _answered(self, reply: SnapshotChunkReply) -> None:
        """Take in the answer to a chunk."""
        self._peers.hear(reply.source)
        outgoing = self._outgoing.get(reply.source)
        if outgoing is None:
            return
        sending = outgoing.sending
        try:
            brought_on = sending.on_reply(reply)
        except BadChunk:
            return
        if brought_on:
            self._replica.raft.report_snapshot_progress(sending.target)
        self._settle(outgoing)

    def tick(self) -> None:
        """Send again what was lost, give up whom nothing reaches, forget what nobody needs."""
        replica = self._replica
        if not replica.raft.is_leader or replica.raft.term != self._term:
            self._outgoing.clear()
        for outgoing in list(self._outgoing.values()):
            outgoing.sending.tick()
            self._settle(outgoing)
        self._idle_ticks = 0 if self._outgoing else self._idle_ticks + 1
        if self._idle_ticks > 10 * replica.config.election_ticks:
            self._encoded = None

    def _settle(self, outgoing: _Outgoing) -> None:
        sending = outgoing.sending
        if sending.state is SendingState.SENDING:
            self._send(sending)
            return
        if sending.state is SendingState.DONE and outgoing.done_ticks == 0:
            outgoing.done_ticks = self._peers.ticks
        # All of it arrived: what is left to come is Raft's own answer. If that is lost, Raft
        # asks again, and the member answers from what it has.
        patience = 4 * self._replica.config.election_ticks
        waited = self._peers.ticks - outgoing.done_ticks
        if sending.state is SendingState.DONE and waited < patience:
            return
        del self._outgoing[sending.target]
        self._replica.raft.report_snapshot_failed(sending.target)

    # -- receiving

    def _arrived(self, chunk: SnapshotChunk) -> None:
        """Take in a chunk, answer it, and go on to decode when it was the last."""
        replica = self._replica
        self._peers.hear(chunk.source)
        receiving, raft = self._receiving, replica.raft
        try:
            reply = receiving.on_chunk(chunk, raft.term, raft.commit_index)
        except BadChunk as error:
            logger.warning("%s: %s", replica.actor.address, error)
            return
        pieces, room = receiving.take()
        for piece in pieces:
            if piece.offset == 0:
                self._pieces = []
            self._pieces.append(piece)
        replica.actor.tell(self._addresses.address(chunk.source), room or reply)
        if receiving.is_complete and not self._decoding:
            self._decoding = True
            replica.spawn(self._install)

    async def _install(self) -> None:
        """Decode what has arrived and give it to Raft."""
        replica, receiving = self._replica, self._receiving
        try:
            while receiving.is_complete:
                metadata = receiving.metadata
                assert metadata is not None
                data = b""
                if metadata.index > replica.raft.commit_index:
                    data = await self._decode()
                if receiving.is_complete and receiving.metadata == metadata:
                    self._pieces = []
                    replica.raft.step(receiving.install(data))
                    self._pump()
        except BadSnapshot as error:
            logger.error(
                "%s was sent a state that it cannot read: %s", replica.actor.address, error
            )
        finally:
            self._decoding = False

    async def _decode(self) -> bytes:
        encoded = b"".join([piece.data for piece in self._pieces])
        state = await run_in_turns(decoding(encoded))
        ready = await run_in_turns(State.restoring(state))
        return cast(bytes, SnapshotData(state, len(encoded), ready))
