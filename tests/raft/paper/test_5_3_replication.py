"""Paper §5.3: log replication, the consistency check and the repair of divergent logs."""

import pytest

from kube_actors.raft import (
    Append,
    AppendReply,
    DropReason,
    Entry,
    ProposalDropped,
    RaftConfig,
    SafetyViolation,
)
from tests.raft.raft_group import Group, entries, member, out


def test_a_proposal_is_committed_by_a_majority_and_applied_by_all() -> None:
    group = Group(3)
    assert group.elect(1).propose(b"x") == 2
    group.deliver()
    assert [group.data(i) for i in (1, 2, 3)] == [[b"x"]] * 3


@pytest.mark.parametrize(
    ("count", "reached", "committed"),
    [(3, 1, True), (3, 0, False), (5, 1, False), (5, 2, True), (5, 4, True)],
)
def test_only_a_majority_commits(count: int, reached: int, committed: bool) -> None:
    group = Group(count)
    leader = group.elect(1)
    group.isolate(*range(2 + reached, count + 1))
    leader.propose(b"x")
    group.deliver()
    assert (leader.commit_index == 2) is committed


def test_proposals_between_two_readys_share_one_append() -> None:
    group = Group(3)
    leader = group.elect(1)
    group.sent.clear()
    for number in range(100):
        leader.propose(b"%d" % number)
    group.deliver()
    with_entries = [message for message in group.of(Append) if message.entries]
    assert [len(message.entries) for message in with_entries] == [100, 100]


def test_a_follower_passes_proposals_on() -> None:
    group = Group(3)
    group.elect(1)
    assert group[2].propose(b"from 2") == 0
    group.deliver()
    assert group.data(3) == [b"from 2"]


def test_a_follower_refuses_proposals_when_forwarding_is_off() -> None:
    group = Group(3, forward_proposals=False)
    group.elect(1)
    with pytest.raises(ProposalDropped) as caught:
        group[2].propose(b"x")
    assert caught.value.reason is DropReason.NOT_LEADER


def test_without_a_leader_a_proposal_is_refused_at_once() -> None:
    with pytest.raises(ProposalDropped) as caught:
        member().propose(b"x")
    assert caught.value.reason is DropReason.NO_LEADER


@pytest.mark.parametrize(
    ("previous", "previous_term", "reply"),
    [
        (0, 0, AppendReply(1, 2, 3, 0)),
        (2, 2, AppendReply(1, 2, 3, 2)),
        (3, 3, AppendReply(1, 2, 3, 3, True, 2, 2)),
        (2, 3, AppendReply(1, 2, 3, 2, True, 2, 2)),
        (2, 1, AppendReply(1, 2, 3, 2, True, 1, 1)),
        (9, 3, AppendReply(1, 2, 3, 9, True, 2, 2)),
    ],
)
def test_an_append_needs_the_previous_entry(
    previous: int, previous_term: int, reply: AppendReply
) -> None:
    raft = member((1, 2), term=3)
    raft.step(Append(2, 1, 3, previous, previous_term, (), 0))
    assert out(raft) == [reply]


@pytest.mark.parametrize(
    ("have", "previous", "new", "after"),
    [
        ((1, 2), 2, (3,), (1, 2, 3)),
        ((1, 2), 1, (3, 4), (1, 3, 4)),
        ((1, 2), 0, (1,), (1, 2)),
        ((1, 2), 0, (1, 2), (1, 2)),
        ((1, 2), 0, (1, 3), (1, 3)),
        ((1, 2, 2, 2), 1, (2,), (1, 2, 2, 2)),
        ((1, 2, 2, 2), 1, (3,), (1, 3)),
        ((), 0, (4, 4), (4, 4)),
    ],
)
def test_entries_are_replaced_only_where_they_conflict(
    have: tuple[int, ...], previous: int, new: tuple[int, ...], after: tuple[int, ...]
) -> None:
    raft = member(have, term=4)
    previous_term = have[previous - 1] if previous else 0
    raft.step(Append(2, 1, 4, previous, previous_term, tuple(entries(*new, first=previous + 1)), 0))
    assert tuple(entry.term for entry in raft.log.entries) == after


@pytest.mark.parametrize(
    ("leader_commit", "previous", "new", "commit"),
    [(0, 2, 0, 0), (1, 2, 0, 1), (9, 2, 0, 2), (9, 2, 1, 3), (9, 1, 0, 1)],
)
def test_a_follower_commits_no_further_than_what_surely_matches(
    leader_commit: int, previous: int, new: int, commit: int
) -> None:
    raft = member((1, 1), term=1)
    fresh = tuple(entries(*[1] * new, first=previous + 1))
    raft.step(Append(2, 1, 1, previous, 1, fresh, leader_commit))
    assert raft.commit_index == commit


