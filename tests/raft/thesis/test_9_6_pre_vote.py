"""Thesis 4.2.3, 6.2 and 9.6: disruptive members, leaders without a quorum, and pre-vote."""

from kube_actors.raft import Role, Vote, VoteReply
from tests.raft.raft_group import Group


def test_a_member_that_was_away_raises_no_term_with_pre_vote() -> None:
    group = Group(3)
    group.elect(1)
    term = group[1].term
    group.isolate(3)
    group.tick(100)
    assert group[3].role is Role.PRE_CANDIDATE
    assert group[3].term == term
    group.heal()
    group.tick(3)
    assert group.leaders() == [1]
    assert group[3].leader == 1
    assert group[1].term == term


def test_without_pre_vote_it_deposes_the_leader() -> None:
    group = Group(3, pre_vote=False, check_quorum=False)
    group.elect(1)
    group.isolate(3)
    group.tick(100)
    assert group[3].term > 1
    group.heal()
    group.tick(1, 1)
    assert not group[1].is_leader


def test_a_voter_that_hears_a_leader_ignores_candidates() -> None:
    group = Group(3)
    group.elect(1)
    group[2].step(Vote(3, 2, 9, 99, 9))
    group[1].step(Vote(3, 1, 9, 99, 9))
    group.sent.clear()
    group.deliver()
    assert group.of(VoteReply) == []
    assert group[1].is_leader
    assert group[2].term == 1


def test_the_lease_ends_with_the_election_timeout() -> None:
    group = Group(3)
    group.elect(1)
    for _ in range(10):
        group[2].tick()
    group[2].step(Vote(3, 2, 9, 99, 9))
    assert group[2].vote == 3


def test_a_leader_without_a_quorum_steps_down_within_an_election_timeout() -> None:
    group = Group(5)
    group.elect(1)
    group.isolate(2, 3, 4)
    group.tick(10, 1)
    assert group[1].is_leader
    group.tick(1, 1)
    assert not group[1].is_leader
    assert group[1].answering == (1, 5)
    assert not group[1].has_quorum


def test_a_leader_reports_who_answers() -> None:
    group = Group(5)
    group.elect(1)
    group.isolate(4)
    group.tick(20, 1)
    assert group[1].answering == (1, 2, 3, 5)
    assert group[1].has_quorum
    ago = {peer.id: peer.heard_ticks_ago for peer in group[1].status().peers}
    assert ago[2] == 0
    assert ago[4] == 20


def test_a_leaderless_majority_elects_although_one_refuses() -> None:
    group = Group(3)
    group.elect(1)
    group[1].propose(b"x")
    group.deliver()
    del group.members[1]
    group.tick(60)
    assert len(group.leaders()) == 1


def test_a_member_with_a_higher_term_finds_its_way_back() -> None:
    """A lone higher term, from before pre-vote was on, must not stay out for ever."""
    group = Group(3)
    group.elect(1)
    group.isolate(3)
    group[3]._state.term = 7
    group.deliver()
    group.heal()
    group.tick(60)
    assert len(group.leaders()) == 1
    assert group[1].term >= 7
    assert group[3].leader == group.leaders()[0]
