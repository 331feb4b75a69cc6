"""Thesis, chapter 4: what membership changes must keep true, section by section."""

from collections.abc import Iterable
from itertools import combinations, pairwise

import pytest

from kube_actors.raft import (
    LEAVE_JOINT,
    ChangeType,
    ConfigChange,
    ConfigState,
    DropReason,
    MemberChange,
    ProposalDropped,
    Quorum,
    Role,
    TimeoutNow,
    Transition,
    Vote,
    VoteResult,
    changed,
)
from tests.raft.raft_group import Group


def change(*changes: tuple[ChangeType, int], mode: Transition = Transition.AUTO) -> ConfigChange:
    return ConfigChange(tuple(MemberChange(kind, member) for kind, member in changes), mode)


ADD, REMOVE, LEARN = ChangeType.ADD_VOTER, ChangeType.REMOVE, ChangeType.ADD_LEARNER


def winners(config: ConfigState, members: Iterable[int]) -> list[set[int]]:
    """Every set of members whose votes elect a leader."""
    quorum, everyone = Quorum.of(config), sorted(members)
    sets = [set(s) for size in range(len(everyone) + 1) for s in combinations(everyone, size)]
    return [s for s in sets if quorum.vote_result({m: m in s for m in everyone}) is VoteResult.WON]


# -- 4.1 safety, and 4.3 arbitrary changes -------------------------------------------------

CHANGES = [
    change((ADD, 4)),
    change((REMOVE, 3)),
    change((LEARN, 3)),
    change((LEARN, 4)),
    change((ADD, 4), (ADD, 5)),
    change((REMOVE, 1), (REMOVE, 2)),
    change((REMOVE, 1), (REMOVE, 2), (REMOVE, 3), (ADD, 4), (ADD, 5)),
    change((LEARN, 1), (ADD, 4)),
]


@pytest.mark.parametrize("before", [(1, 2), (1, 2, 3), (1, 2, 3, 6)], ids=str)
@pytest.mark.parametrize(
    "step", CHANGES, ids=lambda step: "".join(f"{c.type.name[0]}{c.member}" for c in step.changes)
)
def test_no_two_leaders_can_be_elected_on_either_side_of_a_step(
    before: tuple[int, ...], step: ConfigChange
) -> None:
    configs = [ConfigState(before)]
    try:
        configs.append(changed(configs[0], step))
    except ValueError:
        assert {c.member for c in step.changes} >= set(before), "only the last voters may not go"
        return
    if configs[-1].voters_outgoing:
        configs.append(changed(configs[-1], LEAVE_JOINT))
    for old, new in pairwise(configs):
        for one in winners(old, range(1, 7)):
            for other in winners(new, range(1, 7)):
                assert one & other, (old, new)


def test_two_voters_at_once_without_a_joint_configuration_would_be_unsafe() -> None:
    """Why the check above can fail: figure 4.3 of the thesis."""
    old, new = ConfigState((1, 2, 3)), ConfigState((1, 2, 3, 4, 5))
    assert any(not a & b for a in winners(old, range(1, 6)) for b in winners(new, range(1, 6)))


def test_a_joint_configuration_outlives_its_leader_and_is_left_by_the_next() -> None:
    group = Group(3)
    leader = group.elect(1)
    for member in (4, 5):
        group.join(member)
    group.lose = lambda message: any(
        entry.index == 3 for entry in getattr(message, "entries", ())
    )  # Nothing after the joint configuration gets through.
    leader.propose_change(change((ADD, 4), (ADD, 5), (REMOVE, 1)))
    group.tick(3)
    assert group[2].config_state.voters_outgoing == (1, 2, 3)
    group.heal()
    group.isolate(1)
    group.elect(2)
    group.tick(3)
    assert [group[m].config_state for m in (2, 3, 4, 5)] == [ConfigState((2, 3, 4, 5))] * 4


def test_in_a_joint_configuration_neither_half_commits_alone() -> None:
    group = Group(3)
    leader = group.elect(1)
    for member in (4, 5):
        group.join(member)
    leader.propose_change(
        change((REMOVE, 2), (REMOVE, 3), (ADD, 4), (ADD, 5), mode=Transition.EXPLICIT)
    )
    group.tick(3)
    committed = leader.commit_index
    for away in ((2, 3), (4, 5)):
        group.isolate(*away)
        leader.propose(b"x")
        group.tick(2, *({1, 2, 3, 4, 5} - set(away)))
        assert leader.commit_index == committed, away
        group.heal()
        group.tick(3)
        committed = leader.commit_index


# -- 4.2.1 catching up new members ---------------------------------------------------------


