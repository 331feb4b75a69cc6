"""How a value is agreed: the Raft algorithm as a synchronous machine without input or output.

A ``Raft`` is one member. It is stepped with messages, ticked by whoever owns the clock, asked to
``propose`` and to ``read_index``; what it wants done comes out of ``ready()``. This package opens
no socket and no file, reads no clock and draws no random number that it was not given. Names are
those of Ongaro's paper and thesis.

The driving loop::

    while raft.has_ready():
        ready = raft.ready()
        send(ready.messages)                          # may leave before the write
        disk.write(ready.snapshot, ready.entries, ready.hard_state)
        if ready.must_sync:
            disk.sync()
        send(ready.messages_after_persist)            # only now: they promise what was written
        if ready.snapshot is not None:
            machine.restore(ready.snapshot)
        for entry in ready.committed_entries:         # NORMAL with b"" data: skip it
            machine.apply(entry)                      # CONFIG: for information, see decode_config
        answer(ready.read_states)                     # each once applied_index >= its index
        raft.advance(ready)

What the caller owes:

- Write in the order of the Readys; ``entries`` replace whatever the disk holds from the first
  one's index on; a ``snapshot`` replaces the whole log. An fsync that fails ends the member.
- ``messages`` may leave at once. ``messages_after_persist`` of a Ready leave after that Ready
  **and every one before it** is durable (if none of those has ``must_sync``: at once).
- ``step``, ``tick``, ``propose`` and ``read_index`` may be called at any time, also while a
  write is in flight. So may ``ready()``: several Readys may be in flight, and one fsync may
  cover them all. ``advance(r)`` acknowledges ``r`` and all before it, in order: durable, sent
  and applied. The leader counts its own copy, and entries become committed_entries, only then.
- Messages may be lost, duplicated, delayed and reordered at will; they must not be changed. One
  that no member can have sent is refused with ``UnknownMessage``, and life goes on.
- A restarted member is a new ``Raft`` from the durable hard state, snapshot and entries; the
  state machine restarts from the snapshot, later entries are handed out again.
- ``SafetyViolation`` and ``CorruptState`` are fatal: stop the member.

Founding, and what may be asked::

    Raft(RaftConfig(id=1), random=Random(seed), members=(1, 2, 3),
         hard_state=None, snapshot=None, entries=())
    raft.step(message) ; raft.tick() ; raft.campaign()
    raft.propose(data) -> Index ; raft.propose_many([data, …]) -> Index  # 0: forwarded
    raft.propose_change(ConfigChange((MemberChange(ChangeType.ADD_VOTER, 4),)))
    raft.read_index(context: bytes)             # later: ReadState(index, context) in a Ready
    raft.transfer_leadership(4) ; raft.forget_leader() ; raft.step_down()
    raft.tell_commit(member)                    # under RaftConfig(tell_commits=False)
    raft.compact(Snapshot(raft.snapshot_metadata(), data), keep_entries=5000)
    raft.status() -> Status                     # and .term .role .leader .commit_index …

Every member of a new group is given the same ``members``; one that joins later is given none and
is added by a change, best as a learner first. A group of one commits alone.

Beside the algorithm, each as pure as it and of use alone:

- **Lease reads.** ``RaftConfig(read_only=ReadOnly.LEASE, lease_drift=1)`` at all members: a read
  costs no message while the leader is sure that nobody else leads (``lease``). The caller owes
  ticks that keep time: ``lease_drift`` bounds how far two members' ticks may run apart.
- **Snapshots in chunks.** Not to send an ``InstallSnapshot`` whole, give it to a
  ``SnapshotSending`` and let a ``SnapshotReceiving`` put it together at the other end: resumed
  after a loss, within windows, verified before it is stepped in.
- **Client sessions.** ``Sessions``, inside the caller's state machine, applies each
  ``ClientRequest`` once however often it is in the log.

There are no witness members. One that votes and keeps no log must still vote as if it had the log
that it acknowledged, so it would persist (index, term) in place of entries, never lead, and never
be read from: a second kind of log and of member under every rule here, for the price of one disk.
"""

