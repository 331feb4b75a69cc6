"""The leader's side of one snapshot in chunks: what to send now, and again after a loss.

Chunks flow within a window of bytes that both sides limit. Silence makes the sender go back to
what was acknowledged and knock with one chunk at a time until it is answered, so a receiver that
was away, restarted, or short of room is neither flooded nor forgotten.
"""

from enum import Enum

from kube_actors.raft.errors import BadChunk
from kube_actors.raft.messages import InstallSnapshot, MemberId, SnapshotMetadata, Term
from kube_actors.raft.snapshots.chunks import (
    ChunkRefusal,
    SnapshotChunk,
    SnapshotChunkReply,
    SnapshotSource,
)


class SendingState(Enum):
    """SENDING goes to DONE or FAILED once and stays there."""

    SENDING = "sending"
    DONE = "done"
    FAILED = "failed"


class SnapshotSending:
    """Send one snapshot to one member.

    Make one when a Ready holds an ``InstallSnapshot``; call ``chunks`` and send what it returns
    after making it, after each ``on_reply`` and after each ``tick``. Tell ``Raft`` what it says:
    ``report_snapshot_progress(target)`` when ``on_reply`` returns True, and
    ``report_snapshot_failed(target)`` when ``state`` becomes FAILED. Drop it when this member
    leads no more, or when ``Raft`` asks for another snapshot to the same target.
    """

    __slots__ = (
        "_acknowledged",
        "_attempt",
        "_chunk_bytes",
        "_give_up_ticks",
        "_install",
        "_knocking",
        "_next",
        "_resend_ticks",
        "_silent_ticks",
        "_source",
        "_stalled_ticks",
        "_their_window",
        "_window_bytes",
        "reason",
        "state",
    )

    def __init__(
        self,
        install: InstallSnapshot,
        source: SnapshotSource,
        *,
        attempt: int,
        chunk_bytes: int = 256 << 10,
        window_bytes: int = 4 << 20,
        resend_ticks: int = 5,
        give_up_ticks: int = 100,
    ) -> None:
        """``install`` says from whom, to whom, in which term and of which metadata; its data is
        not looked at. ``attempt`` must be higher than that of every earlier transfer to the same
        member in this term. ``resend_ticks``: without progress for so long, send again;
        ``give_up_ticks``: without any answer for so long, fail. Raises ValueError."""
        limits = (attempt, chunk_bytes, window_bytes, resend_ticks, give_up_ticks)
        if min(limits) < 1:
            raise ValueError(f"attempt, sizes and ticks must be at least 1: {limits}")
        self._install = install
        self._source = source
        self._attempt = attempt
        self._chunk_bytes = chunk_bytes
        self._window_bytes = window_bytes
        self._their_window = chunk_bytes  # Until the receiver has said more.
        self._resend_ticks = resend_ticks
        self._give_up_ticks = give_up_ticks
        self._acknowledged = 0
        self._next = 0
        self._silent_ticks = 0
        self._stalled_ticks = 0
        self._knocking = True
        self.state = SendingState.SENDING
        self.reason = ""

    @property
    def target(self) -> MemberId:
        """The member that the snapshot goes to."""
        return MemberId(self._install.target)

    @property
    def term(self) -> Term:
        """The term in which the sender leads; an answer of a newer one ends the transfer."""
        return Term(self._install.term)

    @property
    def metadata(self) -> SnapshotMetadata:
        """What the snapshot replaces: its last entry's index and term, and the group."""
        return self._install.snapshot.metadata

    @property
    def acknowledged_bytes(self) -> int:
        """How many bytes, from the start, the receiver has.

        Falls back when a receiver has lost what it had, with a restart, say.
        """
        return self._acknowledged

    @property
    def total_bytes(self) -> int:
        """How many bytes the encoded snapshot has."""
        return self._source.total_bytes

    def chunks(self) -> list[SnapshotChunk]:
        """Return what may be sent now, in order; nothing once it is done or has failed."""
        if self.state is not SendingState.SENDING:
            return []
        if self._knocking:
            # One chunk whatever the window: its answer tells offset and room.
            self._knocking = False
            self._next = self._acknowledged
            return [self._take(self._chunk_bytes)]
        end = self._acknowledged + min(self._window_bytes, self._their_window)
        chunks = []
        while self._next < min(end, self.total_bytes):
            chunks.append(self._take(min(self._chunk_bytes, end - self._next)))
        return chunks

    def _take(self, bytes_max: int) -> SnapshotChunk:
        install, source = self._install, self._source
        offset = self._next
        data = source.read(offset, bytes_max)
        self._next += len(data)
        return SnapshotChunk(
            install.source,
            install.target,
            install.term,
            self._attempt,
            install.snapshot.metadata,
            offset,
            source.total_bytes,
            source.checksum,
            data,
        )

    def on_reply(self, reply: SnapshotChunkReply) -> bool:
        """Take in an answer; say whether it brought the transfer on.

        Answers to other attempts and answers that arrive late change nothing. Raises BadChunk
        for an answer that no receiver of this snapshot can have given.
        """
        install = self._install
        if (reply.source, reply.target) != (install.target, install.source):
            raise BadChunk(f"an answer of {reply.source} to {reply.target} is not of this transfer")
        if not 0 <= reply.offset <= self.total_bytes or reply.window_bytes < 0:
            raise BadChunk(
                f"member {reply.source} answers offset {reply.offset} of {self.total_bytes} "
                f"with room for {reply.window_bytes} bytes"
            )
        if self.state is not SendingState.SENDING:
            return False
        if reply.term > install.term:
            return self._fail(f"term {reply.term} has begun")
        if reply.attempt != self._attempt or reply.term != install.term:
            return False
        if reply.refused is not ChunkRefusal.NO:
            return self._fail(f"refused: {reply.refused.name.lower().replace('_', ' ')}")
        self._silent_ticks = 0
        return self._move_to(reply.offset, reply.window_bytes)

    def _move_to(self, offset: int, window_bytes: int) -> bool:
        if offset == self.total_bytes:
            self._acknowledged = offset
            self.state = SendingState.DONE
            return True
        if offset < self._acknowledged and self._stalled_ticks < self._resend_ticks:
            return False  # Late. When all is stalled it is a receiver that lost what it had.
        self._their_window = window_bytes
        # What was sent beyond their room was not kept.
        self._next = min(max(self._next, offset), offset + window_bytes)
        if offset == self._acknowledged:
            return False
        self._acknowledged = offset
        self._stalled_ticks = 0
        return True

    def tick(self) -> None:
        """Let one unit of time pass."""
        if self.state is not SendingState.SENDING:
            return
        self._silent_ticks += 1
        self._stalled_ticks += 1
        if self._silent_ticks >= self._give_up_ticks:
            self._fail(f"no answer for {self._silent_ticks} ticks")
        elif self._stalled_ticks % self._resend_ticks == 0:
            self._knocking = True

    def _fail(self, reason: str) -> bool:
        self.state = SendingState.FAILED
        self.reason = reason
        return False
