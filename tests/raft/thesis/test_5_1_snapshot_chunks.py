"""Ongaro's thesis, §5.1: a snapshot crosses in chunks by offset, and survives what links do."""

from collections.abc import Sequence
from random import Random

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from kube_actors.raft import (
    BadChunk,
    ChunkRefusal,
    ConfigState,
    InstallSnapshot,
    SendingState,
    Snapshot,
    SnapshotBlocks,
    SnapshotChunk,
    SnapshotChunkReply,
    SnapshotMetadata,
    SnapshotPiece,
    SnapshotReceiving,
    SnapshotSending,
)

DATA = bytes(range(256)) * 4
METADATA = SnapshotMetadata(9, 2, ConfigState((1, 2, 3)))


def sending(
    data: bytes = DATA, *, term: int = 3, attempt: int = 1, source: int = 1, **limits: int
) -> SnapshotSending:
    install = InstallSnapshot(source, 2, term, Snapshot(METADATA))
    options = {"chunk_bytes": 100, "window_bytes": 400, "resend_ticks": 2, "give_up_ticks": 20}
    blocks = SnapshotBlocks([data[at : at + 37] for at in range(0, len(data), 37)])
    return SnapshotSending(install, blocks, attempt=attempt, **{**options, **limits})


class Receiver:
    """A member that keeps what it takes, as a file would: a piece at 0 begins anew."""

    def __init__(self, **limits: int) -> None:
        self.receiving = SnapshotReceiving(2, **limits)
        self.term = 3
        self.commit = 0
        self.kept = b""
        self.installed: list[InstallSnapshot] = []

    def step(self, chunk: SnapshotChunk) -> list[SnapshotChunkReply]:
        reply = self.receiving.on_chunk(chunk, self.term, self.commit)
        return [reply, *self.take()]

    def take(self) -> list[SnapshotChunkReply]:
        pieces, reply = self.receiving.take()
        self.keep(pieces)
        if self.receiving.is_complete:
            self.installed.append(self.receiving.install(self.kept))
        return [] if reply is None else [reply]

    def keep(self, pieces: Sequence[SnapshotPiece]) -> None:
        for piece in pieces:
            if piece.offset == 0:
                self.kept = b""
            assert piece.offset == len(self.kept)
            self.kept += piece.data


def run(sender: SnapshotSending, receiver: Receiver) -> int:
    """Pass everything at once and in order; return how many chunks it took."""
    sent = 0
    while chunks := sender.chunks():
        sent += len(chunks)
        for chunk in chunks:
            for reply in receiver.step(chunk):
                sender.on_reply(reply)
    return sent


