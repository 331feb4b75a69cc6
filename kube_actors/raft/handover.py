"""How work leaves the algorithm and comes back done: ``Ready`` out, acknowledgement in.

Every Ready that asks for a write or an application is remembered until it is acknowledged, in
order. Only the acknowledgement moves what counts as durable: the leader's own copy, a candidate's
vote for itself, and what may be applied.
"""

from collections.abc import Sequence

from kube_actors.raft import election, membership, reads, replication
from kube_actors.raft.log import Write
from kube_actors.raft.messages import Entry, HardState
from kube_actors.raft.ready import LEADER, Ready, SoftState
from kube_actors.raft.state import RaftState


def has_ready(state: RaftState) -> bool:
    """Say whether there is anything to hand out."""
    log = state.log
    hard, soft = state.given_hard, state.given_soft
    return bool(
        state.dirty
        or state.messages
        or state.after_persist
        or state.read_states
        or log.written != log.last_index
        or log.pending_snapshot is not None
        or (log.delivered < log.committed and log.delivered < log.persisted)
        or log.committed != hard.commit
        or state.term != hard.term
        or state.vote != hard.vote
        or state.role is not soft.role
        or state.leader != soft.leader
    )


def take_ready(state: RaftState, number: int) -> Ready:
    """Hand out everything that is to be done."""
    log = state.log
    if state.dirty:
        _flush(state)
    snapshot = log.pending_snapshot
    if snapshot is not None:
        log.pending_snapshot = None
    entries: Sequence[Entry] = ()
    if log.written != log.last_index:
        entries = log.take_unwritten()
    committed: Sequence[Entry] = ()
    if log.delivered < log.committed:
        committed = _take_committed(state)
    given = state.given_hard
    hard: HardState | None = None
    must_sync = bool(entries) or snapshot is not None
    term, vote, commit = state.term, state.vote, log.committed
    if commit != given.commit or term != given.term or vote != given.vote:
        must_sync = must_sync or term != given.term or vote != given.vote
        hard = state.given_hard = HardState(term, vote, commit)
    soft: SoftState | None = None
    given_soft = state.given_soft
    if state.role is not given_soft.role or state.leader != given_soft.leader:
        soft = state.given_soft = SoftState(state.leader, state.role)
    if hard is not None or entries or committed or snapshot is not None:
        log.in_flight.append(Write(number, log.last_index, log.delivered, term, vote))
    ready = Ready(
        number,
        hard,
        entries,
        snapshot,
        state.messages,
        state.after_persist,
        committed,
        state.read_states,
        soft,
        must_sync,
    )
    state.messages = []
    state.after_persist = []
    state.read_states = []
    return ready


def _flush(state: RaftState) -> None:
    unsettled = not state.config_settled and state.committed_in_term
    if unsettled:
        membership.leave_joint_if_due(state)
    state.dirty = False
    reads.flush_reads(state)
    if state.role is LEADER:
        replication.flush(state)
        if unsettled:
            membership.step_down_if_removed(state)


def _take_committed(state: RaftState) -> Sequence[Entry]:
    committed, size = state.log.take_committed(state.config.committed_bytes_max)
    if size and state.uncommitted_bytes:
        state.uncommitted_bytes = max(0, state.uncommitted_bytes - size)
    return committed


def acknowledge(state: RaftState, number: int) -> None:
    """Take in that every Ready up to ``number`` is durable, sent and applied."""
    log = state.log
    in_flight = log.in_flight
    while in_flight and in_flight[0].number <= number:
        write = in_flight.popleft()
        log.acknowledge(write)
        state.durable_term = write.term
        state.durable_vote = write.vote
    if state.role is LEADER:
        replication.own_log_became_durable(state)
    elif state.durable_term == state.term and state.durable_vote == state.id:
        election.vote_became_durable(state)
