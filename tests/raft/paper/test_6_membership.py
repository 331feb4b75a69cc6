"""Paper §6 and thesis chapter 4: changing who is in the group."""

import pytest

from kube_actors.raft import (
    LEAVE_JOINT,
    ChangeType,
    ConfigChange,
    ConfigState,
    DropReason,
    InvalidChange,
    MemberChange,
    ProposalDropped,
    Quorum,
    Transition,
    VoteResult,
    changed,
    decode_config,
)
from kube_actors.raft.membership import encode_config
from tests.raft.raft_group import Group

ADD, REMOVE, LEARN = ChangeType.ADD_VOTER, ChangeType.REMOVE, ChangeType.ADD_LEARNER


def change(
    *items: tuple[ChangeType, int], transition: Transition = Transition.AUTO
) -> ConfigChange:
    return ConfigChange(tuple(MemberChange(*item) for item in items), transition)


@pytest.mark.parametrize(
    ("before", "items", "after"),
    [
        (ConfigState((1,)), [(ADD, 2)], ConfigState((1, 2))),
        (ConfigState((1, 2, 3)), [(REMOVE, 2)], ConfigState((1, 3))),
        (ConfigState((1,)), [(LEARN, 2)], ConfigState((1,), learners=(2,))),
        (ConfigState((1,), learners=(2,)), [(ADD, 2)], ConfigState((1, 2))),
        (ConfigState((1, 2)), [(LEARN, 2)], ConfigState((1,), learners=(2,))),
        (ConfigState((1, 2)), [(REMOVE, 9)], ConfigState((1, 2))),
        (
            ConfigState((1, 2, 3)),
            [(REMOVE, 1), (ADD, 4)],
            ConfigState((2, 3, 4), (1, 2, 3), auto_leave=True),
        ),
        (
            ConfigState((1, 2, 3)),
            [(LEARN, 1), (ADD, 4)],
            ConfigState((2, 3, 4), (1, 2, 3), learners_next=(1,), auto_leave=True),
        ),
        (
            ConfigState((2, 3), (1, 2), learners=(4,), learners_next=(1,)),
            [],
            ConfigState((2, 3), learners=(1, 4)),
        ),
    ],
)
def test_a_change_gives_this_configuration(
    before: ConfigState, items: list[tuple[ChangeType, int]], after: ConfigState
) -> None:
    assert changed(before, change(*items)) == after
    assert decode_config(encode_config(after, b"why")) == (after, b"why")


@pytest.mark.parametrize(
    ("before", "items"),
    [
        (ConfigState((1,)), [(REMOVE, 1)]),
        (ConfigState((1,)), [(LEARN, 1)]),
        (ConfigState((1,)), [(ADD, 0)]),
        (ConfigState((1, 2), (1,)), [(ADD, 3)]),
        (ConfigState((1, 2)), []),
    ],
)
def test_a_change_that_makes_no_sense_is_refused(
    before: ConfigState, items: list[tuple[ChangeType, int]]
) -> None:
    with pytest.raises(InvalidChange):
        changed(before, change(*items))


@pytest.mark.parametrize("data", [b"", b"\x09\x00", b"\x00\x02abc", b"\x00\x01\x07" + bytes(8)])
def test_a_malformed_change_is_an_error(data: bytes) -> None:
    with pytest.raises(InvalidChange):
        ConfigChange.from_bytes(data)
    with pytest.raises(InvalidChange):
        decode_config(b"\x02" + data[:3])


def test_a_change_survives_its_encoding() -> None:
    original = ConfigChange((MemberChange(ADD, 7), MemberChange(REMOVE, 1)), Transition.EXPLICIT)
    assert ConfigChange.from_bytes(original.to_bytes()) == original


def test_a_new_voter_catches_up_and_counts() -> None:
    group = Group(3)
    leader = group.elect(1)
    leader.propose(b"before")
    group.deliver()
    group.join(4)
    leader.propose_change(change((ADD, 4)))
    group.deliver()
    group.tick(2)
    assert group.data(4) == [b"before"]
    assert group[4].config_state == ConfigState((1, 2, 3, 4))
    group.isolate(3, 4)
    leader.propose(b"needs three of four")
    group.deliver()
    assert group.data(1) == [b"before"]


def test_a_learner_gets_the_log_and_is_never_counted() -> None:
    group = Group(3)
    leader = group.elect(1)
    group.join(4)
    leader.propose_change(change((LEARN, 4)))
    group.deliver()
    group.tick(2)
    group.isolate(2, 3)
    leader.propose(b"x")
    group.deliver()
    assert group[4].last_index == leader.last_index
    assert group.data(1) == []
    group[4].campaign()
    assert group[4].term == leader.term


def test_a_learner_is_promoted_only_when_it_has_caught_up() -> None:
    group = Group(1, promote_lag_max=5)
    leader = group.elect(1)
    leader.propose_many([b"x"] * 20)
    leader.propose_change(change((LEARN, 2)))
    group.deliver()
    with pytest.raises(ProposalDropped) as caught:
        leader.propose_change(change((ADD, 2)))
    assert caught.value.reason is DropReason.NOT_CAUGHT_UP
    group.join(2)
    group.tick(3)
    leader.propose_change(change((ADD, 2)))
    group.deliver()
    assert leader.config_state.voters == (1, 2)


