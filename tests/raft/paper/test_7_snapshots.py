"""Paper §7: compaction, and members that are too far behind for the log."""

from random import Random

import pytest

from kube_actors.raft import (
    Append,
    AppendReply,
    ConfigState,
    CorruptState,
    Entry,
    HardState,
    InstallSnapshot,
    LogUnavailable,
    Raft,
    RaftConfig,
    Snapshot,
    SnapshotMetadata,
)
from tests.raft.raft_group import Group, entries, member, out


def compacted_group() -> Group:
    """A group whose leader compacted everything while member 3 was away."""
    group = Group(3)
    leader = group.elect(1)
    group.isolate(3)
    leader.propose_many([b"x"] * 10)
    group.deliver()
    group.tick(11, 1, 2)
    snapshot = Snapshot(leader.snapshot_metadata(), b"state")
    assert leader.compact(snapshot)
    assert leader.first_index == 12
    return group


def test_a_member_behind_the_log_gets_a_snapshot_and_follows_on() -> None:
    group = compacted_group()
    group.heal()
    group[1].propose(b"after")
    group.tick(3)
    assert [snapshot.data for snapshot in group.snapshots[3]] == [b"state"]
    assert group[3].commit_index == 12
    assert group.data(3) == [b"after"]
    assert group.disks[3].snapshot.metadata == SnapshotMetadata(11, 1, ConfigState((1, 2, 3)))


def test_no_snapshot_goes_to_a_silent_member() -> None:
    group = compacted_group()
    group.tick(20, 1, 2)
    assert group.of(InstallSnapshot) == []


def test_a_lost_snapshot_is_sent_again() -> None:
    group = compacted_group()
    group.heal()
    group.lose = lambda message: isinstance(message, InstallSnapshot)
    group.tick(3)
    assert len(group.of(InstallSnapshot)) == 1
    group.heal()
    group.tick(101)
    assert group[3].commit_index == group[1].commit_index


def test_a_failed_snapshot_is_sent_again_soon() -> None:
    group = compacted_group()
    group.heal()
    group.lose = lambda message: isinstance(message, InstallSnapshot)
    group.tick(3)
    group.heal()
    group[1].report_snapshot_failed(3)
    group.tick(2)
    assert group[3].commit_index == group[1].commit_index


def test_kept_entries_spare_a_snapshot() -> None:
    group = Group(3)
    leader = group.elect(1)
    group.isolate(3)
    leader.propose_many([b"x"] * 10)
    group.deliver()
    leader.compact(Snapshot(leader.snapshot_metadata(), b"state"), keep_entries=100)
    group.heal()
    group.tick(3)
    assert len(group.data(3)) == 10
    assert group.snapshots[3] == []


@pytest.mark.parametrize(
    ("commit", "index", "term", "installed"),
    [(0, 5, 2, True), (3, 3, 1, False), (1, 2, 1, False), (1, 3, 2, True)],
)
def test_a_snapshot_is_installed_only_when_the_log_does_not_hold_it(
    commit: int, index: int, term: int, installed: bool
) -> None:
    raft = member((1, 1, 1), term=2, commit=commit)
    snapshot = Snapshot(SnapshotMetadata(index, term, ConfigState((1, 2, 3))), b"s")
    raft.step(InstallSnapshot(2, 1, 2, snapshot))
    ready = raft.ready()
    assert (ready.snapshot is not None) is installed
    assert ready.messages_after_persist == [AppendReply(1, 2, 2, max(commit, index))]
    assert raft.commit_index == max(commit, index)
    assert raft.last_index == (index if installed else 3)


def test_nothing_is_applied_before_a_received_snapshot_is_installed() -> None:
    raft = member((1,), term=1)
    snapshot = Snapshot(SnapshotMetadata(5, 1, ConfigState((1, 2, 3))), b"s")
    raft.step(InstallSnapshot(2, 1, 1, snapshot))
    first = raft.ready()
    from kube_actors.raft import Append

    raft.step(Append(2, 1, 1, 5, 1, tuple(entries(1, first=6)), 6))
    second = raft.ready()
    assert second.committed_entries == ()
    raft.advance(first)
    raft.advance(second)
    assert [entry.index for entry in raft.ready().committed_entries] == [6]


def test_compaction_goes_no_further_than_what_is_applied() -> None:
    raft = member((1, 1), term=1)
    with pytest.raises(LogUnavailable):
        raft.compact(Snapshot(SnapshotMetadata(2, 1), b""))


def test_an_older_snapshot_is_not_taken() -> None:
    group = compacted_group()
    assert not group[1].compact(Snapshot(SnapshotMetadata(3, 1), b"old"))


def test_a_restart_applies_what_follows_the_snapshot() -> None:
    raft = Raft(
        RaftConfig(id=1),
        random=Random(1),
        hard_state=HardState(2, 1, 7),
        snapshot=Snapshot(SnapshotMetadata(5, 1, ConfigState((1, 2, 3))), b"s"),
        entries=entries(1, 1, 1, 1, 1, 2, 2, 2),
    )
    assert raft.applied_index == 5
    assert raft.vote == 1
    ready = raft.ready()
    assert [entry.index for entry in ready.committed_entries] == [6, 7]
    raft.advance(ready)
    assert out(raft) == []


@pytest.mark.parametrize(
    ("hard_state", "log"),
    [
        (HardState(1, 0, 3), entries(1, 1)),
        (HardState(3), [Entry(1, 1), Entry(3, 1)]),
        (HardState(3), [Entry(1, 2), Entry(2, 1)]),
        (HardState(3), [Entry(2, 1)]),
    ],
)
def test_a_disk_that_contradicts_itself_is_refused(hard_state: HardState, log: list[Entry]) -> None:
    with pytest.raises(CorruptState):
        Raft(
            RaftConfig(id=1),
            random=Random(1),
            members=(1, 2, 3),
            hard_state=hard_state,
            entries=log,
        )


def test_entries_newer_than_the_hard_state_raise_the_term() -> None:
    """A crash came between the two parts of one write: nothing of that term was promised."""
    raft = Raft(
        RaftConfig(id=1),
        random=Random(1),
        members=(1, 2, 3),
        hard_state=HardState(1, 2, 0),
        entries=entries(1, 4),
    )
    assert (raft.term, raft.vote) == (4, 0)


def test_the_answer_to_an_append_of_an_older_term_asks_for_no_snapshot() -> None:
    """It says only which term there is, and comes while the new leader knows nothing of the log."""
    group = Group(3)
    group.elect(1)
    for number in range(5):
        group[1].propose(b"%d" % number)
    group.deliver()
    for raft in group.members.values():
        raft.compact(Snapshot(raft.snapshot_metadata(), b"all"))
    group.elect(2)
    group[2].transfer_leadership(1)
    group.lose = lambda message: isinstance(message, Append) and message.source == 1
    group.deliver()
    assert group.leaders() == [1]
    group.heal()
    group[2].step(Append(1, 2, 1, 1, 1, (), 1))
    group.deliver()
    assert group.of(InstallSnapshot) == []
    group.tick(2)
    assert group.log(2) == group.log(1)
