"""The log on disk: what was saved comes back, and damage is named, never guessed away."""

import os
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kube_actors.actor import Blob
from kube_actors.raft import ConfigState, Entry, EntryType, HardState, SnapshotMetadata
from kube_actors.store import CorruptLog, DiskFailed, DiskInUse, Put, Txn
from kube_actors.store.disk import StateSnapshot
from kube_actors.store.disk.frames import frame_size
from kube_actors.store.disk.log_files import LogFiles
from kube_actors.store.disk.records import SnapshotMark
from kube_actors.store.disk.snapshot_files import (
    read_newest_snapshot,
    snapshot_path,
    write_snapshot,
)
from kube_actors.store.messages import Batch, Command, encode_batch
from kube_actors.store.state import State

SEGMENT = 8192


def entry(index: int, term: int = 1, size: int = 100) -> Entry:
    value = Blob(b"%d" % index + b"x" * size)
    command = Command(1, 1, index, index, Txn((), (Put(b"key", value),)))
    return Entry(index, term, encode_batch(Batch((command,))))


def write_log(directory: Path, entries: list[Entry], *, segment: int = SEGMENT) -> list[bytes]:
    """Write entries one save each; return the segments' bytes after every save."""
    log = LogFiles(directory, segment)
    log.recover()
    log.begin(None)
    for one in entries:
        log.append(HardState(one.term, 1, one.index - 1), [one])
    log.close()
    return [path.read_bytes() for path in segments(directory)]


@cache
def template(last: int) -> dict[str, bytes]:
    """Write a log once, for many tests to damage a copy of."""
    with tempfile.TemporaryDirectory() as directory:
        write_log(Path(directory), [entry(index) for index in range(1, last + 1)])
        return {path.name: path.read_bytes() for path in segments(Path(directory))}


def copy_log(directory: Path, last: int) -> list[bytes]:
    for name, data in template(last).items():
        (directory / name).write_bytes(data)
    return list(template(last).values())


def segments(directory: Path) -> list[Path]:
    return sorted(directory.glob("*.seg"))


def read_back(directory: Path) -> tuple[Entry, ...]:
    log = LogFiles(directory, SEGMENT)
    try:
        contents = log.recover()
    finally:
        log.close()
    assert contents is not None
    return contents.entries


def test_what_was_saved_comes_back_from_several_segments(tmp_path: Path) -> None:
    entries = [
        Entry(1, 1),
        *(entry(index) for index in range(2, 100)),
        Entry(100, 1, b"change", EntryType.CONFIG),
        entry(101, size=3 * SEGMENT),
        entry(102),
    ]
    write_log(tmp_path, entries)
    assert len(segments(tmp_path)) > 3
    log = LogFiles(tmp_path, SEGMENT)
    contents = log.recover()
    assert contents is not None
    assert contents.entries == tuple(entries)
    assert contents.hard_state == HardState(1, 1, 101)
    assert contents.boots == 1
    assert log.begin(None) == 2
    log.close()


def test_later_entries_replace_those_of_the_same_index(tmp_path: Path) -> None:
    write_log(tmp_path, [entry(1), entry(2), entry(3), entry(2, 2)])
    assert read_back(tmp_path) == (entry(1), entry(2, 2))
    write_log(tmp_path, [entry(3, 2)])
    assert read_back(tmp_path) == (entry(1), entry(2, 2), entry(3, 2))


def test_a_directory_serves_one_member_at_a_time(tmp_path: Path) -> None:
    log = LogFiles(tmp_path, SEGMENT)
    with pytest.raises(DiskInUse):
        LogFiles(tmp_path, SEGMENT)
    log.close()
    LogFiles(tmp_path, SEGMENT).close()


def last_frame(directory: Path, entries: list[Entry]) -> tuple[Path, int, int]:
    """Return the last segment, and where its last frame begins and ends."""
    path = segments(directory)[-1]
    before = path.read_bytes()
    log = LogFiles(directory, 1 << 20)
    contents = log.recover()
    assert contents is not None
    start = contents.offset
    log.append(None, entries)
    log.close()
    after = path.read_bytes()
    assert after[:start] == before[:start]
    return path, start, len(after.rstrip(b"\0"))


