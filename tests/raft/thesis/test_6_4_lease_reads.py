"""Thesis 6.4.1: reads under a lease, and everything that must make the leader doubt it."""

from random import Random

import pytest

from kube_actors.raft import (
    Heartbeat,
    HeartbeatReply,
    PreVote,
    PreVoteReply,
    Raft,
    RaftConfig,
    ReadOnly,
    ReadState,
    Role,
    TimeoutNow,
    Vote,
    VoteReply,
)
from tests.raft.raft_group import Group

LEASE_TICKS = 10 - 2 - 1
"""Of the default election_ticks, less the two sides' granularity, less lease_drift."""


def led_group(count: int = 3, **options: object) -> Group:
    """A group whose leader holds a lease: one heartbeat of its term has been answered."""
    group = Group(count, **{"read_only": ReadOnly.LEASE, **options})
    group.elect(1)
    group.tick(1, 1)
    return group


def rounds_for_a_read(group: Group, reader: int = 1) -> int:
    """Read once and count the heartbeats that it cost."""
    group.sent.clear()
    group[reader].read_index(b"r")
    group.deliver()
    return len(group.of(Heartbeat))


@pytest.mark.parametrize("reader", [1, 2])
def test_under_a_lease_a_read_costs_no_round(reader: int) -> None:
    group = led_group()
    assert rounds_for_a_read(group, reader) == 0
    assert group.reads[reader] == [ReadState(1, b"r")]


def test_a_safe_read_costs_a_round_whatever_was_answered() -> None:
    group = led_group(read_only=ReadOnly.SAFE)
    assert rounds_for_a_read(group) == 2


def test_the_lease_ends_before_a_voter_on_the_fastest_clock_may_vote() -> None:
    group = led_group()
    group.isolate(1)
    for _ in range(LEASE_TICKS):
        group[1].tick()
    group[1].read_index(b"in time")
    group.deliver()
    assert group.reads[1] == [ReadState(1, b"in time")]
    group[1].tick()
    group[1].read_index(b"too late")
    group.deliver()
    assert group.reads[1] == [ReadState(1, b"in time")]
    assert group[1].is_leader, "it leads still, it is only not sure"


@pytest.mark.parametrize("drift", [0, 1, 3, 7])
def test_the_lease_is_shorter_by_the_drift_bound(drift: int) -> None:
    group = led_group(lease_drift=drift)
    group.isolate(1)
    for tick in range(9):
        group[1].read_index(b"%d" % tick)
        group.deliver()
        group[1].tick()
    assert len(group.reads[1]) == 10 - 2 - drift + 1


def test_the_lease_counts_from_when_the_heartbeat_was_sent_not_answered() -> None:
    group = led_group()
    group.isolate(1)
    group.sent.clear()
    group[1].tick()
    group.deliver()
    (beat,) = [beat for beat in group.of(Heartbeat) if beat.target == 2]
    for _ in range(LEASE_TICKS):
        group[1].tick()
    late = HeartbeatReply(2, 1, beat.term, beat.round)
    group[1].step(late)
    group[1].read_index(b"in time")
    group.deliver()
    assert len(group.reads[1]) == 1
    group[1].tick()
    group[1].step(late)
    group[1].read_index(b"too late")
    group.deliver()
    assert len(group.reads[1]) == 1


def test_a_minority_of_promises_is_no_lease() -> None:
    group = led_group(5)
    group.isolate(3, 4, 5)
    for _ in range(LEASE_TICKS + 1):
        group[1].tick()
        group.deliver()
    assert rounds_for_a_read(group) > 0
    assert group.reads[1] == []


def test_a_leader_just_elected_has_no_lease() -> None:
    group = Group(3, read_only=ReadOnly.LEASE)
    group.elect(1)
    assert rounds_for_a_read(group) > 0
    assert group.reads[1] == [ReadState(1, b"r")], "but it reads, by a round"


