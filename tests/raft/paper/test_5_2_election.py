"""Paper §5.2: leader election, at most one leader in a term."""

import pytest

from kube_actors.raft import Append, Heartbeat, Raft, Role, SafetyViolation, Vote, VoteReply
from tests.raft.raft_group import Group, member, out

PLAIN = {"pre_vote": False, "check_quorum": False}


def ticks_until_campaign(raft: Raft) -> int:
    for count in range(1, 100):
        term = raft.term
        raft.tick()
        if raft.term != term:
            return count
    pytest.fail("it never campaigned")


def test_members_start_as_followers() -> None:
    assert member().role is Role.FOLLOWER
    assert member((1, 2), term=3).role is Role.FOLLOWER


def test_a_leader_sends_heartbeats_every_heartbeat_timeout() -> None:
    group = Group(3, heartbeat_ticks=3)
    group.elect(1)
    group.sent.clear()
    group.tick(6, 1)
    assert [message.target for message in group.of(Heartbeat)] == [2, 3, 2, 3]


def test_a_follower_that_hears_nothing_campaigns_and_votes_for_itself() -> None:
    raft = member(term=2, **PLAIN)
    ticks_until_campaign(raft)
    assert (raft.role, raft.term, raft.vote) == (Role.CANDIDATE, 3, 1)
    assert out(raft) == [Vote(1, 2, 3, 0, 0), Vote(1, 3, 3, 0, 0)]


def test_the_timeout_is_redrawn_at_every_campaign() -> None:
    raft = member(**PLAIN)
    waits = [ticks_until_campaign(raft) for _ in range(200)]
    assert set(waits) == set(range(10, 20))


def test_members_rarely_time_out_together() -> None:
    together = 0
    for seed in range(200):
        group = Group(3, seed=seed, **PLAIN)
        first = sorted(ticks_until_campaign(raft) for raft in group.members.values())[:2]
        together += first[0] == first[1]
    assert together < 80


@pytest.mark.parametrize(
    ("count", "replies", "role"),
    [
        (1, {}, Role.LEADER),
        (3, {}, Role.CANDIDATE),
        (3, {2: True}, Role.LEADER),
        (3, {2: True, 3: False}, Role.LEADER),
        (3, {2: False}, Role.CANDIDATE),
        (3, {2: False, 3: False}, Role.FOLLOWER),
        (5, {2: True}, Role.CANDIDATE),
        (5, {2: True, 3: True}, Role.LEADER),
        (5, {2: True, 3: False, 4: True, 5: False}, Role.LEADER),
        (5, {2: False, 3: False}, Role.CANDIDATE),
        (5, {2: False, 3: False, 4: False}, Role.FOLLOWER),
    ],
)
def test_a_majority_of_votes_decides(count: int, replies: dict[int, bool], role: Role) -> None:
    raft = member(count=count, **PLAIN)
    raft.campaign()
    out(raft)
    for voter, granted in replies.items():
        raft.step(VoteReply(voter, 1, 1, granted))
    assert raft.role is role
    assert raft.term == 1


def test_a_vote_counts_once() -> None:
    raft = member(count=5, **PLAIN)
    raft.campaign()
    out(raft)
    for _ in range(5):
        raft.step(VoteReply(2, 1, 1, True))
    assert raft.role is Role.CANDIDATE


@pytest.mark.parametrize(
    ("vote", "candidate", "granted"), [(0, 2, True), (0, 3, True), (2, 2, True), (3, 2, False)]
)
def test_one_vote_per_term_first_come_first_served(
    vote: int, candidate: int, granted: bool
) -> None:
    raft = member(term=1, vote=vote, **PLAIN)
    raft.step(Vote(candidate, 1, 1, 0, 0))
    assert out(raft) == [VoteReply(1, candidate, 1, granted)]


def test_a_vote_survives_a_restart() -> None:
    group = Group(3, **PLAIN)
    group.lose = lambda message: type(message) is VoteReply
    group[1].campaign()
    group.deliver()
    group.restart(2)
    assert group[2].vote == 1
    group[2].step(Vote(3, 2, 1, 0, 0))
    group.sent.clear()
    group.deliver()
    assert group.of(VoteReply) == [VoteReply(2, 3, 1, False)]


@pytest.mark.parametrize("term", [1, 2])
def test_a_candidate_follows_a_leader_of_its_term_or_later(term: int) -> None:
    raft = member(**PLAIN)
    raft.campaign()
    out(raft)
    raft.step(Append(2, 1, term, 0, 0, (), 0))
    assert (raft.role, raft.leader, raft.term) == (Role.FOLLOWER, 2, term)


def test_a_split_vote_is_resolved_in_a_later_term() -> None:
    group = Group(3, **PLAIN)
    group.isolate(1)
    group.lose = lambda message: type(message) is VoteReply
    group[2].campaign()
    group[3].campaign()
    group.deliver()
    assert group.leaders() == []
    group.heal()
    group.tick(60)
    assert len(group.leaders()) == 1


def test_a_refused_candidate_does_not_keep_others_from_campaigning() -> None:
    raft = member((1, 1), **PLAIN)
    for _ in range(9):
        raft.tick()
    raft.step(Vote(2, 1, 5, 0, 0))
    assert ticks_until_campaign(raft) <= 10


def test_two_leaders_in_one_term_are_noticed() -> None:
    raft = member()
    raft.step(Heartbeat(2, 1, 4, 0, 0))
    with pytest.raises(SafetyViolation, match="both lead term 4"):
        raft.step(Heartbeat(3, 1, 4, 0, 0))


def test_a_group_of_one_leads_and_commits_alone() -> None:
    group = Group(1)
    group.tick(20)
    assert group[1].is_leader
    group[1].propose(b"alone")
    group.deliver()
    assert group.data(1) == [b"alone"]


def test_a_candidate_counts_its_own_vote_only_when_it_is_durable() -> None:
    group = Group(1)
    group.slow.add(1)
    group[1].campaign()
    group.deliver()
    assert group[1].role is Role.CANDIDATE
    group.finish_writes(1)
    assert group[1].is_leader
