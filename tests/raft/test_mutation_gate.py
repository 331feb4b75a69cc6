"""A checker that cannot fail is no checker: each planted bug must be found within a few seeds.

Each bug changes one rule of Raft, or one duty of its caller, that is known to lose data, elect
two leaders or never elect any. ``SEEDS_MAX`` is how many runs a bug may survive.
"""

from collections.abc import Callable
from typing import Any

import pytest
from attrs import evolve

from kube_actors.raft import (
    ConfigChange,
    ConfigState,
    CorruptState,
    Entry,
    HardState,
    HeartbeatReply,
    ReadState,
    Ready,
    SafetyViolation,
    Snapshot,
    election,
    following,
    log,
    membership,
    quorum,
    reads,
    replication,
    roles,
    state,
)
from kube_actors.raft import raft as raft_module
from kube_actors.simulation.raft_invariants import InvariantViolation
from kube_actors.simulation.raft_member import SimulatedMember
from kube_actors.simulation.raft_world import RaftWorld, Weather

SEEDS_MAX = 40
FOUND = (InvariantViolation, SafetyViolation, CorruptState)


class ForgetsItsVote(SimulatedMember):
    """The vote is written, and lost at a restart."""

    def recover(self) -> tuple[HardState, Snapshot, list[Entry]]:
        hard, snapshot, entries = super().recover()
        return HardState(hard.term, 0, hard.commit), snapshot, entries


class NeverWritesItsVote(SimulatedMember):
    def write_hard_state(self, hard_state: HardState) -> None:
        super().write_hard_state(HardState(hard_state.term, 0, hard_state.commit))


class AnswersBeforeTheDisk(SimulatedMember):
    """Acknowledgements leave before the fsync; the ledger is not told, so it must see the loss."""

    def send_ready(self, ready: Ready) -> None:
        super().send_ready(ready)
        for message in ready.messages_after_persist:
            self.send(message)


class AppendsWithoutTruncating(SimulatedMember):
    """An entry is written over another without dropping those behind it."""

    def recover(self) -> tuple[HardState, Snapshot, list[Entry]]:
        hard, snapshot, entries = super().recover()
        return hard, snapshot, entries[:-1] if entries else entries


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
        matches = sorted(progress[voter].match_index for voter in voters)
        return int(matches[len(matches) // 2 + 1 if len(matches) > 2 else len(matches) // 2])

    patch.setattr(quorum, "majority_index", majority_index)


def wins_with_half(patch: pytest.MonkeyPatch) -> None:
    def majority_vote(voters: tuple[int, ...], votes: Any) -> quorum.VoteResult:
        granted = sum(votes.get(voter, False) for voter in voters)
        return (
            quorum.VoteResult.WON
            if granted >= max(len(voters) // 2, 0)
            else quorum.VoteResult.PENDING
        )

    patch.setattr(quorum, "_majority_vote", majority_vote)


def reads_without_asking(patch: pytest.MonkeyPatch) -> None:
    def begin_round(raft: state.RaftState) -> None:
        for request in raft.reads.waiting:
            if request.source == 0:
                raft.read_states += [
                    ReadState(raft.log.committed, context) for context in request.contexts
                ]
        raft.reads.waiting = []

    patch.setattr(reads, "begin_round", begin_round)
    patch.setattr(replication, "begin_round", begin_round)


def reads_before_its_first_commit(patch: pytest.MonkeyPatch) -> None:
    become_leader = roles.become_leader

    def become_leader_at_once(raft: state.RaftState) -> None:
        become_leader(raft)
        raft.committed_in_term = True

    patch.setattr(election, "become_leader", become_leader_at_once)


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
        log.MemoryLog,
        "matches",
        lambda self, index, term: self.offset <= index <= self.last_index,
    )


def never_retries(patch: pytest.MonkeyPatch) -> None:
    """Heartbeat replies find no lost append: somebody stays behind for ever."""

    def on_heartbeat_reply(raft: state.RaftState, message: Any) -> None:
        reads.answered_round(raft, message.source, message.round)

    patch.setitem(raft_module._HANDLERS, HeartbeatReply, on_heartbeat_reply)


def drops_itself_and_sits_down(patch: pytest.MonkeyPatch) -> None:
    """A member that its newest configuration drops campaigns no more (thesis 4.2.2)."""
    patch.setattr(
        election,
        "may_campaign",
        lambda raft: raft.is_voter and raft.log.pending_snapshot is None,
    )


def changes_two_at_once(patch: pytest.MonkeyPatch) -> None:
    """Several voters change without joint consensus: two majorities that do not overlap."""
    changed = membership.changed

    def changed_at_once(who: ConfigState, change: ConfigChange) -> ConfigState:
        return evolve(changed(who, change), voters_outgoing=(), auto_leave=False)

    patch.setattr(membership, "changed", changed_at_once)


def find(member_type: Callable[..., SimulatedMember], weather: Weather | None = None) -> str:
    """Run seeds until a bug shows; name how it showed."""
    for seed in range(SEEDS_MAX):
        try:
            RaftWorld(seed, member_type=member_type, weather=weather).run()
        except FOUND as error:
            return f"seed {seed}: {error}"
    pytest.fail(f"{SEEDS_MAX} seeds did not find it")


@pytest.mark.parametrize(
    "member_type",
    [ForgetsItsVote, NeverWritesItsVote, AnswersBeforeTheDisk, AppendsWithoutTruncating],
)
def test_a_careless_caller_is_found(member_type: type[SimulatedMember]) -> None:
    print(find(member_type))


FIGURE_8 = Weather(
    members=5,
    loss=0.05,
    partition=0.05,
    campaign=0.3,
    delay_us_max=20_000,
    disk_us_max=500,
    options={
        "message_bytes_max": 1,
        "inflight_messages_max": 1,
        "pre_vote": False,
        "check_quorum": False,
    },
)
CHURN = Weather(members=3, churn=0.2, partition=0.05, campaign=0.1, loss=0.05, delay_us_max=20_000)
CHURN_4 = evolve(CHURN, members=4, churn=0.4, partition=0.1, campaign=0.2)


@pytest.mark.parametrize(
    ("plant", "weather"),
    [
        (commits_old_terms, FIGURE_8),
        (changes_two_at_once, CHURN_4),
        (drops_itself_and_sits_down, CHURN),
    ],
)
def test_a_rare_bug_is_found_in_its_weather(
    plant: Callable[[pytest.MonkeyPatch], None],
    weather: Weather,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plant(monkeypatch)
    print(find(SimulatedMember, weather))


@pytest.mark.parametrize(
    "plant",
    [
        counts_one_too_few,
        wins_with_half,
        reads_without_asking,
        reads_before_its_first_commit,
        truncates_on_an_old_append,
        votes_for_any_log,
        votes_twice,
        counts_its_disk_too_early,
        heartbeats_commit_too_much,
        appends_without_a_match,
        never_retries,
    ],
)
def test_a_broken_rule_is_found(
    plant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch)
    print(find(SimulatedMember))


@pytest.mark.parametrize("weather", [FIGURE_8, CHURN, CHURN_4])
def test_the_rules_unbroken_survive_the_rare_weather(weather: Weather) -> None:
    for seed in range(6):
        RaftWorld(seed, weather=weather).run()
