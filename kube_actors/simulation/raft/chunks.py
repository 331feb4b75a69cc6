"""Snapshots in chunks at a simulated member: what the caller of ``Raft`` does about them.

A snapshot is sent as the Raft module's ``SnapshotSending`` says and put together by its
``SnapshotReceiving``, over links that lose, repeat and reorder every chunk and answer. Only memory
holds what has arrived, so a crash begins anew.
"""

from collections.abc import Callable

from kube_actors.raft import InstallSnapshot, Message, Raft, SnapshotReceiving, SnapshotSending
from kube_actors.raft.snapshots import (
    SendingState,
    SnapshotBlocks,
    SnapshotChunk,
    SnapshotChunkReply,
)

COPIES = 64  # A snapshot's data is short here: repeated, it takes several chunks.


class Chunks:
    """Everything on its way to and from one incarnation of one member."""

    def __init__(
        self,
        raft: Raft,
        chunk_bytes: int,
        post: Callable[[Message | SnapshotChunk | SnapshotChunkReply], None],
    ) -> None:
        self.raft = raft
        self.post = post
        self.chunk_bytes = chunk_bytes
        self.attempts = 0
        self.sending: dict[int, SnapshotSending] = {}
        self.receiving = SnapshotReceiving(raft.id, window_bytes=4 * chunk_bytes)
        self.data = bytearray()

    def send(self, install: InstallSnapshot) -> None:
        """Begin to send a snapshot; it takes the place of an older one to the same member."""
        self.attempts += 1
        sending = SnapshotSending(
            install,
            SnapshotBlocks([install.snapshot.data * COPIES]),
            attempt=self.attempts,
            chunk_bytes=self.chunk_bytes,
            window_bytes=3 * self.chunk_bytes,
            give_up_ticks=40,
        )
        self.sending[install.target] = sending
        self._go_on(sending)

    def _go_on(self, sending: SnapshotSending) -> None:
        for chunk in sending.chunks():
            self.post(chunk)
        if sending.state is not SendingState.SENDING:
            del self.sending[sending.target]
            if sending.state is SendingState.FAILED:
                self.raft.report_snapshot_failed(sending.target)

    def tick(self) -> None:
        """Go on with what is being sent, while this member leads the term in which it began."""
        raft = self.raft
        for sending in list(self.sending.values()):
            if not raft.is_leader or raft.term != sending.term:
                del self.sending[sending.target]
            else:
                sending.tick()
                self._go_on(sending)

    def receive(self, message: SnapshotChunk | SnapshotChunkReply) -> None:
        """Take in a chunk, or the answer to one."""
        raft = self.raft
        if isinstance(message, SnapshotChunkReply):
            sending = self.sending.get(message.source)
            if sending is not None:
                if sending.on_reply(message):
                    raft.report_snapshot_progress(message.source)
                self._go_on(sending)
            return
        self.post(self.receiving.on_chunk(message, raft.term, raft.commit_index))
        pieces, answer = self.receiving.take()
        for piece in pieces:
            if piece.offset == 0:
                self.data.clear()
            self.data += piece.data
        if answer is not None:
            self.post(answer)
        if self.receiving.is_complete:
            raft.step(self.receiving.install(bytes(self.data[: len(self.data) // COPIES])))
