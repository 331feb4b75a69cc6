"""Ongaro's thesis, §5.1: chunks carry the data, Raft only hears how far they got."""

from kube_actors.raft import (
    InstallSnapshot,
    SendingState,
    Snapshot,
    SnapshotBlocks,
    SnapshotReceiving,
    SnapshotSending,
)
from tests.raft.raft_group import Group

DATA = bytes(range(256)) * 4


def behind(**options: int) -> Group:
    """A group whose leader has compacted what member 2 lacks."""
    group = Group(3, snapshot_resend_ticks=5, **options)
    leader = group.elect(1)
    group.isolate(2)
    leader.propose_many([b"x"] * 10)
    group.deliver()
    group.tick(11, 1, 3)
    leader.compact(Snapshot(leader.snapshot_metadata(), DATA))
    group.heal()
    group.lose = lambda message: isinstance(message, InstallSnapshot)
    group.sent.clear()
    group.tick(1, 1)
    return group


def test_a_member_is_brought_up_to_date_in_chunks() -> None:
    group = behind()
    (install,) = group.of(InstallSnapshot)
    sender = SnapshotSending(
        install,
        SnapshotBlocks([install.snapshot.data]),
        attempt=1,
        chunk_bytes=100,
        window_bytes=100,
    )
    receiving, kept = SnapshotReceiving(2), b""
    while sender.state is SendingState.SENDING:
        for chunk in sender.chunks():
            reply = receiving.on_chunk(chunk, group[2].term, group[2].commit_index)
            pieces, _ = receiving.take()
            kept += b"".join(piece.data for piece in pieces)
            if sender.on_reply(reply):
                group[1].report_snapshot_progress(sender.target)
        group.tick(1, 1)
    assert len(group.of(InstallSnapshot)) == 1, "progress keeps the leader from sending another"
    assert receiving.is_complete
    group[2].step(receiving.install(kept))
    group.deliver()
    group[1].propose(b"after")
    group.deliver()
    assert group.snapshots[2][-1].data == DATA
    assert group.data(2) == [b"after"]


def test_without_progress_the_leader_asks_for_another_transfer() -> None:
    group = behind()
    for _ in range(8):
        group.tick(1, 1)
    assert len(group.of(InstallSnapshot)) == 2
