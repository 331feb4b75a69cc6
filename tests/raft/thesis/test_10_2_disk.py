"""Thesis 10.2.1: the leader writes its disk in parallel with its followers; nobody promises
what is not on disk."""

from kube_actors.raft import Append, AppendReply, Heartbeat, HeartbeatReply, Role, Vote, VoteReply
from tests.raft.raft_group import Group, entries, member


def test_a_leader_sends_appends_before_its_own_write() -> None:
    group = Group(3)
    leader = group.elect(1)
    leader.propose(b"x")
    ready = leader.ready()
    assert [type(message) for message in ready.messages] == [Append, Append]
    assert list(ready.messages_after_persist) == []
    assert ready.must_sync


def test_a_follower_acknowledges_only_after_its_write() -> None:
    raft = member()
    raft.step(Append(2, 1, 1, 0, 0, tuple(entries(1)), 0))
    ready = raft.ready()
    assert list(ready.messages) == []
    assert ready.messages_after_persist == [AppendReply(1, 2, 1, 1)]


def test_a_vote_is_told_only_after_it_is_written() -> None:
    raft = member()
    raft.step(Vote(2, 1, 1, 0, 0))
    ready = raft.ready()
    assert ready.must_sync
    assert ready.hard_state is not None
    assert ready.hard_state.vote == 2
    assert list(ready.messages) == []
    assert ready.messages_after_persist == [VoteReply(1, 2, 1, True)]


def test_followers_commit_while_the_leader_is_still_writing() -> None:
    group = Group(3)
    leader = group.elect(1)
    group.slow.add(1)
    leader.propose(b"x")
    group.deliver()
    assert leader.commit_index == 2
    assert group.data(2) == [b"x"]
    assert group.data(1) == []  # not before it is on the leader's own disk
    group.slow.clear()
    group.finish_writes(1)
    group.deliver()
    assert group.data(1) == [b"x"]


def test_the_leader_does_not_count_what_it_has_not_written() -> None:
    group = Group(3)
    leader = group.elect(1)
    group.isolate(3)
    group.slow |= {1, 2}
    leader.propose(b"x")
    group.deliver()
    group.finish_writes(2)
    assert leader.commit_index == 1
    group.finish_writes(1)
    assert leader.commit_index == 2


def test_proposals_are_taken_while_a_write_is_in_flight() -> None:
    group = Group(3)
    leader = group.elect(1)
    group.slow.add(1)
    for number in range(10):
        leader.propose(b"%d" % number)
        group.deliver()
    assert len(group.writing[1]) >= 10
    assert len(group.data(2)) == 10
    group.slow.clear()
    group.finish_writes(1)
    group.deliver()
    assert group.data(1) == group.data(2)


def test_heartbeats_are_answered_while_a_write_is_in_flight() -> None:
    raft = member(term=1)
    raft.step(Append(2, 1, 1, 0, 0, tuple(entries(1)), 0))
    raft.ready()
    raft.step(Heartbeat(2, 1, 1, 0, 4))
    assert raft.ready().messages == [HeartbeatReply(1, 2, 1, 4)]


def test_an_old_write_says_nothing_about_entries_that_replaced_it() -> None:
    """The ABA race: 1@1 is being written, is replaced by 1@2, and comes back as 1@1's twin."""
    raft = member(term=1, count=3)
    raft.step(Append(2, 1, 1, 0, 0, tuple(entries(1, 1)), 0))
    first = raft.ready()
    raft.step(Append(3, 1, 2, 0, 0, tuple(entries(2)), 0))
    second = raft.ready()
    raft.step(Append(2, 1, 3, 0, 0, tuple(entries(1, 1)), 2))
    third = raft.ready()
    raft.advance(first)
    assert raft.persisted_index == 0
    assert not raft.ready().committed_entries
    raft.advance(second)
    assert raft.persisted_index == 0
    raft.advance(third)
    assert raft.persisted_index == 2
    assert len(raft.ready().committed_entries) == 2


def test_one_advance_may_acknowledge_several_readys() -> None:
    group = Group(1)
    leader = group.elect(1)
    readys = []
    for number in range(3):
        leader.propose(b"%d" % number)
        readys.append(leader.ready())
    leader.advance(readys[-1])
    assert leader.commit_index == 4


def test_a_commit_alone_needs_no_sync() -> None:
    group = Group(3)
    leader = group.elect(1)
    leader.propose(b"x")
    leader.advance(leader.ready())
    leader.step(AppendReply(2, 1, leader.term, 2))
    ready = leader.ready()
    assert ready.hard_state is not None
    assert not ready.must_sync


def test_an_older_write_does_not_make_a_newer_vote_durable() -> None:
    group = Group(1)
    group.elect(1)
    group.slow.add(1)
    group[1].propose(b"x")
    group.deliver()
    group[1].step_down()
    group[1].campaign()
    group.deliver()
    older, *_ = group.writing[1]
    group[1].advance(older)
    assert (group[1].term, group[1].role) == (2, Role.CANDIDATE)
    group[1].advance(group.writing[1][-1])
    assert group[1].is_leader
