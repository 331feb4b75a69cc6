"""``Raft``: one member of a group, as a machine that is stepped, ticked and read out.

It holds no clock, no socket, no disk and no source of randomness of its own; every method returns
at once. The package docstring says what the caller owes.
"""

from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import Any, Final

from kube_actors.raft import (
    election,
    following,
    membership,
    proposals,
    reads,
    replication,
    transfer,
)
from kube_actors.raft.config import RaftConfig
from kube_actors.raft.errors import LogCompacted, TransferRefused, UnknownMessage
from kube_actors.raft.handover import acknowledge, has_ready, take_ready
from kube_actors.raft.log import MemoryLog
from kube_actors.raft.membership import ConfigChange
from kube_actors.raft.messages import (
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
from kube_actors.raft.progress import REPLICATE
from kube_actors.raft.ready import LEADER, Ready, Role
from kube_actors.raft.roles import become_follower
from kube_actors.raft.state import RaftState
from kube_actors.raft.status import Status, describe
from kube_actors.raft.terms import settle_term

# What is asked for often returns its number as it is: calling Index or Term costs more than that.
_NORMAL: Final = EntryType.NORMAL

_HANDLERS: Final[dict[type, Callable[[RaftState, Any], None]]] = {
    Append: following.on_append,
    AppendReply: replication.on_append_reply,
    Heartbeat: following.on_heartbeat,
    HeartbeatReply: replication.on_heartbeat_reply,
    Vote: election.on_vote,
    VoteReply: election.on_vote_reply,
    PreVote: election.on_pre_vote,
    PreVoteReply: election.on_pre_vote_reply,
    InstallSnapshot: following.on_install_snapshot,
    ReadIndex: reads.on_read_index,
    ReadIndexReply: reads.on_read_index_reply,
    TransferLeader: transfer.on_transfer_leader,
    TimeoutNow: election.on_timeout_now,
    Propose: proposals.on_propose,
}


class Raft:
    """One member. Not thread-safe; methods never wait and never call back."""

    __slots__ = ("_number", "_state")

    def __init__(
        self,
        config: RaftConfig,
        *,
        random: Random,
        members: Iterable[int] = (),
        hard_state: HardState | None = None,
        snapshot: Snapshot | None = None,
        entries: Sequence[Entry] = (),
    ) -> None:
        """Start a member, new or from what its disk holds.

        ``members`` are the voters that the group was founded with; a snapshot overrules them.
        Everything committed after the snapshot is handed out again to be applied. Raises
        CorruptState if the recovered parts contradict each other.
        """
        hard = on_disk = hard_state or HardState()
        if snapshot is None:
            snapshot = Snapshot(SnapshotMetadata(config=ConfigState(tuple(sorted(members)))))
        log = MemoryLog(snapshot, entries, hard.commit)
        if log.last_term > hard.term:
            # A crash came between the entries and the hard state of one Ready: nothing that
            # this member promised in the newer term had left yet.
            hard = HardState(log.last_term, 0, hard.commit)
        self._state = RaftState(config, random, log, hard, snapshot.metadata.config)
        if hard is not on_disk:
            # The newer term is in the log only, and a snapshot may replace that: write it down
            # before anything is promised in it.
            self._state.given_hard = on_disk
            self._state.durable_term = on_disk.term
            self._state.durable_vote = on_disk.vote
        self._number = 0
        if log.entries:
            membership.follow_entries(self._state, log.entries)
        become_follower(self._state, hard.term, 0)

    # -- input ---------------------------------------------------------------------------

    def step(self, message: Message) -> None:
        """Take in a message from another member.

        Raises UnknownMessage for one that no member can have sent: nothing of it is taken in but
        perhaps its term. Raises SafetyViolation: stop this member.
        """
        state = self._state
        handler = _HANDLERS.get(type(message))
        if handler is None or message.target != state.id or message.source == state.id:
            raise UnknownMessage(f"member {state.id} cannot take {message!r}")
        heard, source = state.heard, message.source
        if source in heard or source in state.quorum.members:
            heard[source] = state.ticks
        if message.term != state.term and not settle_term(state, message):
            return
        handler(state, message)

    def tick(self) -> None:
        """Let one unit of time pass."""
        state = self._state
        state.ticks += 1
        if state.role is LEADER:
            replication.tick_leader(state)
        else:
            election.tick_election(state)

    def propose(self, data: bytes) -> Index:
        """Propose one entry; see ``propose_many``."""
        return proposals.propose(self._state, (data,), _NORMAL)  # type: ignore[return-value]

    def propose_many(self, data: Sequence[bytes]) -> Index:
        """Propose entries, all or none, adjacent and in order.

        Returns the index of the first if this member leads, 0 if they were forwarded. Nothing
        is decided until they come back as committed entries; another leader may replace them.
        Raises ProposalDropped, and ValueError for no entries at all.
        """
        if not data:
            raise ValueError("propose at least one entry")
        return proposals.propose(self._state, data, _NORMAL)  # type: ignore[return-value]

    def propose_change(self, change: ConfigChange) -> Index:
        """Propose another membership; each member follows it as soon as it is in its log.

        Returns its index, 0 if it was forwarded. Raises ProposalDropped while another change is
        not committed (or the learner to promote lags), InvalidChange if it makes no sense.
        """
        data = (change.to_bytes(),)
        return Index(proposals.propose(self._state, data, EntryType.CONFIG))

    def read_index(self, context: bytes) -> None:
        """Ask from which applied index on a read is linearizable; a ``ReadState`` answers.

        No answer comes if the leader changes or a message is lost: ask again, with a context
        never used before. Raises ReadDropped when no leader is known.
        """
        reads.read_index(self._state, context)

    def campaign(self) -> None:
        """Try to become the leader now, as if the election timeout had passed."""
        election.campaign(self._state)

    def transfer_leadership(self, target: int) -> None:
        """Hand leadership to a voter, once its log is complete; given up after an election
        timeout. A follower asks its leader. Raises TransferRefused."""
        state = self._state
        if state.is_leader:
            transfer.transfer(state, target)
        elif state.leader:
            state.messages.append(TransferLeader(state.id, state.leader, state.term, target))
        else:
            raise TransferRefused(target, "no leader is known")

    def forget_leader(self) -> bool:
        """Take the leader for gone, so that this follower may vote for another at once: for a
        caller that knows. The term stays; a message of the leader brings it back to mind.

        Returns whether there was one to forget: a leader or candidate forgets nothing, nor does
        anyone under lease reads, whose safety is this very memory.
        """
        return election.forget_leader(self._state)

    def tell_commit(self, member: int = 0) -> None:
        """Tell ``member``, or everybody, the commit index now, if this one leads and it is news:
        for a caller that set ``tell_commits`` to False and knows who waits."""
        replication.tell_commit(self._state, member)

    def step_down(self) -> None:
        """Stop leading, so that another member can: for a leader that its disk fails."""
        if self.is_leader:
            become_follower(self._state, self._state.term, 0)

    def report_unreachable(self, member: int) -> None:
        """Say that what was sent to ``member`` may be lost: a leader then sends carefully."""
        progress = self._state.progress.get(member)
        if progress is not None and progress.state is REPLICATE:
            progress.become_probe()
            self._state.dirty = True

    def report_snapshot_progress(self, member: int) -> None:
        """Say that more of a snapshot has reached ``member``: its wait begins anew."""
        progress = self._state.progress.get(member)
        if progress is not None and progress.snapshot_index:
            progress.snapshot_tick = self._state.ticks

    def report_snapshot_failed(self, member: int) -> None:
        """Say that a snapshot did not reach ``member``: the leader will try again."""
        progress = self._state.progress.get(member)
        if progress is not None and progress.snapshot_index:
            progress.abandon_snapshot()
            progress.paused = True  # until the next heartbeat is answered

    # -- output --------------------------------------------------------------------------

    def has_ready(self) -> bool:
        """Say whether ``ready()`` would hand out anything."""
        return has_ready(self._state)

    def ready(self) -> Ready:
        """Hand out everything that is to be done; may be called while others are in flight."""
        self._number += 1
        return take_ready(self._state, self._number)

    def advance(self, ready: Ready) -> None:
        """Say that ``ready`` and all before it are durable, sent and applied."""
        acknowledge(self._state, ready.number)

    def compact(self, snapshot: Snapshot, *, keep_entries: int = 0) -> bool:
        """Forget entries that a durable snapshot of the caller's replaces.

        The last ``keep_entries`` of them stay for members that are a little behind. Returns
        False if a newer snapshot is held. Raises LogUnavailable if it was not applied yet.
        """
        if not self._state.log.compact(snapshot, keep_entries):
            return False
        membership.forget_configs(self._state, snapshot.metadata.index)
        return True

    def snapshot_metadata(self) -> SnapshotMetadata:
        """Describe a snapshot of the state machine as of ``applied_index``.

        Raises LogCompacted while a snapshot from the leader is being installed, and at a member
        that joined and has not applied any configuration yet: who founded the group is not in
        the log, and a snapshot that does not say who belongs to it is worth nothing.
        """
        state = self._state
        index = state.log.applied
        term = state.log.term(index)
        who = membership.config_as_of(state, index)
        if not who.voters:
            raise LogCompacted(index, state.log.first_index)
        return SnapshotMetadata(index, term, who)

    def config_as_of(self, index: int) -> ConfigState:
        """Return the configuration in force at an applied entry, for a snapshot of a caller
        that applies ahead of ``advance``. Raises LogCompacted if it is no longer known."""
        return membership.config_as_of(self._state, index)

    # -- what it is ----------------------------------------------------------------------

    @property
    def id(self) -> MemberId:
        """This member's number; fixed for its life."""
        return MemberId(self._state.id)

    @property
    def term(self) -> Term:
        """The newest term that it has heard of; perhaps not durable yet."""
        return self._state.term  # type: ignore[return-value]

    @property
    def vote(self) -> MemberId:
        """Whom it voted for in this term, 0 for nobody yet; perhaps not durable yet."""
        return MemberId(self._state.vote)

    @property
    def role(self) -> Role:
        """Follower, pre-candidate, candidate or leader (paper, figure 4)."""
        return self._state.role

    @property
    def is_leader(self) -> bool:
        """Whether it leads ``term``. A newer leader may exist unheard: for a read, ask
        ``read_index``."""
        return self._state.role is LEADER

    @property
    def leader(self) -> MemberId:
        """Who leads as far as this member knows; 0 when nobody does."""
        return self._state.leader  # type: ignore[return-value]

    @property
    def commit_index(self) -> Index:
        """The highest index known to be committed; nothing up to it is ever replaced."""
        return self._state.log.committed  # type: ignore[return-value]

    @property
    def applied_index(self) -> Index:
        """The highest index that was applied: the snapshot's at first, then ``advance`` says."""
        return self._state.log.applied  # type: ignore[return-value]

    @property
    def first_index(self) -> Index:
        """The oldest index in the log: one after the last compacted, also in an empty log."""
        return Index(self._state.log.first_index)

    @property
    def last_index(self) -> Index:
        """The index of the last entry in the log, durable or not."""
        return Index(self._state.log.last_index)

    @property
    def persisted_index(self) -> Index:
        """The highest index that is on disk, as told by ``advance``.

        0 while a snapshot from the leader is being written.
        """
        return Index(self._state.log.persisted)

    @property
    def log(self) -> MemoryLog:
        """The log, to be read only: see ``LogStorage``."""
        return self._state.log

    @property
    def config_state(self) -> ConfigState:
        """The newest configuration in this member's log, committed or not (§6)."""
        return self._state.config_state

    @property
    def answering(self) -> tuple[int, ...]:
        """Voters heard from within the last election timeout, this one included.

        Complete at a leader; a follower usually hears only its leader.
        """
        return tuple(self._state.answering())

    @property
    def has_quorum(self) -> bool:
        """Whether ``answering`` suffices for a decision."""
        return self._state.quorum.is_met(self._state.answering())

    def status(self) -> Status:
        """Describe this member and, if it leads, what it knows of the others."""
        return describe(self._state)
