"""Thesis 3.10: leadership goes where it is wanted, or stays where it was."""

import pytest

from kube_actors.raft import (
    Append,
    ChangeType,
    ConfigChange,
    DropReason,
    MemberChange,
    PreVote,
    ProposalDropped,
    Role,
    TimeoutNow,
    TransferRefused,
    Vote,
)
from tests.raft.raft_group import Group


def test_leadership_is_transferred_to_a_caught_up_voter() -> None:
    group = Group(3)
    leader = group.elect(1)
    leader.propose(b"x")
    leader.transfer_leadership(3)
    with pytest.raises(ProposalDropped) as caught:
        leader.propose(b"y")
    assert caught.value.reason is DropReason.TRANSFERRING
    group.deliver()
    assert group.leaders() == [3]
    assert group.data(3) == [b"x"]


def test_a_follower_may_ask_for_the_transfer() -> None:
    group = Group(3)
    group.elect(1)
    group[2].transfer_leadership(2)
    group.deliver()
    assert group.leaders() == [2]


def test_a_transfer_waits_until_the_log_is_complete() -> None:
    group = Group(3)
    leader = group.elect(1)
    group.isolate(3)
    leader.propose(b"x")
    group.deliver()
    leader.transfer_leadership(3)
    group.deliver()
    assert group.of(TimeoutNow) == []
    group.heal()
    group.tick(2)
    assert group.leaders() == [3]


def test_a_transfer_to_a_silent_member_is_given_up() -> None:
    group = Group(3)
    leader = group.elect(1)
    group.isolate(3)
    leader.transfer_leadership(3)
    group.tick(11, 1, 2)
    leader.propose(b"again")
    group.deliver()
    assert group.data(2) == [b"again"]


@pytest.mark.parametrize("target", [1, 9])
def test_a_transfer_that_makes_no_sense_is_refused(target: int) -> None:
    group = Group(3)
    with pytest.raises(TransferRefused):
        group.elect(1).transfer_leadership(target)


def test_nobody_knows_the_leader_so_nobody_can_ask_it() -> None:
    with pytest.raises(TransferRefused, match="no leader"):
        Group(3)[1].transfer_leadership(2)


def test_a_learner_cannot_be_made_leader() -> None:
    group = Group(3)
    leader = group.elect(1)
    group.join(4)
    leader.propose_change(ConfigChange((MemberChange(ChangeType.ADD_LEARNER, 4),)))
    group.deliver()
    with pytest.raises(TransferRefused, match="not a voter"):
        leader.transfer_leadership(4)


def test_the_successor_asks_for_votes_at_once_and_overrides_the_lease() -> None:
    group = Group(3)
    leader = group.elect(1)
    group.sent.clear()
    leader.transfer_leadership(2)
    group.deliver()
    assert group.of(PreVote) == []
    assert {(vote.source, vote.force) for vote in group.of(Vote)} == {(2, True)}


def test_a_second_transfer_takes_the_place_of_the_first() -> None:
    group = Group(3)
    leader = group.elect(1)
    group.isolate(2)
    leader.transfer_leadership(2)
    leader.transfer_leadership(3)
    group.deliver()
    assert group.leaders() == [3]


def test_only_the_leader_of_the_term_can_make_a_follower_campaign() -> None:
    group = Group(3)
    group.elect(1)
    for source, term in ((3, 1), (1, 0)):
        group[2].step(TimeoutNow(source, 2, term))
        group.deliver()
        assert group.leaders() == [1]
        assert group[2].role is Role.FOLLOWER


def test_a_transfer_ends_when_its_target_is_removed() -> None:
    """An outgoing voter may still lead; when the joint configuration is left, it may not."""
    group = Group(3)
    leader = group.elect(1)
    group.join(4)
    group.isolate(3)
    remove, add = MemberChange(ChangeType.REMOVE, 3), MemberChange(ChangeType.ADD_VOTER, 4)
    leader.propose_change(ConfigChange((remove, add)))
    leader.transfer_leadership(3)
    assert leader.status().transferee == 3
    group.deliver()
    assert leader.config_state.voters == (1, 2, 4)
    assert leader.status().transferee == 0
    leader.propose(b"on we go")
    group.deliver()
    assert group.data(2) == [b"on we go"]


def test_what_was_committed_before_the_transfer_is_there_after_it() -> None:
    group = Group(5)
    leader = group.elect(1)
    group.lose = lambda message: isinstance(message, Append) and message.target == 4
    leader.propose_many([b"a", b"b", b"c"])
    group.deliver()
    group.heal()
    leader.transfer_leadership(4)
    group.tick(2)
    assert group.leaders() == [4]
    assert group.data(4) == [b"a", b"b", b"c"]