def test_one_change_at_a_time() -> None:
    group = Group(3)
    leader = group.elect(1)
    group.isolate(1)
    leader.propose_change(change((REMOVE, 3)))
    with pytest.raises(ProposalDropped) as caught:
        leader.propose_change(change((REMOVE, 2)))
    assert caught.value.reason is DropReason.CHANGE_PENDING


def test_a_leader_changes_nothing_before_it_commits_in_its_term() -> None:
    group = Group(3)
    group.lose = lambda message: type(message).__name__ == "AppendReply"
    leader = group.elect(1)
    with pytest.raises(ProposalDropped) as caught:
        leader.propose_change(change((REMOVE, 3)))
    assert caught.value.reason is DropReason.CHANGE_PENDING


def test_a_joint_change_replaces_most_members_and_leaves_by_itself() -> None:
    group = Group(3)
    leader = group.elect(1)
    for number in (4, 5):
        group.join(number)
    leader.propose_change(change((REMOVE, 2), (REMOVE, 3), (ADD, 4), (ADD, 5)))
    group.deliver()
    group.tick(3)
    assert leader.config_state == ConfigState((1, 4, 5))
    leader.propose(b"x")
    group.deliver()
    assert group.data(5) == [b"x"]


def test_in_a_joint_configuration_both_majorities_must_agree() -> None:
    group = Group(3)
    leader = group.elect(1)
    group.join(4)
    explicit = change((REMOVE, 2), (REMOVE, 3), (ADD, 4), transition=Transition.EXPLICIT)
    leader.propose_change(explicit)
    group.deliver()
    group.tick(2)
    assert leader.config_state == ConfigState((1, 4), (1, 2, 3))
    group.isolate(2, 3)
    leader.propose(b"new only")
    group.deliver()
    assert group.data(1) == []
    group.heal()
    group.tick(2)
    assert group.data(1) == [b"new only"]
    group.isolate(4)
    leader.propose(b"old only")
    group.deliver()
    assert group.data(1) == [b"new only"]
    group.heal()
    group.tick(2)
    assert group.data(1) == [b"new only", b"old only"]
    leader.propose_change(LEAVE_JOINT)
    group.deliver()
    assert leader.config_state == ConfigState((1, 4))


def test_a_removed_leader_steps_down_once_its_removal_is_committed() -> None:
    group = Group(3)
    group.elect(1).propose_change(change((REMOVE, 1)))
    group.deliver()
    assert not group[1].is_leader
    assert len(group.leaders()) == 1  # it told an up-to-date one to campaign
    group.tick(60)
    assert 1 not in group.leaders()
    assert group[2].term == 2


def test_a_change_that_was_not_committed_is_undone_with_its_entry() -> None:
    group = Group(3)
    group.elect(1)
    group.isolate(1)
    group[1].propose_change(change((REMOVE, 2)))
    group.deliver()
    assert group[1].config_state.voters == (1, 3)
    group.elect(2).propose(b"x")
    group.deliver()
    group.heal()
    group.tick(3)
    assert group[1].config_state.voters == (1, 2, 3)


def test_a_dropped_voter_that_is_still_needed_campaigns_without_counting_itself() -> None:
    """Thesis 4.2.2: the longest log is on a member that the configuration in it drops."""
    group = Group(2, check_quorum=False)
    group.elect(1)
    group.isolate(1)
    group[1].propose_change(change((REMOVE, 1)))
    group.deliver()
    group.restart(1)
    group.heal()
    group.tick(80)
    assert group.leaders() == [2]
    assert group[2].config_state.voters == (2,)


def test_membership_survives_a_restart_and_a_snapshot() -> None:
    from kube_actors.raft import Snapshot

    group = Group(3)
    leader = group.elect(1)
    group.join(4)
    leader.propose_change(change((LEARN, 4)))
    group.deliver()
    group.restart(2)
    assert group[2].config_state.learners == (4,)
    snapshot = Snapshot(leader.snapshot_metadata(), b"state")
    assert snapshot.metadata.config.learners == (4,)
    assert leader.compact(snapshot)
    group.disks[1].compact(snapshot)
    group.restart(1)
    assert group[1].config_state.learners == (4,)


@pytest.mark.parametrize(
    ("voters", "outgoing", "yes", "no", "result"),
    [
        ((1, 2, 3), (), (1, 2), (), VoteResult.WON),
        ((1, 2, 3), (), (1,), (2,), VoteResult.PENDING),
        ((1, 2, 3), (), (1,), (2, 3), VoteResult.LOST),
        ((1, 2, 3, 4), (), (1, 2), (), VoteResult.PENDING),
        ((1, 2, 3, 4), (), (1, 2), (3, 4), VoteResult.LOST),
        ((1, 2), (3, 4), (1, 2, 3), (), VoteResult.PENDING),
        ((1, 2), (3, 4), (1, 2, 3, 4), (), VoteResult.WON),
        ((1, 2), (3, 4), (1, 2, 3), (4,), VoteResult.LOST),
        ((), (), (), (), VoteResult.WON),
    ],
)
def test_votes_are_counted_in_both_halves(
    voters: tuple[int, ...],
    outgoing: tuple[int, ...],
    yes: tuple[int, ...],
    no: tuple[int, ...],
    result: VoteResult,
) -> None:
    votes = dict.fromkeys(yes, True) | dict.fromkeys(no, False)
    quorum = Quorum(voters, outgoing)
    assert quorum.vote_result(votes) is result
    assert quorum.is_met(yes) is (result is VoteResult.WON)