FIGURE_7 = {
    "a": (1, 1, 1, 4, 4, 5, 5, 6, 6),
    "b": (1, 1, 1, 4),
    "c": (1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6),
    "d": (1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7),
    "e": (1, 1, 1, 4, 4, 4, 4),
    "f": (1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3),
}


@pytest.mark.parametrize("name", sorted(FIGURE_7))
def test_a_new_leader_brings_any_log_of_figure_7_into_line(name: str) -> None:
    group = Group(3)
    leader_log = (1, 1, 1, 4, 4, 5, 5, 6, 6, 6)
    for number, terms in ((1, leader_log), (2, FIGURE_7[name]), (3, ())):
        group.disks[number].entries = [Entry(e.index, e.term) for e in entries(*terms)]
        group.disks[number].hard_state = type(group.disks[number].hard_state)(7)
        group.restart(number)
    group.elect(1)
    assert group.log(2) == group.log(1)
    assert group[2].commit_index == 11


def test_backtracking_takes_a_probe_per_term_not_per_entry() -> None:
    group = Group(3, message_bytes_max=1000)
    for number, terms in ((1, (1,) * 5 + (5,)), (2, (1,) * 2 + (3,) * 400 + (4,) * 400), (3, ())):
        group.disks[number].entries = [Entry(e.index, e.term) for e in entries(*terms)]
        group.disks[number].hard_state = type(group.disks[number].hard_state)(5)
        group.restart(number)
    group.elect(1)
    refusals = [m for m in group.of(AppendReply) if m.source == 2 and m.rejected]
    assert len(refusals) <= 2
    assert group.log(2) == group.log(1)


def test_a_deposed_leader_discards_its_uncommitted_entries() -> None:
    group = Group(3)
    group.elect(1)
    group.isolate(1)
    group[1].propose(b"lost")
    group.deliver()
    group.elect(2).propose(b"kept")
    group.deliver()
    group.heal()
    group.tick(3)
    assert group[1].role.value == "follower"
    assert [group.data(i) for i in (1, 2, 3)] == [[b"kept"]] * 3


def test_a_committed_entry_is_never_replaced() -> None:
    raft = member((1, 1), term=2, commit=2)
    raft.step(Append(2, 1, 2, 2, 1, tuple(entries(2, first=3)), 3))
    with pytest.raises(SafetyViolation):
        raft.log.append(entries(2, first=2))


def test_messages_stay_within_their_size() -> None:
    group = Group(3, message_bytes_max=100)
    leader = group.elect(1)
    group.sent.clear()
    leader.propose_many([b"x" * 30] * 10)
    leader.propose(b"y" * 500)
    group.deliver()
    sizes = [len(m.entries) for m in group.of(Append) if m.entries and m.target == 2]
    assert sizes == [2] * 5 + [1]
    assert len(group.data(2)) == 11


def test_appends_in_flight_stay_within_their_limit() -> None:
    group = Group(3, message_bytes_max=1, inflight_messages_max=4)
    leader = group.elect(1)
    group.sent.clear()
    group.isolate(2)
    for _ in range(10):
        leader.propose(b"x")
    group.deliver()
    assert len([m for m in group.of(Append) if m.entries and m.target == 2]) == 4
    assert {peer.id: peer.inflight for peer in leader.status().peers}[2] == 4


def test_bytes_in_flight_stay_within_their_limit() -> None:
    group = Group(3, message_bytes_max=1, inflight_bytes_max=300)
    leader = group.elect(1)
    group.isolate(2)
    for _ in range(10):
        leader.propose(b"x" * 84)
    group.deliver()
    assert {peer.id: peer.inflight for peer in leader.status().peers}[2] == 3


def test_uncommitted_bytes_stay_within_their_limit() -> None:
    group = Group(3, uncommitted_bytes_max=100)
    leader = group.elect(1)
    group.isolate(1)
    leader.propose(b"x" * 1000)
    with pytest.raises(ProposalDropped) as caught:
        leader.propose(b"x")
    assert caught.value.reason is DropReason.UNCOMMITTED_LIMIT
    group.heal()
    group.tick(2)
    leader.propose(b"x")


def test_committed_entries_are_handed_out_within_a_size() -> None:
    group = Group(1, committed_bytes_max=100)
    leader = group.elect(1)
    leader.propose_many([b"x" * 40] * 6)
    leader.advance(leader.ready())
    sizes = []
    while leader.has_ready():
        ready = leader.ready()
        sizes.append(len(ready.committed_entries))
        leader.advance(ready)
    assert sizes == [1, 1, 1, 1, 1, 1]


def test_a_config_that_cannot_work_is_refused() -> None:
    for wrong in ({"id": 0}, {"id": 1, "heartbeat_ticks": 10}, {"id": 1, "message_bytes_max": 0}):
        with pytest.raises(ValueError):
            RaftConfig(**wrong)  # type: ignore[arg-type]
