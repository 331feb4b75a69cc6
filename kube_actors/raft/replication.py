"""How a leader gets its log to the others (paper §5.3, §5.4.2, §7; thesis §10.2).

Appends are made when the caller asks for a ``Ready``, not when a proposal comes, so everything
that arrived in between shares one message. The leader's own disk is one voter among others: it
counts when the caller says that the write is durable, in parallel with the followers'.
"""

from kube_actors.raft.config import ReadOnly
from kube_actors.raft.errors import SafetyViolation
from kube_actors.raft.messages import (
    Append,
    AppendReply,
    Entry,
    Heartbeat,
    HeartbeatReply,
    InstallSnapshot,
    TimeoutNow,
)
from kube_actors.raft.progress import PROBE, REPLICATE, SNAPSHOT, Progress
from kube_actors.raft.reads import answered_round, begin_round, number_round
from kube_actors.raft.roles import become_follower
from kube_actors.raft.state import RaftState

Slices = dict[int, tuple[tuple[Entry, ...], int]]


def tick_leader(state: RaftState) -> None:
    """Let time pass: check the quorum, give up a slow transfer, send heartbeats."""
    config = state.config
    if config.check_quorum and not state.quorum.is_met(state.answering()):
        become_follower(state, state.term, 0)
        return
    if state.transferee:
        state.election_elapsed += 1
        if state.election_elapsed >= config.election_ticks:
            state.transferee = 0
    for progress in state.progress.values():
        if progress.state is SNAPSHOT:
            waited = state.ticks - progress.snapshot_tick
            if waited >= config.snapshot_wait_ticks:
                progress.abandon_snapshot()
                state.dirty = True
    state.heartbeat_elapsed += 1
    if state.heartbeat_elapsed >= config.heartbeat_ticks:
        if state.reads.waiting and state.committed_in_term:
            begin_round(state)
        elif config.read_only is ReadOnly.LEASE:
            number_round(state)
        broadcast_heartbeat(state)


def broadcast_heartbeat(state: RaftState) -> None:
    """Send a heartbeat of the newest read round to every other member."""
    state.heartbeat_elapsed = 0
    me, term, committed, number = state.id, state.term, state.log.committed, state.reads.round
    lazy = not state.config.tell_commits
    for member, progress in state.progress.items():
        if member != me:
            # Not beyond what is stored there: it may not have those entries yet.
            commit = min(progress.match_index, committed)
            state.messages.append(Heartbeat(me, member, term, commit, number))
            if lazy and commit > progress.sent_commit:
                progress.sent_commit = commit


def flush(state: RaftState) -> None:
    """Make every append that is owed and may be sent now."""
    slices: Slices = {}
    log = state.log
    me, committed, last_index = state.id, log.committed, log.last_index
    lazy = not state.config.tell_commits
    for member, progress in state.progress.items():
        if member == me:
            continue
        told = progress.sent_commit
        if (
            progress.next_index > last_index
            and not progress.must_send
            and (told >= committed or told >= last_index or (lazy and not progress.tell_commit))
        ):
            continue  # ``_send_append`` would find nothing owed.
        while _send_append(state, member, progress, slices):
            pass


def _send_append(state: RaftState, member: int, progress: Progress, slices: Slices) -> bool:
    """Send one append if one is owed; say whether another may follow at once."""
    log = state.log
    previous = progress.next_index - 1
    last_index = log.last_index
    committed = log.committed
    told = progress.sent_commit >= committed or progress.sent_commit >= previous
    if not (told or progress.tell_commit or state.config.tell_commits):
        told = True
    if told and previous >= last_index and not progress.must_send:
        return False
    paused = progress.is_paused
    if paused and not (progress.must_send and progress.state is REPLICATE):
        return False
    if previous < log.offset:
        _send_snapshot(state, member, progress)
        return False
    entries: tuple[Entry, ...] = ()
    size = 0
    if previous < last_index and not paused:
        if previous in slices:
            entries, size = slices[previous]
        else:
            entries, size = log.slice(previous + 1, state.config.message_bytes_max)
            slices[previous] = (entries, size)
    last = previous + len(entries)
    state.messages.append(
        Append(state.id, member, state.term, previous, log.term(previous), entries, committed)
    )
    progress.must_send = progress.tell_commit = False
    progress.sent_commit = committed if committed < last else last
    if progress.state is PROBE:
        progress.paused = True
        return False
    if entries:
        progress.sent(last, size)
    return last < last_index and not paused


