"""Leader election (paper §5.2, §5.4.1), pre-vote and the leader lease (thesis 4.2.3, 9.6).

Invariant kept here: one vote per term, given only to a candidate whose log is at least as up to
date, and counted or told only after it is durable. A voter that heard from a leader within the
election timeout answers no candidate at all, unless that leader asked for the election.
"""

from kube_actors.raft.config import ReadOnly
from kube_actors.raft.messages import PreVote, PreVoteReply, TimeoutNow, Vote, VoteReply
from kube_actors.raft.quorum import VoteResult
from kube_actors.raft.ready import CANDIDATE, FOLLOWER, LEADER, PRE_CANDIDATE
from kube_actors.raft.roles import (
    become_candidate,
    become_follower,
    become_leader,
    become_pre_candidate,
)
from kube_actors.raft.state import RaftState


def tick_election(state: RaftState) -> None:
    """Let a tick pass without word of a leader; campaign after a random timeout (paper §5.2).

    A member that may not campaign forgets its leader instead, so that it can vote.
    """
    state.election_elapsed += 1
    if state.election_elapsed >= state.timeout_ticks:
        if not may_campaign(state):
            # Its vote may be needed although it does not know that it has one: a leader that was
            # silent for a whole timeout holds no lease on it any more.
            state.leader = 0
        campaign(state)


def may_campaign(state: RaftState) -> bool:
    """Say whether this member may try to lead.

    A voter that its newest configuration drops may still be needed to commit that very
    configuration: it campaigns without counting itself (thesis 4.2.2).
    """
    if state.log.pending_snapshot is not None:
        return False
    if state.is_voter:
        return True
    configs = state.configs
    if len(configs) < 2 or configs[-1][0] <= state.log.committed:
        return False
    before = configs[-2][1]
    return state.id in before.voters or state.id in before.voters_outgoing


def campaign(state: RaftState, *, force: bool = False) -> None:
    """Try to become the leader; ``force`` (leadership transfer) skips the pre-vote."""
    if state.role is LEADER:
        return
    if not force and state.lease.promises(state.ticks, state.config):
        return
    if not may_campaign(state):
        state.draw_timeout()
    elif state.config.pre_vote and not force:
        _ask_before(state)
    else:
        _ask(state, force=force)


def _ask_before(state: RaftState) -> None:
    become_pre_candidate(state)
    if _count(state, state.id, granted=True) is VoteResult.WON:
        _ask(state, force=False)
        return
    log = state.log
    for voter in state.other_voters():
        state.messages.append(
            PreVote(state.id, voter, state.term + 1, log.last_index, log.last_term)
        )


def _ask(state: RaftState, *, force: bool) -> None:
    become_candidate(state)
    log = state.log
    # After persisting: a candidate that forgot this campaign in a crash could otherwise be
    # elected by its answers with a log that is shorter than the one it asked with.
    for voter in state.other_voters():
        state.after_persist.append(
            Vote(state.id, voter, state.term, log.last_index, log.last_term, force)
        )


def vote_became_durable(state: RaftState) -> None:
    """Count the candidate's vote for itself, now that it cannot be forgotten."""
    if state.role is CANDIDATE and state.id not in state.votes:
        _conclude(state, state.id, granted=True)


def _count(state: RaftState, voter: int, *, granted: bool) -> VoteResult:
    state.votes.setdefault(voter, granted)
    return state.quorum.vote_result(state.votes)


def _conclude(state: RaftState, voter: int, *, granted: bool) -> None:
    result = _count(state, voter, granted=granted)
    if result is VoteResult.LOST:
        become_follower(state, state.term, 0)
    elif result is VoteResult.WON:
        if state.role is PRE_CANDIDATE:
            _ask(state, force=False)
        else:
            become_leader(state)


def hears_a_leader(state: RaftState) -> bool:
    """Say whether the leader's lease on this voter's vote still holds."""
    if not state.config.check_quorum:
        return False
    if _has_promised(state):
        return True
    return state.leader != 0 and (
        state.is_leader or state.election_elapsed < state.config.election_ticks
    )


def _has_promised(state: RaftState) -> bool:
    return state.config.check_quorum and state.lease.promises(state.ticks, state.config)


def forget_leader(state: RaftState) -> bool:
    """Take the leader for gone before the timeout says so; say whether there was one to forget.

    Under lease reads nothing is forgotten: the leader may be counting on the promise.
    """
    if state.role is not FOLLOWER or not state.leader or state.config.read_only is ReadOnly.LEASE:
        return False
    state.leader = 0
    return True


def on_pre_vote(state: RaftState, message: PreVote) -> None:
    """Answer whether this member would vote for the candidate (thesis 9.6, with 4.2.3).

    Under ``check_quorum`` a newer term gets no reply while a leader was heard from within the
    election timeout. Granted if the term is newer and the candidate's log at least as up to date
    (§5.4.1). Neither the term nor the vote changes and the timer runs on; a grant carries the
    candidate's term, a refusal this member's. The answer leaves ``after_persist``: the term that
    it tells may still be on its way to the disk.
    """
    if message.term > state.term and hears_a_leader(state):
        return
    granted = message.term > state.term and state.log.is_up_to_date(
        message.last_index, message.last_term
    )
    term = message.term if granted else state.term
    state.after_persist.append(PreVoteReply(state.id, message.source, term, granted))


def on_vote(state: RaftState, message: Vote) -> None:
    """Vote at most once a term, first come first served (RequestVote; paper §5.2, §5.4.1).

    Granted to whom it was granted before, or to the first candidate that asks while no leader of
    this term is known; in both cases only if the candidate's log is at least as up to date. A
    promise to a leader under lease reads refuses all but a transfer (thesis 6.4.1, 4.2.3). Only a
    grant begins a new wait for a leader. Term and vote must be durable before either answer
    leaves: it goes out ``after_persist``.
    """
    # What it promised to the leader of an older term binds it in this one too.
    free = state.vote == 0 and state.leader == 0 and (message.force or not _has_promised(state))
    may_vote = state.vote == message.source or free
    granted = may_vote and state.log.is_up_to_date(message.last_index, message.last_term)
    if granted:
        state.vote = message.source
        state.draw_timeout()
    state.after_persist.append(VoteReply(state.id, message.source, state.term, granted))


def on_pre_vote_reply(state: RaftState, message: PreVoteReply) -> None:
    """Count an answer to this pre-campaign (thesis 9.6); a majority begins the real one.

    A grant counts only for the term that would be campaigned in, a refusal always; nothing counts
    in any other role. Persists nothing by itself.
    """
    if state.role is not PRE_CANDIDATE:
        return
    if not message.granted or message.term == state.term + 1:
        _conclude(state, message.source, granted=message.granted)


def on_vote_reply(state: RaftState, message: VoteReply) -> None:
    """Count a vote for this candidate (paper §5.2): lead on a majority, follow when it is lost.

    The first answer of a voter stands. The candidate's own vote is counted only by
    ``vote_became_durable``, so none leads on a vote that it could forget.
    """
    if state.role is CANDIDATE:
        _conclude(state, message.source, granted=message.granted)


def on_timeout_now(state: RaftState, message: TimeoutNow) -> None:
    """Campaign at once: the leader has made sure that this log is complete."""
    if state.role is FOLLOWER and message.source == state.leader:
        campaign(state, force=True)