@pytest.mark.parametrize("size", [0, 1, 36, 37, 38, 99, 100, 101, 400, 1024])
def test_the_whole_arrives_in_order_and_once(size: int) -> None:
    sender, receiver = sending(DATA[:size]), Receiver()
    assert run(sender, receiver) == max(-(-size // 100), 1)
    assert sender.state is SendingState.DONE
    assert receiver.installed == [InstallSnapshot(1, 2, 3, Snapshot(METADATA, DATA[:size]))]


def test_the_first_chunk_asks_how_much_room_there_is() -> None:
    sender, receiver = sending(), Receiver(window_bytes=250)
    (first,) = sender.chunks()
    assert sender.chunks() == []
    (answer, after) = receiver.step(first)
    assert (answer.offset, answer.window_bytes) == (100, 150)
    assert (after.offset, after.window_bytes) == (100, 250)
    sender.on_reply(answer)
    assert [chunk.offset for chunk in sender.chunks()] == [100, 200]


def test_no_more_is_on_its_way_than_both_windows_allow() -> None:
    sender = sending(window_bytes=400)
    sender.chunks()
    sender.on_reply(SnapshotChunkReply(2, 1, 3, 1, 100, 10_000))
    assert sum(len(chunk.data) for chunk in sender.chunks()) == 400
    sender.on_reply(SnapshotChunkReply(2, 1, 3, 1, 200, 10_000))
    assert [chunk.offset for chunk in sender.chunks()] == [500]
    sender.on_reply(SnapshotChunkReply(2, 1, 3, 1, 300, 0))
    assert sender.chunks() == []


def test_a_receiver_without_room_is_asked_again_and_loses_nothing() -> None:
    sender, receiver = sending(), Receiver(window_bytes=150)
    held = receiver.receiving
    for _ in range(30):
        for chunk in sender.chunks():
            sender.on_reply(held.on_chunk(chunk, 3, 0))
        sender.tick()
    assert sender.state is SendingState.SENDING, "an answer without room is an answer"
    assert sender.acknowledged_bytes == 150
    for reply in receiver.take():
        sender.on_reply(reply)
    run(sender, receiver)
    assert receiver.installed[0].snapshot.data == DATA


def test_what_was_lost_is_sent_again_from_where_it_broke_off() -> None:
    sender, receiver = sending(), Receiver()
    for chunk in sender.chunks():
        sender.on_reply(receiver.step(chunk)[-1])
    lost, *rest = sender.chunks()
    assert lost.offset == 100
    for chunk in rest:
        sender.on_reply(receiver.step(chunk)[-1])
    assert sender.chunks() == []
    sender.tick()
    sender.tick()
    (again,) = sender.chunks()
    assert again == lost
    sender.on_reply(receiver.step(again)[-1])
    assert sender.acknowledged_bytes == 500, "what came after the gap was kept"
    run(sender, receiver)
    assert receiver.installed[0].snapshot.data == DATA


def test_a_receiver_that_restarted_begins_anew() -> None:
    sender, receiver = sending(), Receiver()
    for _ in range(2):
        for chunk in sender.chunks():
            sender.on_reply(receiver.step(chunk)[-1])
    assert sender.acknowledged_bytes == 500
    restarted = Receiver()
    for _ in range(4):
        sender.tick()
        run(sender, restarted)
    assert restarted.installed[0].snapshot.data == DATA


def test_a_late_answer_does_not_turn_the_sender_back() -> None:
    sender, receiver = sending(), Receiver()
    answers = [reply for chunk in sender.chunks() for reply in receiver.step(chunk)]
    assert [sender.on_reply(answer) for answer in answers] == [True, False]
    for chunk in sender.chunks():
        sender.on_reply(receiver.step(chunk)[-1])
    assert not sender.on_reply(answers[0])
    assert sender.acknowledged_bytes == 500


def test_a_sender_gives_up_on_silence_alone() -> None:
    sender = sending(give_up_ticks=20)
    for _ in range(19):
        sender.tick()
        assert len(sender.chunks()) <= 1, "into silence it only knocks"
    assert sender.state is SendingState.SENDING
    sender.tick()
    assert (sender.state, sender.reason) == (SendingState.FAILED, "no answer for 20 ticks")
    assert sender.chunks() == []


def test_damage_is_found_at_the_end_and_nothing_is_installed() -> None:
    sender, receiver = sending(), Receiver()
    while chunks := sender.chunks():
        for chunk in chunks:
            if chunk.offset == 300:
                chunk = evolve(chunk, data=b"?" + chunk.data[1:])
            for reply in receiver.step(chunk):
                sender.on_reply(reply)
    assert (sender.state, sender.reason) == (SendingState.FAILED, "refused: damaged")
    assert receiver.installed == []
    run(sending(attempt=2), receiver)
    assert receiver.installed[0].snapshot.data == DATA


def test_a_snapshot_too_large_is_refused_at_its_first_chunk() -> None:
    sender, receiver = sending(), Receiver(total_bytes_max=1000)
    assert run(sender, receiver) == 1
    assert sender.reason == "refused: too large"
    assert receiver.kept == b""


# -- what supersedes what ------------------------------------------------------------------


def test_a_newer_attempt_supersedes_and_the_older_one_cannot_come_back() -> None:
    old, receiver = sending(), Receiver()
    (chunk,) = old.chunks()
    receiver.step(chunk)
    newer = sending(b"other" * 50, attempt=2)
    run(newer, receiver)
    assert receiver.installed[0].snapshot.data == b"other" * 50
    reply = receiver.receiving.on_chunk(chunk, 3, 0)
    assert reply.refused is ChunkRefusal.SUPERSEDED
    old.on_reply(reply)
    assert old.state is SendingState.FAILED
    assert len(receiver.installed) == 1


def test_an_old_leader_is_refused_and_told_the_term() -> None:
    old, receiver = sending(term=3), Receiver()
    (chunk,) = old.chunks()
    receiver.term = 4
    (reply,) = receiver.step(chunk)
    assert (reply.refused, reply.term) == (ChunkRefusal.SUPERSEDED, 4)
    old.on_reply(reply)
    assert (old.state, old.reason) == (SendingState.FAILED, "term 4 has begun")


def test_a_new_leader_with_the_same_bytes_goes_on_where_the_old_one_stopped() -> None:
    old, receiver = sending(term=3), Receiver()
    for _ in range(2):
        for chunk in old.chunks():
            old.on_reply(receiver.step(chunk)[-1])
    new = sending(term=4, source=3)
    (knock,) = new.chunks()
    new.on_reply(receiver.step(knock)[-1])
    assert new.acknowledged_bytes == 500
    run(new, receiver)
    assert receiver.installed == [InstallSnapshot(3, 2, 4, Snapshot(METADATA, DATA))]


def test_a_snapshot_that_the_log_is_past_is_complete_at_its_first_chunk() -> None:
    sender, receiver = sending(), Receiver()
    receiver.commit = 9
    assert run(sender, receiver) == 1
    assert sender.state is SendingState.DONE
    assert [install.snapshot.metadata.index for install in receiver.installed] == [9]


def test_a_repeated_chunk_of_an_installed_snapshot_is_answered_and_not_installed_again() -> None:
    sender, receiver = sending(DATA[:50]), Receiver()
    (chunk,) = sender.chunks()
    receiver.step(chunk)
    (reply,) = receiver.step(chunk)
    assert reply.offset == 50
    assert len(receiver.installed) == 1


# -- bad input -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        {"target": 3},
        {"source": 2},
        {"offset": -1},
        {"offset": 1000},
        {"total_bytes": 50},
        {"data": b""},
        {"checksum": b"short"},
        {"term": 0},
        {"attempt": 0},
        {"metadata": SnapshotMetadata()},
        {"metadata": SnapshotMetadata(9, 4, ConfigState((1, 2, 3)))},
        {"metadata": SnapshotMetadata(9, 2)},
    ],
    ids=str,
)
def test_a_chunk_that_contradicts_itself_changes_nothing(wrong: dict[str, object]) -> None:
    sender, receiver = sending(), Receiver()
    (chunk,) = sender.chunks()
    with pytest.raises(BadChunk):
        receiver.step(evolve(chunk, **wrong))
    assert receiver.receiving.metadata is None
    for reply in receiver.step(chunk):
        sender.on_reply(reply)
    run(sender, receiver)
    assert receiver.installed[0].snapshot.data == DATA