def tell_commit(state: RaftState, member: int) -> None:
    """Owe a member, or everybody, the commit index if there is news."""
    committed = state.log.committed
    for one, progress in state.progress.items():
        if member in (0, one) and one != state.id and progress.sent_commit < committed:
            progress.tell_commit = True
            state.dirty = True


def _send_snapshot(state: RaftState, member: int, progress: Progress) -> None:
    if not state.heard_lately(member):
        return  # A big message to a silent member: wait until it answers a heartbeat.
    snapshot = state.log.snapshot
    state.messages.append(InstallSnapshot(state.id, member, state.term, snapshot))
    progress.become_snapshot(snapshot.metadata.index, state.ticks)


def maybe_commit(state: RaftState) -> None:
    """Commit what a quorum stores, if its last entry is of this term (§5.4.2, figure 8)."""
    log = state.log
    index = state.quorum.committed_index(state.progress)
    if index > log.committed and log.term(index) == state.term:
        log.committed = index
        state.committed_in_term = True
        state.dirty = True


def own_log_became_durable(state: RaftState) -> None:
    """Count the leader's own copy up to what the caller said is on disk."""
    progress = state.progress.get(state.id)
    if progress is not None and progress.acknowledge(state.log.persisted):
        maybe_commit(state)


def on_append_reply(state: RaftState, message: AppendReply) -> None:
    """Learn how far a follower's log is durable, and commit by counting (paper §5.3, §5.4.2).

    Acknowledged: its match index grows, and what a quorum holds is committed if that entry is of
    this term; appends go on, and a caught-up transferee is told to campaign. Rejected, and not by
    an old refusal: one that was pipelined is probed from what it surely stores, one that was probed
    from where the hint says that the logs may agree. A member outside the configuration is not
    listened to. Nothing need be persisted: the commit index is volatile (figure 2). Raises
    SafetyViolation if a follower stored more than this log holds.
    """
    progress = state.progress.get(message.source)
    if progress is None:
        return
    log = state.log
    if message.rejected:
        agreeing = message.hint_index
        if message.hint_term:
            agreeing, _ = log.last_agreeing(message.hint_index, message.hint_term)
        if progress.refuse(message.index, agreeing):
            state.dirty = True
        return
    index = message.index
    if index > log.last_index:
        raise SafetyViolation(
            f"{message.source} stored {index} but its leader's log ends at {log.last_index}"
        )
    news = progress.acknowledge(index)
    if progress.state is PROBE:
        # Zero is also what an append of an older term is told, which says nothing of the log.
        if index == progress.match_index and (index or progress.next_index == 1):
            progress.become_replicate()
    elif progress.state is SNAPSHOT and progress.match_index >= log.offset:
        progress.become_replicate()
    if news and index > log.committed:
        maybe_commit(state)
    if progress.next_index <= log.last_index or (
        progress.sent_commit < log.committed and (state.config.tell_commits or progress.tell_commit)
    ):
        state.dirty = True
    if state.transferee == message.source:
        hand_over(state)


def on_heartbeat_reply(state: RaftState, message: HeartbeatReply) -> None:
    """Know that a member follows: lift its pause, extend its lease, count it for reads.

    It says nothing of the log (paper §5.2; thesis 6.4, 6.4.1): if this log is ahead or the member
    is probed, an append is owed that shows whether earlier ones were lost.
    """
    progress = state.progress.get(message.source)
    if progress is None:
        return
    progress.paused = False
    if progress.match_index < state.log.last_index or progress.state is PROBE:
        # Whatever was sent may have been lost: an append shows whether it was.
        progress.must_send = True
        state.dirty = True
    if state.lease.sent:
        state.lease.answered(message.source, message.round)
    if state.reads.rounds:
        answered_round(state, message.source, message.round)


def hand_over(state: RaftState) -> None:
    """Tell the transferee to campaign, once its log is complete (thesis 3.10)."""
    progress = state.progress.get(state.transferee)
    if progress is not None and progress.match_index == state.log.last_index:
        state.messages.append(TimeoutNow(state.id, state.transferee, state.term))
