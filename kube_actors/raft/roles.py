"""The four roles and the ways between them (paper, figure 4; thesis 9.6 for pre-candidates).

Entering any role but pre-candidate forgets everything that belonged to the one before it.
Leaving a term is the only way to get a new vote.
"""

from kube_actors.raft.log import ENTRY_OVERHEAD_BYTES
from kube_actors.raft.messages import Entry
from kube_actors.raft.progress import Progress
from kube_actors.raft.ready import CANDIDATE, FOLLOWER, LEADER, PRE_CANDIDATE
from kube_actors.raft.state import RaftState


def _reset(state: RaftState, term: int) -> None:
    if term != state.term:
        state.term = term
        state.vote = 0
    state.leader = 0
    state.heartbeat_elapsed = 0
    state.transferee = 0
    state.uncommitted_bytes = 0
    state.committed_in_term = False
    state.votes = {}
    state.progress = {}
    state.reads.clear()
    state.lease.clear()
    state.draw_timeout()


def become_follower(state: RaftState, term: int, leader: int) -> None:
    """Follow ``leader`` (0: not known yet) in ``term``, forgetting any other role's state.

    A newer term has no vote yet; in the same term the vote stays. Begins a new wait.
    """
    _reset(state, term)
    state.role = FOLLOWER
    state.leader = leader


def become_pre_candidate(state: RaftState) -> None:
    """Ask around without disturbing anyone: neither the term nor the vote changes."""
    state.role = PRE_CANDIDATE
    state.leader = 0
    state.votes = {}
    state.reads.clear()
    state.draw_timeout()


def become_candidate(state: RaftState) -> None:
    """Campaign in the next term with the own vote (paper §5.2).

    The caller asks for votes ``after_persist``: term and vote must be durable before.
    """
    _reset(state, state.term + 1)
    state.role = CANDIDATE
    state.vote = state.id


def become_leader(state: RaftState) -> None:
    """Lead the current term, beginning with an empty entry of it (§8)."""
    _reset(state, state.term)
    log = state.log
    state.role = LEADER
    state.leader = state.id
    state.config_settled = False
    state.heard = dict.fromkeys(state.quorum.members, state.ticks)
    add_progress(state)
    for entry in log.entries[log.committed - log.offset :]:
        state.uncommitted_bytes += len(entry.data) + ENTRY_OVERHEAD_BYTES
    log.append((Entry(log.last_index + 1, state.term),))
    state.uncommitted_bytes += ENTRY_OVERHEAD_BYTES
    state.dirty = True


def add_progress(state: RaftState) -> None:
    """Match the leader's table of progress to the members of its configuration."""
    config = state.config
    who = state.config_state
    learners = {*who.learners, *who.learners_next}
    before = state.progress
    state.progress = {}
    for member in sorted({*state.quorum.members, *learners}):
        progress = before.get(member)
        if progress is None:
            progress = Progress(
                state.log.last_index + 1,
                config.inflight_messages_max,
                config.inflight_bytes_max,
            )
            # It has not been asked anything yet: as good as heard, or a change that brings in
            # half of the voters would make its leader step down at the next tick.
            state.heard[member] = state.ticks
            if member == state.id:
                progress.match_index = state.log.persisted
        progress.is_learner = member in who.learners
        state.progress[member] = progress