def test_without_a_commit_in_its_term_a_leader_reads_nothing() -> None:
    group = Group(3, read_only=ReadOnly.LEASE)
    group.lose = lambda message: type(message).__name__ == "AppendReply"
    group.elect(1)
    group.tick(2, 1)
    group[1].read_index(b"early")
    group.deliver()
    assert group.reads[1] == []


def test_without_check_quorum_nobody_promises_and_there_is_no_lease() -> None:
    assert rounds_for_a_read(led_group(check_quorum=False)) > 0


def test_once_a_transfer_began_there_is_no_lease_in_this_term() -> None:
    """The TimeoutNow may arrive long after the leader has given the transfer up."""
    group = led_group()
    group.lose = lambda message: isinstance(message, TimeoutNow)
    group[1].transfer_leadership(3)
    group.deliver()
    assert rounds_for_a_read(group) > 0
    group.tick(11, 1, 2)
    group[1].propose(b"the transfer was given up")
    group.deliver()
    assert rounds_for_a_read(group) > 0
    held_up = group.of(TimeoutNow) or [TimeoutNow(1, 3, group[1].term)]
    group.isolate(1)
    group[3].step(held_up[0])
    group.deliver()
    assert group.leaders() == [1, 3]
    before = list(group.reads[1])
    group[1].read_index(b"stale")
    group.deliver()
    assert group.reads[1] == before


def test_a_new_term_begins_without_the_old_ones_promises_and_doubts() -> None:
    group = led_group()
    group[1].transfer_leadership(2)
    group.deliver()
    group[2].transfer_leadership(1)
    group.deliver()
    assert group.leaders() == [1]
    assert rounds_for_a_read(group) > 0
    group.tick(1, 1)
    assert rounds_for_a_read(group) == 0


# -- the voter's side ----------------------------------------------------------------------


def test_a_voter_keeps_its_promise_through_a_restart() -> None:
    group = led_group()
    group.restart(2)
    group[2].step(Vote(3, 2, 9, 99, 9))
    group.deliver()
    assert group.of(VoteReply)[-1].term == 1, "nothing was answered in term 9"
    assert group[2].vote != 3
    for _ in range(10):
        group[2].tick()
    group[2].step(Vote(3, 2, 9, 99, 9))
    assert group[2].vote == 3


def test_a_new_member_has_promised_nothing() -> None:
    group = Group(3, read_only=ReadOnly.LEASE)
    group[2].step(Vote(3, 2, 1, 0, 0))
    assert group[2].vote == 3


def test_a_voter_keeps_its_promise_when_a_newer_term_makes_it_forget_the_leader() -> None:
    group = led_group()
    group[2].step(PreVoteReply(3, 2, 5, granted=False))
    assert (group[2].term, group[2].leader) == (5, 0)
    group[2].step(Vote(3, 2, 6, 99, 9))
    assert group[2].vote == 0


def test_a_voter_keeps_its_promise_in_a_term_that_it_has_come_to_without_the_candidate() -> None:
    """Its vote in that term elects somebody while the old leader counts on the promise."""
    group = led_group()
    group[2].step(PreVoteReply(3, 2, 5, granted=False))
    group[2].step(Vote(3, 2, 5, 99, 9))
    group.deliver()
    assert group[2].vote == 0
    assert not group.of(VoteReply)[-1].granted
    group.lose = lambda message: isinstance(message, PreVote)
    group.isolate(1)
    for _ in range(10):
        group[2].tick()
    group[2].step(Vote(3, 2, 5, 99, 9))
    assert group[2].vote == 3, "it has kept it long enough"