from kube_actors.raft.config import RaftConfig, ReadOnly
from kube_actors.raft.errors import (
    AlreadyAnswered,
    BadChunk,
    BadSessions,
    CorruptState,
    DropReason,
    InvalidChange,
    LogCompacted,
    LogUnavailable,
    ProposalDropped,
    RaftError,
    ReadDropped,
    SafetyViolation,
    SessionFull,
    SessionUnknown,
    TransferRefused,
    UnknownMessage,
)
from kube_actors.raft.handover import has_ready
from kube_actors.raft.log import LogStorage, MemoryLog
from kube_actors.raft.membership import (
    LEAVE_JOINT,
    ChangeType,
    ConfigChange,
    MemberChange,
    Transition,
    changed,
    decode_config,
)
from kube_actors.raft.messages import (
    MESSAGE_TYPES,
    NOBODY,
    Append,
    AppendReply,
    ConfigState,
    Entry,
    EntryType,
    HardState,
    Heartbeat,
    HeartbeatReply,
    Index,
    InstallSnapshot,
    MemberId,
    Message,
    PreVote,
    PreVoteReply,
    Propose,
    ReadIndex,
    ReadIndexReply,
    Snapshot,
    SnapshotMetadata,
    Term,
    TimeoutNow,
    TransferLeader,
    Vote,
    VoteReply,
)
from kube_actors.raft.quorum import Quorum, VoteResult
from kube_actors.raft.raft import Raft
from kube_actors.raft.ready import ReadState, Ready, Role, SoftState
from kube_actors.raft.sessions import ClientRequest, Sessions
from kube_actors.raft.snapshots import (
    ChunkRefusal,
    SendingState,
    SnapshotBlocks,
    SnapshotChunk,
    SnapshotChunkReply,
    SnapshotPiece,
    SnapshotReceiving,
    SnapshotSending,
    SnapshotSource,
)
from kube_actors.raft.state import RaftState
from kube_actors.raft.status import PeerStatus, Status

__all__ = [
    "AlreadyAnswered",
    "Append",
    "AppendReply",
    "BadChunk",
    "BadSessions",
    "ChangeType",
    "ChunkRefusal",
    "ClientRequest",
    "ConfigChange",
    "ConfigState",
    "CorruptState",
    "DropReason",
    "Entry",
    "EntryType",
    "HardState",
    "Heartbeat",
    "HeartbeatReply",
    "Index",
    "InstallSnapshot",
    "InvalidChange",
    "LEAVE_JOINT",
    "LogCompacted",
    "LogStorage",
    "LogUnavailable",
    "MESSAGE_TYPES",
    "MemberChange",
    "MemberId",
    "MemoryLog",
    "Message",
    "NOBODY",
    "PeerStatus",
    "PreVote",
    "PreVoteReply",
    "ProposalDropped",
    "Propose",
    "Quorum",
    "Raft",
    "RaftConfig",
    "RaftError",
    "RaftState",
    "ReadDropped",
    "ReadIndex",
    "ReadIndexReply",
    "ReadOnly",
    "ReadState",
    "Ready",
    "Role",
    "SafetyViolation",
    "SendingState",
    "SessionFull",
    "SessionUnknown",
    "Sessions",
    "Snapshot",
    "SnapshotBlocks",
    "SnapshotChunk",
    "SnapshotChunkReply",
    "SnapshotMetadata",
    "SnapshotPiece",
    "SnapshotReceiving",
    "SnapshotSending",
    "SnapshotSource",
    "SoftState",
    "Status",
    "Term",
    "TimeoutNow",
    "TransferLeader",
    "TransferRefused",
    "Transition",
    "UnknownMessage",
    "Vote",
    "VoteReply",
    "VoteResult",
    "changed",
    "decode_config",
    "has_ready",
]
