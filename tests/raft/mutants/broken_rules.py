"""Rules of Raft to break: votes, terms, logs and membership, one at a time."""

from typing import Any

import pytest
from attrs import evolve

from kube_actors.raft import (
    ConfigChange,
    ConfigState,
    HeartbeatReply,
    election,
    following,
    log,
    membership,
    proposals,
    quorum,
    reads,
    replication,
    state,
)
from kube_actors.raft import raft as raft_module


def commits_old_terms(patch: pytest.MonkeyPatch) -> None:
    def maybe_commit(raft: state.RaftState) -> None:
        index = raft.quorum.committed_index(raft.progress)
        if index > raft.log.committed:
            raft.log.committed = index
            raft.committed_in_term = True
            raft.dirty = True

    patch.setattr(replication, "maybe_commit", maybe_commit)


def counts_one_too_few(patch: pytest.MonkeyPatch) -> None:
    def majority_index(voters: tuple[int, ...], progress: Any) -> int:
        matches = sorted(progress[v].match_index if v in progress else 0 for v in voters)
        if not matches:
            return quorum.NO_LIMIT
        return int(matches[len(matches) // 2 + 1 if len(matches) > 2 else len(matches) // 2])

    patch.setattr(quorum, "majority_index", majority_index)


def wins_with_half(patch: pytest.MonkeyPatch) -> None:
    def majority_vote(voters: tuple[int, ...], votes: Any) -> quorum.VoteResult:
        granted = sum(votes.get(voter, False) for voter in voters)
        won = granted >= max(len(voters) // 2, 0)
        return quorum.VoteResult.WON if won else quorum.VoteResult.PENDING

    patch.setattr(quorum, "_majority_vote", majority_vote)


def truncates_on_an_old_append(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(log.MemoryLog, "new_entries", lambda self, entries: entries)


def votes_for_any_log(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(log.MemoryLog, "is_up_to_date", lambda self, index, term: True)


def votes_twice(patch: pytest.MonkeyPatch) -> None:
    on_vote = election.on_vote

    def on_vote_forgetful(raft: state.RaftState, message: Any) -> None:
        if not raft.leader and raft.vote != raft.id:
            raft.vote = 0
        on_vote(raft, message)

    patch.setitem(raft_module._HANDLERS, election.Vote, on_vote_forgetful)


def counts_its_disk_too_early(patch: pytest.MonkeyPatch) -> None:
    flush = replication.flush

    def flush_and_count(raft: state.RaftState) -> None:
        flush(raft)
        if raft.id in raft.progress:
            raft.progress[raft.id].match_index = raft.log.last_index
            replication.maybe_commit(raft)

    patch.setattr(replication, "flush", flush_and_count)


def heartbeats_commit_too_much(patch: pytest.MonkeyPatch) -> None:
    def commit_to(raft_log: log.MemoryLog, index: int) -> None:
        raft_log.committed = max(raft_log.committed, min(index, raft_log.last_index))

    def broadcast(raft: state.RaftState) -> None:
        raft.heartbeat_elapsed = 0
        for member in raft.other_voters():
            raft.messages.append(
                replication.Heartbeat(
                    raft.id, member, raft.term, raft.log.committed, raft.reads.round
                )
            )

    patch.setattr(following, "commit_to", commit_to)
    patch.setattr(replication, "broadcast_heartbeat", broadcast)


def appends_without_a_match(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        log.MemoryLog, "matches", lambda self, index, term: self.offset <= index <= self.last_index
    )


def never_retries(patch: pytest.MonkeyPatch) -> None:
    """Heartbeat replies find no lost append: somebody stays behind for ever."""

    def on_heartbeat_reply(raft: state.RaftState, message: Any) -> None:
        reads.answered_round(raft, message.source, message.round)

    patch.setitem(raft_module._HANDLERS, HeartbeatReply, on_heartbeat_reply)


def drops_itself_and_sits_down(patch: pytest.MonkeyPatch) -> None:
    """A member that its newest configuration drops campaigns no more (thesis 4.2.2)."""
    patch.setattr(
        election, "may_campaign", lambda raft: raft.is_voter and raft.log.pending_snapshot is None
    )


def changes_two_at_once(patch: pytest.MonkeyPatch) -> None:
    """Several voters change without joint consensus: two majorities that do not overlap."""
    changed = membership.changed

    def changed_at_once(who: ConfigState, change: ConfigChange) -> ConfigState:
        return evolve(changed(who, change), voters_outgoing=(), auto_leave=False)

    patch.setattr(membership, "changed", changed_at_once)


def counts_learners(patch: pytest.MonkeyPatch) -> None:
    def of(config: ConfigState) -> quorum.Quorum:
        return quorum.Quorum((*config.voters, *config.learners), config.voters_outgoing)

    patch.setattr(quorum.Quorum, "of", of)


def draws_its_timeout_once(patch: pytest.MonkeyPatch) -> None:
    """Every member waits equally long, every time: elections split for ever."""

    def draw_timeout(raft: state.RaftState) -> None:
        raft.election_elapsed = 0
        raft.timeout_ticks = raft.config.election_ticks

    patch.setattr(state.RaftState, "draw_timeout", draw_timeout)


def keeps_its_term(patch: pytest.MonkeyPatch) -> None:
    """A follower accepts appends of an older term."""
    settle = raft_module.settle_term

    def settle_term(raft: state.RaftState, message: Any) -> bool:
        return settle(raft, message) or isinstance(message, replication.Append)

    patch.setattr(raft_module, "settle_term", settle_term)


def grants_without_waiting(patch: pytest.MonkeyPatch) -> None:
    """A vote leaves before it is on disk."""
    on_vote = election.on_vote

    def on_vote_at_once(raft: state.RaftState, message: Any) -> None:
        on_vote(raft, message)
        raft.messages.append(raft.after_persist.pop())

    patch.setitem(raft_module._HANDLERS, election.Vote, on_vote_at_once)


def commits_what_the_leader_did(patch: pytest.MonkeyPatch) -> None:
    """A follower commits as far as its leader, not only what the append showed to be the same."""
    _commits_too_far(patch, capped=False)


def commits_its_own_tail(patch: pytest.MonkeyPatch) -> None:
    """The same, as far as the follower's own log goes."""
    _commits_too_far(patch, capped=True)


def _commits_too_far(patch: pytest.MonkeyPatch, *, capped: bool) -> None:
    on_append = following.on_append

    def on_append_too_far(raft: state.RaftState, message: Any) -> None:
        on_append(raft, message)
        reply: Any = raft.after_persist[-1]
        if message.commit > raft.log.committed and not reply.rejected:
            index = min(message.commit, raft.log.last_index) if capped else message.commit
            following.commit_to(raft.log, index)

    patch.setitem(raft_module._HANDLERS, replication.Append, on_append_too_far)


def changes_before_its_first_commit(patch: pytest.MonkeyPatch) -> None:
    """A leader changes who votes before it has committed anything in its own term."""
    config_entry_data = membership.config_entry_data

    def at_once(raft: state.RaftState, data: bytes) -> bytes:
        before, raft.committed_in_term = raft.committed_in_term, True
        try:
            return config_entry_data(raft, data)
        finally:
            raft.committed_in_term = before

    patch.setattr(proposals, "config_entry_data", at_once)


def never_gives_up_a_transfer(patch: pytest.MonkeyPatch) -> None:
    tick_leader = replication.tick_leader

    def tick_patiently(raft: state.RaftState) -> None:
        raft.election_elapsed = -1
        tick_leader(raft)

    patch.setattr(replication, "tick_leader", tick_patiently)


def forgets_its_vote_with_its_leader(patch: pytest.MonkeyPatch) -> None:
    forget_leader = election.forget_leader

    def forget_all(raft: state.RaftState) -> bool:
        forgot = forget_leader(raft)
        if forgot:
            raft.vote = 0
        return forgot

    patch.setattr(election, "forget_leader", forget_all)