@pytest.mark.parametrize(
    "wrong", [{"total_bytes": 2000}, {"checksum": bytes(32)}, {"source": 3}], ids=str
)
def test_a_chunk_that_contradicts_its_transfer_is_an_error(wrong: dict[str, object]) -> None:
    sender, receiver = sending(), Receiver()
    (chunk,) = sender.chunks()
    receiver.step(chunk)
    with pytest.raises(BadChunk):
        receiver.step(evolve(chunk, **wrong))


@pytest.mark.parametrize("wrong", [{"offset": 1025}, {"offset": -1}, {"window_bytes": -1}], ids=str)
def test_an_answer_that_cannot_be_is_an_error(wrong: dict[str, int]) -> None:
    with pytest.raises(BadChunk):
        sending().on_reply(evolve(SnapshotChunkReply(2, 1, 3, 1, 0, 0), **wrong))


def test_chunks_far_ahead_do_not_fill_the_memory() -> None:
    receiver = Receiver(window_bytes=300)
    (chunk,) = sending().chunks()
    for offset in range(1, 900):
        receiver.step(evolve(chunk, offset=offset, data=DATA[offset : offset + 100]))
    transfer = receiver.receiving._transfer
    assert transfer is not None
    assert sum(map(len, transfer.early.values())) <= 300
    assert len(transfer.early) <= 300, "what lies beyond the window is not even noted"


# -- under everything that a network does --------------------------------------------------


@settings(max_examples=60)
@given(
    size=st.integers(0, 2000),
    chunk=st.integers(50, 300),
    window=st.integers(40, 1000),
    room=st.integers(40, 1000),
    seed=st.integers(0, 1 << 32),
)
def test_loss_duplicates_reordering_and_restarts_only_cost_time(
    size: int, chunk: int, window: int, room: int, seed: int
) -> None:
    random = Random(seed)
    data = random.randbytes(size)
    limits = {"chunk_bytes": chunk, "window_bytes": window, "give_up_ticks": 10_000}
    sender, attempt, receiver = sending(data, **limits), 1, Receiver(window_bytes=room)
    network: list[SnapshotChunk | SnapshotChunkReply] = []
    for step in range(2_000):
        calm = step > 200  # Later the network only reorders, so that there is an end.
        if sender.state is SendingState.DONE and calm:
            if receiver.installed:
                break
            # An answer of before a restart said that all had arrived: Raft would ask again.
            attempt += 1
            sender = sending(data, attempt=attempt, **limits)
        network += sender.chunks()
        random.shuffle(network)
        for message in [network.pop() for _ in range(min(len(network), random.randint(0, 6)))]:
            if not calm and random.random() < 0.3:
                continue
            if not calm and random.random() < 0.2:
                network.append(message)
            if isinstance(message, SnapshotChunk):
                network.append(receiver.receiving.on_chunk(message, 3, 0))
            else:
                sender.on_reply(message)
        if random.random() < 0.5:
            network += receiver.take()
        if not calm and random.random() < 0.01:
            receiver = Receiver(window_bytes=room)
        sender.tick()
    assert sender.state is SendingState.DONE
    assert [install.snapshot.data for install in receiver.installed] == [data]
