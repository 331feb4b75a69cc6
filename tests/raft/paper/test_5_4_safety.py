"""Paper §5.4: who may lead, and what a leader may call committed."""

import pytest

from kube_actors.raft import Append, AppendReply, HardState, PreVote, PreVoteReply, Vote, VoteReply
from tests.raft.raft_group import Group, entries, member, out


@pytest.mark.parametrize(
    ("mine", "last_index", "last_term", "granted"),
    [
        ((), 0, 0, True),
        ((1,), 0, 0, False),
        ((1, 1), 2, 1, True),
        ((1, 1), 1, 1, False),
        ((1, 1), 3, 1, True),
        ((1, 2), 5, 1, False),
        ((1, 1, 1), 1, 2, True),
        ((2, 2, 3), 2, 3, False),
    ],
)
def test_votes_go_only_to_logs_at_least_as_up_to_date(
    mine: tuple[int, ...], last_index: int, last_term: int, granted: bool
) -> None:
    raft = member(mine, term=5)
    raft.step(Vote(2, 1, 6, last_index, last_term))
    raft.step(PreVote(3, 1, 7, last_index, last_term))
    assert out(raft) == [
        VoteReply(1, 2, 6, granted),
        PreVoteReply(1, 3, 7 if granted else 6, granted),
    ]


def test_a_member_without_the_committed_entry_cannot_win() -> None:
    group = Group(3)
    group.elect(1)
    group.isolate(3)
    group[1].propose(b"x")
    group.deliver()
    group.heal()
    group.isolate(1)
    for raft in group.members.values():
        raft._state.election_elapsed = 10
    group[3].campaign()
    group.deliver()
    assert not group[3].is_leader
    assert group.elect(2).is_leader


def test_a_leader_never_commits_an_older_term_by_counting() -> None:
    """Figure 8: entry 2 of term 2 reaches a majority in term 4 and is still not committed."""
    raft = member((1, 2), term=4, commit=1)
    raft._state.term = 3
    raft.campaign()
    out(raft)
    raft.step(PreVoteReply(2, 1, 4, True))
    out(raft)
    raft.step(VoteReply(2, 1, 4, True))
    assert raft.is_leader
    out(raft)
    raft.step(AppendReply(2, 1, 4, 2))
    assert raft.commit_index == 1
    raft.step(AppendReply(2, 1, 4, 3))
    assert raft.commit_index == 3


@pytest.mark.parametrize(
    ("matches", "terms", "commit"),
    [
        ((2, 2), (1, 1), 3),
        ((3, 0), (1, 1), 3),
        ((0, 0), (1, 1), 0),
        ((3, 3), (1, 1), 3),
    ],
)
def test_the_median_of_what_is_stored_is_committed(
    matches: tuple[int, int], terms: tuple[int, ...], commit: int
) -> None:
    raft = member(terms, term=1, pre_vote=False)
    raft.campaign()
    out(raft)
    raft.step(VoteReply(2, 1, 2, True))
    out(raft)
    for source, match in zip((2, 3), matches, strict=True):
        if match:
            raft.step(AppendReply(source, 1, 2, match))
    assert raft.commit_index == (commit if max(matches) == 3 else 0)


def test_a_new_leader_commits_what_the_old_one_left() -> None:
    group = Group(3)
    for number in (1, 2, 3):
        group.disks[number].entries = entries(1, 1, 2)
        group.disks[number].hard_state = HardState(2)
        group.restart(number)
    group.elect(2)
    assert [group[number].commit_index for number in (1, 2, 3)] == [4, 4, 4]


def test_appends_and_votes_may_be_repeated_without_harm() -> None:
    """§5.5: members are retried for ever, so every request is idempotent."""
    raft = member()
    vote = Vote(2, 1, 1, 0, 0)
    raft.step(vote)
    raft.step(vote)
    assert out(raft) == [VoteReply(1, 2, 1, True)] * 2
    append = Append(2, 1, 1, 0, 0, tuple(entries(1, 1)), 1)
    raft.step(append)
    raft.step(append)
    assert raft.last_index == 2
    assert raft.commit_index == 1


def test_a_lost_append_is_found_by_the_next_heartbeat() -> None:
    """§5.5: a follower that was away gets everything when it is back."""
    group = Group(3)
    leader = group.elect(1)
    group.lose = lambda message: isinstance(message, Append) and message.target == 3
    for number in range(5):
        leader.propose(b"%d" % number)
        group.deliver()
    group.heal()
    group.tick(1, 1)
    assert group.data(3) == [b"0", b"1", b"2", b"3", b"4"]