def test_a_vote_that_comes_after_its_term_elects_nobody_beside_a_leader_with_a_lease() -> None:
    """Both asked while the leader was silent; what they said arrives when it is heard again."""
    group = led_group()
    held: list[PreVote | Vote] = []

    def hold(message: object) -> bool:
        if isinstance(message, PreVote) and message.source == 2 and message.target == 3:
            held.append(message)
            return True
        if isinstance(message, Vote):
            held.append(message)
            return True
        return False

    group.lose = hold
    group.cut = {(1, 2), (1, 3), (3, 1)}
    while group[2].role is Role.FOLLOWER:
        group[2].tick()
    group.deliver()
    while group[3].role is Role.FOLLOWER:
        group[3].tick()
    group.deliver()
    group.cut = {(1, 3), (3, 1)}
    group.tick(1, 1)
    assert (group[2].leader, group[3].role) == (1, Role.CANDIDATE)
    group.heal()
    group.isolate(1)
    ask = next(each for each in held if isinstance(each, PreVote))
    vote = next(each for each in held if isinstance(each, Vote) and each.target == 2)
    group[3].step(ask)
    group.deliver()
    assert group[2].term == group[3].term, "by the answer to what it had asked"
    group[2].step(vote)
    group.deliver()
    group[1].read_index(b"r")
    group.deliver()
    assert group.reads[1] == [ReadState(1, b"r")], "it has its lease"
    assert not group[3].is_leader


def test_a_voter_does_not_campaign_against_its_own_promise() -> None:
    group = led_group()
    group[2].campaign()
    assert group[2].role.value == "follower"
    for _ in range(10):
        group[2].tick()
    group[2].campaign()
    assert group[2].role.value == "pre-candidate"


def test_a_leader_is_not_forgotten_under_lease_reads() -> None:
    group = led_group()
    assert not group[2].forget_leader()
    assert group[2].leader == 1


def test_the_leaders_own_request_overrides_the_promise() -> None:
    group = led_group()
    group[1].transfer_leadership(2)
    group.deliver()
    assert group.leaders() == [2]


# -- both together -------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(10))
def test_on_drifting_clocks_no_read_is_ever_stale(seed: int) -> None:
    """Clocks run apart by up to the bound; everyone who can, campaigns; links come and go."""
    random = Random(seed)
    group = Group(5, seed=seed, read_only=ReadOnly.LEASE, lease_drift=2, pre_vote=False)
    clocks = dict.fromkeys(group.members, 0.0)
    speed = {member: random.choice([1.0, 1.2]) for member in group.members}
    asked: list[tuple[int, bytes, int]] = []
    for step in range(400):
        for member, raft in group.members.items():
            clocks[member] += speed[member]
            while clocks[member] >= 1:
                clocks[member] -= 1
                raft.tick()
                group.deliver()
        if random.random() < 0.1:
            group.heal()
            group.isolate(*random.sample(sorted(group.members), random.randint(0, 2)))
        if random.random() < 0.05:
            random.choice(list(group.members.values())).campaign()
        committed = max(raft.commit_index for raft in group.members.values())
        for member, raft in group.members.items():
            if raft.is_leader:
                raft.propose(b"x")
                asked.append((member, b"%d" % step, committed))
                raft.read_index(b"%d" % step)
        group.deliver()
    answered = {
        (member, state.context): state.index
        for member in group.members
        for state in group.reads[member]
    }
    assert len(answered) > 100
    for member, context, committed in asked:
        assert answered.get((member, context), committed) >= committed


@pytest.mark.parametrize("wrong", [{"lease_drift": -1}, {"lease_drift": 8}], ids=str)
def test_a_drift_that_leaves_no_lease_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="lease_drift"):
        RaftConfig(id=1, read_only=ReadOnly.LEASE, **wrong)


def test_a_group_of_one_needs_no_lease() -> None:
    raft = Raft(RaftConfig(id=1, read_only=ReadOnly.LEASE), random=Random(1), members=(1,))
    raft.campaign()
    while raft.has_ready():
        raft.advance(raft.ready())
    raft.read_index(b"r")
    assert list(raft.ready().read_states) == [ReadState(1, b"r")]