@pytest.mark.parametrize("lost", ["all", "head", "tail", "middle", "but the last"])
def test_a_write_torn_by_a_power_cut_is_cut_off_and_writing_goes_on(
    tmp_path: Path, lost: str
) -> None:
    first = [entry(index) for index in range(1, 4)]
    write_log(tmp_path, first, segment=1 << 20)
    path, start, end = last_frame(tmp_path, [entry(4, size=5000)])
    sector = start + -start % 512
    data = bytearray(path.read_bytes())
    ranges = {
        "all": (start, end),
        "head": (start, sector),
        "tail": (sector + 1024, end),
        "middle": (sector + 512, sector + 1024),
        "but the last": (start, end - end % 512),
    }
    low, high = ranges[lost]
    data[low:high] = bytes(high - low)
    path.write_bytes(data)
    assert read_back(tmp_path) == tuple(first)
    write_log(tmp_path, [entry(4, 2), entry(5, 2)])
    assert read_back(tmp_path) == (*first, entry(4, 2), entry(5, 2))


@pytest.mark.parametrize("beyond", [0, 1, 31, 32, 600])
def test_a_bit_flipped_where_nothing_was_written_does_no_harm(tmp_path: Path, beyond: int) -> None:
    first = [entry(index) for index in range(1, 4)]
    write_log(tmp_path, first, segment=1 << 20)
    path = segments(tmp_path)[-1]
    data = bytearray(path.read_bytes())
    data[len(data.rstrip(b"\0")) + beyond] ^= 1
    path.write_bytes(data)
    assert read_back(tmp_path) == tuple(first)
    write_log(tmp_path, [entry(4)])
    assert read_back(tmp_path) == (*first, entry(4))


@settings(
    max_examples=250,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.data())
def test_a_flipped_bit_anywhere_is_noticed(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    directory = tmp_path_factory.mktemp("log")
    entries = [entry(index) for index in range(1, 60)]
    whole = copy_log(directory, 59)
    which = data.draw(st.integers(0, len(whole) - 1))
    written = len(whole[which].rstrip(b"\0"))
    offset = data.draw(st.one_of(st.integers(0, written - 1), st.integers(0, SEGMENT - 1)))
    bad = bytearray(whole[which])
    bad[offset] ^= 1 << data.draw(st.integers(0, 7))
    path = segments(directory)[which]
    path.write_bytes(bad)
    if offset >= written and which == len(whole) - 1:
        # Only what was never written may change without harm.
        assert read_back(directory) == tuple(entries)
        return
    with pytest.raises(CorruptLog) as caught:
        read_back(directory)
    assert caught.value.file == str(path)
    assert 0 <= caught.value.offset <= SEGMENT


@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.data())
def test_a_missing_swapped_or_cut_segment_is_noticed(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    directory = tmp_path_factory.mktemp("log")
    copy_log(directory, 119)
    paths = segments(directory)
    which = data.draw(st.integers(0, len(paths) - 2))
    other = data.draw(st.integers(which + 1, len(paths) - 1))
    damage: dict[str, Callable[[], object]] = {
        "gone": paths[which].unlink,
        "swapped": lambda: swap(paths[which], paths[other]),
        "repeated": lambda: paths[other].write_bytes(paths[which].read_bytes()),
        "empty": lambda: paths[which].write_bytes(b""),
        "cut": lambda: os.truncate(paths[other], data.draw(st.integers(0, SEGMENT - 1))),
        "zeroed": lambda: paths[which].write_bytes(bytes(SEGMENT)),
        "longer": lambda: paths[other].write_bytes(paths[other].read_bytes() + bytes(512)),
    }
    damage[data.draw(st.sampled_from(sorted(damage)))]()
    with pytest.raises(CorruptLog):
        read_back(directory)


def swap(one: Path, other: Path) -> None:
    mine, theirs = one.read_bytes(), other.read_bytes()
    one.write_bytes(theirs)
    other.write_bytes(mine)


def test_a_record_of_another_log_is_refused(tmp_path: Path) -> None:
    write_log(tmp_path / "a", [entry(index) for index in range(1, 90)])
    write_log(tmp_path / "b", [entry(index) for index in range(1, 90)])
    mine, theirs = segments(tmp_path / "a"), segments(tmp_path / "b")
    mine[1].write_bytes(theirs[1].read_bytes())
    with pytest.raises(CorruptLog, match="another log"):
        read_back(tmp_path / "a")


def test_a_durable_record_lost_in_the_middle_is_no_torn_tail(tmp_path: Path) -> None:
    write_log(tmp_path, [entry(1, size=2000)], segment=1 << 20)
    path, start, _ = last_frame(tmp_path, [entry(2, size=2000)])
    last_frame(tmp_path, [entry(3, size=2000)])
    data = bytearray(path.read_bytes())
    data[start : start + 512] = bytes(512)
    path.write_bytes(data)
    with pytest.raises(CorruptLog) as caught:
        read_back(tmp_path)
    assert caught.value.offset == start


def snapshot(index: int) -> StateSnapshot:
    state = State()
    for number in range(1, index + 1):
        txn = Txn((), (Put(b"key-%d" % (number % 7), Blob(b"%d" % number)),))
        state.apply(Command(1, 1, number, number, txn))
    config = ConfigState((1, 2, 3), learners=(4,))
    return StateSnapshot(SnapshotMetadata(index, 1, config), state.freeze())


def test_a_snapshot_replaces_the_segments_that_it_covers(tmp_path: Path) -> None:
    entries = [entry(index) for index in range(1, 121)]
    write_log(tmp_path, entries)
    before = len(segments(tmp_path))
    log = LogFiles(tmp_path, SEGMENT)
    log.recover()
    log.begin(None)
    write_snapshot(tmp_path, log.log_id, snapshot(60))
    log.mark_snapshot(SnapshotMark(60, 1))
    log.append(None, [entry(121)])
    log.close()
    assert len(segments(tmp_path)) < before
    found = [one.index for one in read_back(tmp_path)]
    assert found == list(range(61, 122))
    assert read_newest_snapshot(tmp_path, log.log_id) == snapshot(60)


def test_a_snapshot_from_the_leader_replaces_the_whole_log(tmp_path: Path) -> None:
    write_log(tmp_path, [entry(1), entry(2)])
    log = LogFiles(tmp_path, SEGMENT)
    log.recover()
    log.begin(None)
    log.mark_snapshot(SnapshotMark(50, 1))
    log.append(None, [entry(51)])
    log.close()
    assert [one.index for one in read_back(tmp_path)] == [51]


@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.data())
def test_a_damaged_snapshot_file_is_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    directory = tmp_path_factory.mktemp("snapshot")
    size = write_snapshot(directory, 77, snapshot(20))
    path = snapshot_path(directory, 20)
    whole = path.read_bytes()
    if data.draw(st.booleans()):
        path.write_bytes(whole[: data.draw(st.integers(0, size - 1))])
    else:
        bad = bytearray(whole)
        bad[data.draw(st.integers(0, size - 1))] ^= 1 << data.draw(st.integers(0, 7))
        path.write_bytes(bad)
    with pytest.raises(CorruptLog) as caught:
        read_newest_snapshot(directory, 77)
    assert caught.value.file == str(path)


