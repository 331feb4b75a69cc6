"""A caller that knows the leader is gone need not wait for the timeout (etcd's ForgetLeader)."""

import pytest

from kube_actors.raft import DropReason, PreVote, ProposalDropped, Role
from tests.raft.raft_group import Group, out


def test_a_follower_forgets_and_stays_in_its_term() -> None:
    group = Group(3)
    group.elect(1)
    assert group[2].forget_leader()
    assert (group[2].leader, group[2].term, group[2].role) == (0, 1, Role.FOLLOWER)
    assert not group[2].forget_leader(), "there is nobody left to forget"
    with pytest.raises(ProposalDropped) as caught:
        group[2].propose(b"x")
    assert caught.value.reason is DropReason.NO_LEADER


def test_the_next_heartbeat_brings_the_leader_back_to_mind() -> None:
    group = Group(3)
    group.elect(1)
    group[2].forget_leader()
    group.tick(1, 1)
    assert (group[2].leader, group[2].term) == (1, 1)


def test_leaders_and_candidates_forget_nothing() -> None:
    group = Group(3)
    group.elect(1)
    assert not group[1].forget_leader()
    assert group[1].is_leader
    group.isolate(2)
    group[2].campaign()
    assert not group[2].forget_leader()
    assert group[2].role is Role.PRE_CANDIDATE


def test_the_election_timeout_goes_on() -> None:
    group = Group(3)
    group.elect(1)
    group.isolate(2)
    state = group[2]._state
    left = state.timeout_ticks - state.election_elapsed
    for tick in range(left):
        assert group[2].role is Role.FOLLOWER
        if tick == left - 1:
            group[2].forget_leader()
        group[2].tick()
    assert group[2].role is Role.PRE_CANDIDATE


def test_who_forgot_grants_a_pre_vote_that_it_would_have_ignored() -> None:
    group = Group(3)
    group.elect(1)
    ask = PreVote(3, 2, 2, 1, 1)
    group[2].step(ask)
    assert out(group[2]) == []
    group[2].forget_leader()
    group[2].step(ask)
    (reply,) = out(group[2])
    assert getattr(reply, "granted", False)


def test_who_forgot_grants_no_vote_to_a_log_that_is_behind() -> None:
    group = Group(3)
    group.elect(1).propose(b"x")
    group.deliver()
    group[2].forget_leader()
    group[2].step(PreVote(3, 2, 2, 1, 1))
    (reply,) = out(group[2])
    assert not getattr(reply, "granted", True)
