"""Paper §5.1: terms are a logical clock that every message brings up to date."""

import pytest

from kube_actors.raft import (
    Append,
    AppendReply,
    Heartbeat,
    HeartbeatReply,
    InstallSnapshot,
    Message,
    PreVote,
    PreVoteReply,
    Role,
    Snapshot,
    TimeoutNow,
    UnknownMessage,
    Vote,
    VoteReply,
)
from tests.raft.raft_group import Group, member, out

NEWER: list[Message] = [
    Append(2, 1, 9, 0, 0, (), 0),
    AppendReply(2, 1, 9, 0),
    Heartbeat(2, 1, 9, 0, 0),
    HeartbeatReply(2, 1, 9, 0),
    Vote(2, 1, 9, 5, 9, True),
    VoteReply(2, 1, 9, False),
    PreVoteReply(2, 1, 9, False),
    InstallSnapshot(2, 1, 9, Snapshot()),
]


@pytest.mark.parametrize("role", [Role.FOLLOWER, Role.PRE_CANDIDATE, Role.CANDIDATE, Role.LEADER])
@pytest.mark.parametrize("message", NEWER, ids=lambda message: type(message).__name__)
def test_a_newer_term_makes_anyone_a_follower_of_it(role: Role, message: Message) -> None:
    group = Group(3)
    raft = group[1]
    if role is Role.LEADER:
        group.elect(1)
    elif role is not Role.FOLLOWER:
        group.lose = lambda message: role is Role.PRE_CANDIDATE or type(message) is VoteReply
        raft.campaign()
        group.deliver()
    assert raft.role is role

    raft.step(message)

    assert raft.role is Role.FOLLOWER
    assert raft.term == 9


@pytest.mark.parametrize("from_leader", NEWER[:1] + NEWER[2:3] + NEWER[7:])
def test_a_newer_leader_is_known_as_such(from_leader: Message) -> None:
    raft = member()
    raft.step(from_leader)
    assert raft.leader == 2


@pytest.mark.parametrize("message", NEWER, ids=lambda message: type(message).__name__)
def test_an_older_term_changes_nothing(message: Message) -> None:
    raft = member((9, 10), term=10)
    before = raft.status()
    raft.step(message)
    out(raft)
    assert raft.status() == before


def test_a_deposed_leader_is_told_the_newer_term() -> None:
    raft = member(term=10)
    raft.step(Append(2, 1, 9, 0, 0, (), 0))
    raft.step(Heartbeat(3, 1, 9, 0, 0))
    assert out(raft) == [AppendReply(1, 2, 10, 0), AppendReply(1, 3, 10, 0)]


def test_a_pre_vote_of_a_newer_term_changes_no_term() -> None:
    raft = member(term=3)
    raft.step(PreVote(2, 1, 9, 0, 0))
    assert out(raft) == [PreVoteReply(1, 2, 9, True)]
    assert raft.term == 3


def test_what_is_not_a_message_for_this_member_is_refused() -> None:
    raft = member()
    for wrong in (Append(2, 3, 1, 0, 0, (), 0), TimeoutNow(1, 1, 1), "append"):
        with pytest.raises(UnknownMessage):
            raft.step(wrong)  # type: ignore[arg-type]
