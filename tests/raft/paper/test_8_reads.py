"""Paper §8 and thesis 6.4: linearizable reads without writing to the log."""

import pytest

from kube_actors.raft import Heartbeat, HeartbeatReply, ReadDropped, ReadIndexReply, ReadState
from tests.raft.raft_group import Group


def test_a_leader_begins_its_term_with_an_empty_entry() -> None:
    group = Group(3)
    group.elect(1)
    assert [(entry.term, entry.data) for entry in group.applied[2]] == [(1, b"")]


@pytest.mark.parametrize("reader", [1, 2])
def test_a_read_is_answered_with_the_commit_index(reader: int) -> None:
    group = Group(3)
    group.elect(1).propose(b"x")
    group.deliver()
    group[reader].read_index(b"r")
    group.deliver()
    assert group.reads[reader] == [ReadState(2, b"r")]


def test_a_group_of_one_reads_at_once() -> None:
    group = Group(1)
    group.elect(1)
    group[1].read_index(b"r")
    assert list(group[1].ready().read_states) == [ReadState(1, b"r")]


def test_many_reads_share_one_round() -> None:
    group = Group(3)
    leader = group.elect(1)
    group.sent.clear()
    for number in range(100):
        leader.read_index(b"%d" % number)
    group[2].read_index(b"far")
    group.deliver()
    assert len(group.reads[1]) == 100
    assert len(group.reads[2]) == 1
    assert len(group.of(Heartbeat)) <= 4


def test_a_leader_that_was_replaced_answers_no_read() -> None:
    group = Group(3, check_quorum=False)
    group.elect(1)
    group.isolate(1)
    group.elect(2).propose(b"newer")
    group.deliver()
    group[1].read_index(b"stale")
    group.tick(5, 1)
    assert group.reads[1] == []


def test_a_new_leader_makes_reads_wait_for_its_first_commit() -> None:
    group = Group(3)
    group.lose = lambda message: type(message).__name__ == "AppendReply"
    leader = group.elect(1)
    leader.read_index(b"early")
    group.tick(3, 1)
    assert group.reads[1] == []
    group.heal()
    group.tick(2, 1)
    assert group.reads[1] == [ReadState(1, b"early")]


def test_a_lost_round_is_made_up_for_by_the_next_heartbeat() -> None:
    group = Group(3)
    leader = group.elect(1)
    group.lose = lambda message: isinstance(message, HeartbeatReply)
    leader.read_index(b"r")
    group.deliver()
    group.heal()
    assert group.reads[1] == []
    group.tick(1, 1)
    assert group.reads[1] == [ReadState(1, b"r")]


def test_an_old_heartbeat_reply_confirms_no_newer_read() -> None:
    group = Group(3)
    leader = group.elect(1)
    group.isolate(1)
    leader.read_index(b"r")
    group.deliver()
    leader.step(HeartbeatReply(2, 1, leader.term, 0))
    leader.step(HeartbeatReply(3, 1, leader.term, 0))
    group.deliver()
    assert group.reads[1] == []


def test_without_a_leader_a_read_is_refused_at_once() -> None:
    with pytest.raises(ReadDropped):
        Group(3)[1].read_index(b"r")


def test_an_answer_to_an_earlier_incarnation_is_ignored() -> None:
    group = Group(3)
    group.elect(1)
    group.lose = lambda message: isinstance(message, ReadIndexReply)
    group[2].read_index(b"1")
    group.deliver()
    old = group.of(ReadIndexReply)[0]
    group.heal()
    group.restart(2)
    group[2].step(old)
    group.deliver()
    assert group.reads[2] == []


def test_a_five_member_read_needs_two_answers() -> None:
    group = Group(5)
    leader = group.elect(1)
    group.isolate(3, 4, 5)
    leader.read_index(b"r")
    group.deliver()
    assert group.reads[1] == []
    group.heal()
    group.tick(1, 1)
    assert group.reads[1] == [ReadState(1, b"r")]