def test_a_learner_far_behind_costs_no_availability_and_is_not_promoted() -> None:
    group = Group(3, promote_lag_max=5)
    leader = group.elect(1)
    leader.propose_change(change((LEARN, 4)))
    group.deliver()
    leader.propose_many([b"x"] * 20)
    group.deliver()
    assert leader.commit_index == leader.last_index, "4 does not exist yet and is not needed"
    with pytest.raises(ProposalDropped) as caught:
        leader.propose_change(change((ADD, 4)))
    assert caught.value.reason is DropReason.NOT_CAUGHT_UP
    group.join(4)
    group.tick(2)
    leader.propose_change(change((ADD, 4)))
    group.deliver()
    assert group[4].config_state.voters == (1, 2, 3, 4)


# -- 4.2.2 removing the current leader -----------------------------------------------------


@pytest.mark.parametrize("count", [2, 3, 4, 5])
def test_a_leader_commits_its_removal_with_a_majority_of_the_others(count: int) -> None:
    group = Group(count)
    leader = group.elect(1)
    others = list(range(2, count + 1))
    needed = len(others) // 2 + 1
    group.isolate(*others[needed - 1 :])
    leader.propose_change(change((REMOVE, 1)))
    group.deliver()
    assert leader.commit_index == 1, "with itself it would be a majority, and it is not counted"
    group.heal()
    group.tick(2)
    assert not leader.is_leader
    assert leader.commit_index >= 2


def test_a_removed_leader_hands_over_without_waiting_for_a_timeout() -> None:
    group = Group(3)
    group.elect(1).propose_change(change((REMOVE, 1)))
    group.deliver()
    assert len(group.of(TimeoutNow)) == 1
    assert group.leaders() == [2]
    group.tick(60)
    assert group[1].role is not Role.LEADER


def test_a_leader_may_be_told_to_lead_on_after_its_removal() -> None:
    group = Group(3, step_down_on_removal=False)
    leader = group.elect(1)
    leader.propose_change(change((REMOVE, 1)))
    group.deliver()
    assert leader.is_leader
    with pytest.raises(ProposalDropped) as caught:
        leader.propose(b"x")
    assert caught.value.reason is DropReason.REMOVED


def test_a_leader_made_a_learner_steps_down_too() -> None:
    group = Group(3)
    leader = group.elect(1)
    leader.propose_change(change((LEARN, 1)))
    group.tick(2)
    assert not leader.is_leader
    assert leader.config_state == ConfigState((2, 3), learners=(1,))


# -- 4.2.3 disruptive members --------------------------------------------------------------


def test_a_removed_member_that_never_heard_of_it_disturbs_nobody() -> None:
    group = Group(4, pre_vote=False)
    leader = group.elect(1)
    group.isolate(4)
    leader.propose_change(change((REMOVE, 4)))
    group.deliver()
    group.tick(60)
    assert group[4].term > leader.term
    group.heal()
    for _ in range(20):
        group.tick(1)
    assert group.leaders() == [1]
    assert {vote.source for vote in group.of(Vote) if vote.term > 1} == {4}


# -- the bug found in single-member changes (raft-dev, July 2015) --------------------------


def test_a_new_leader_changes_nothing_before_it_has_committed_in_its_term() -> None:
    group = Group(4)
    group.elect(1)
    group.isolate(1)
    group.lose = lambda message: type(message).__name__ == "AppendReply"
    second = group.elect(2)
    with pytest.raises(ProposalDropped) as caught:
        second.propose_change(change((ADD, 5)))
    assert caught.value.reason is DropReason.CHANGE_PENDING
    group.heal()
    group.tick(2)
    second.propose_change(change((ADD, 5)))


# -- 4.4 one member for another, the whole way ---------------------------------------------


def test_every_member_of_a_group_is_replaced_while_it_serves() -> None:
    group = Group(3)
    group.elect(1)
    for old, new in ((1, 4), (2, 5), (3, 6)):
        (number,) = group.leaders()
        group.join(new)
        group[number].propose_change(change((LEARN, new)))
        group.tick(2)
        group[number].propose_change(change((ADD, new), (REMOVE, old)))
        group[number].propose(b"%d" % new) if number != old else None
        group.tick(40)
        (number,) = group.leaders()
        group[number].propose(b"after %d" % new)
        group.tick(2)
    assert group[6].config_state == ConfigState((4, 5, 6))
    assert group.data(4) == group.data(5) == group.data(6)
    assert [data for data in group.data(6) if data.startswith(b"after")] == [
        b"after 4",
        b"after 5",
        b"after 6",
    ]


def test_new_voters_have_an_election_timeout_to_be_heard_and_no_longer() -> None:
    """They cannot have answered when they come; if they never do, the leader must know."""
    group = Group(3)
    leader = group.elect(1)
    leader.propose_change(change((REMOVE, 2), (ADD, 4), (ADD, 5)))
    group.tick(10, 1)
    assert leader.is_leader
    group.tick(1, 1)
    assert not leader.is_leader