def test_a_failed_sync_is_never_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = LogFiles(tmp_path, SEGMENT)
    log.recover()
    log.begin(None)
    calls = 0

    def fail(_: int) -> None:
        nonlocal calls
        calls += 1
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", fail)
    with pytest.raises(DiskFailed, match="Input/output"):
        log.append(None, [entry(1)])
    monkeypatch.undo()
    with pytest.raises(DiskFailed):
        log.append(None, [entry(1)])
    assert calls == 1
    log.close()


def test_a_crash_between_a_new_segment_and_its_first_entries_leaves_no_commit_without_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_log(tmp_path, [entry(1)])
    log = LogFiles(tmp_path, SEGMENT)
    log.recover()
    log.begin(None)

    put = LogFiles._put
    frames = 0

    def crash(self: LogFiles, frame: list[bytes]) -> None:
        nonlocal frames
        frames += 1
        if frames > 1:  # The first one closes the segment before.
            raise OSError(5, "the power is gone")
        put(self, frame)

    monkeypatch.setattr(LogFiles, "_put", crash)
    before = len(segments(tmp_path))
    with pytest.raises(DiskFailed):
        log.append(HardState(2, 1, 3), [entry(2, 2, SEGMENT), entry(3, 2)])
    monkeypatch.undo()
    log.close()
    assert len(segments(tmp_path)) == before + 1
    again = LogFiles(tmp_path, SEGMENT)
    contents = again.recover()
    again.close()
    assert contents is not None
    assert contents.entries == (entry(1),)
    assert contents.hard_state.commit <= 1


def test_an_older_snapshot_that_is_finished_late_takes_nothing_from_the_log(
    tmp_path: Path,
) -> None:
    log = LogFiles(tmp_path, SEGMENT)
    log.recover()
    log.begin(None)
    log.append(None, [entry(1), entry(2)])
    write_snapshot(tmp_path, log.log_id, snapshot(50))
    log.mark_snapshot(SnapshotMark(50, 1))
    log.append(None, [entry(51)])
    log.mark_snapshot(SnapshotMark(2, 1))
    log.close()
    assert [one.index for one in read_back(tmp_path)] == [51]


def test_frames_begin_where_no_header_can_straddle_a_sector() -> None:
    assert all(frame_size(length) % 32 == 0 for length in range(200))
