"""A leader that does not tell every commit at once: what carries it, and who asks for it."""

from kube_actors.raft import Append, Raft
from tests.raft.raft_group import Group


def quiet_group() -> tuple[Group, Raft]:
    group = Group(3, tell_commits=False)
    leader = group.elect(1)
    group.tick(2)
    group.sent.clear()
    return group, leader


def test_a_commit_costs_no_message_of_its_own() -> None:
    group, leader = quiet_group()
    leader.propose(b"x")
    group.deliver()
    assert group.data(1) == [b"x"]
    assert [len(message.entries) for message in group.of(Append)] == [1, 1]
    assert group.data(2) == group.data(3) == []


def test_the_next_append_carries_it() -> None:
    group, leader = quiet_group()
    leader.propose(b"x")
    group.deliver()
    leader.propose(b"y")
    group.deliver()
    assert group.data(2) == group.data(3) == [b"x"]
    assert len(group.of(Append)) == 4


def test_the_next_heartbeat_carries_it_and_then_nothing_is_owed() -> None:
    group, leader = quiet_group()
    leader.propose(b"x")
    group.deliver()
    group.tick(1, 1)
    assert group.data(2) == group.data(3) == [b"x"]
    leader.tell_commit()
    group.deliver()
    assert len(group.of(Append)) == 2


def test_who_is_asked_for_is_told_and_only_once() -> None:
    group, leader = quiet_group()
    leader.propose(b"x")
    group.deliver()
    for _ in range(2):
        leader.tell_commit(3)
        group.deliver()
    assert (group.data(2), group.data(3)) == ([], [b"x"])
    assert len(group.of(Append)) == 3
    leader.tell_commit()
    group.deliver()
    assert group.data(2) == [b"x"]
    assert len(group.of(Append)) == 4


def test_a_notice_that_is_lost_is_made_good_by_a_heartbeat() -> None:
    group, leader = quiet_group()
    leader.propose(b"x")
    group.deliver()
    group.isolate(3)
    leader.tell_commit()
    group.deliver()
    assert (group.data(2), group.data(3)) == ([b"x"], [])
    group.heal()
    group.tick(1, 1)
    assert group.data(3) == [b"x"]


def test_a_member_that_lags_is_told_with_what_it_lacks() -> None:
    group, leader = quiet_group()
    group.isolate(3)
    leader.propose(b"x")
    group.deliver()
    leader.tell_commit(3)
    group.deliver()
    group.heal()
    group.tick(2)
    assert group.data(3) == [b"x"]


def test_a_follower_tells_nobody() -> None:
    group, leader = quiet_group()
    leader.propose(b"x")
    group.deliver()
    group[2].tell_commit()
    assert not group[2].has_ready()
