"""Files that are not as they were written: refused by name and offset, or read as they were.

Damage of every kind is done to a member's directory and to a saved snapshot. What comes back is
either ``CorruptLog``, or what was there, short of a last write that was torn; nothing else.
"""

import os
import random
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kube_actors.actor import Blob
from kube_actors.raft import ConfigState, Entry, HardState, SnapshotMetadata
from kube_actors.store import CorruptLog, DiskFailed, FileDisk, Put, Txn, decode_saved, encode_saved
from kube_actors.store.disk import Recovered, StateSnapshot
from kube_actors.store.disk.log_files import LogFiles
from kube_actors.store.disk.records import BadRecord, unpack_records
from kube_actors.store.messages import ActivateAlarm, AlarmKind, Batch, Command, encode_batch
from kube_actors.store.state import BadSnapshot, State, decode_state, encode_state

SEGMENT = 8192
LAST = 60


def command(sequence: int) -> Command:
    put = Put(b"k%d" % (sequence % 9), Blob(b"%d" % sequence + b"x" * (sequence * 37 % 400)))
    return Command(1, 1, sequence, sequence, Txn((), (put,)))


def entry(index: int) -> Entry:
    return Entry(index, 1 + index // 20, encode_batch(Batch((command(index),))))


def snapshot(index: int) -> StateSnapshot:
    state = State()
    for sequence in range(1, index + 1):
        state.apply(command(sequence))
    state.apply(Command(2, 1, 1, 1, ActivateAlarm(3, AlarmKind.NOSPACE, "full")))
    metadata = SnapshotMetadata(index, 1 + index // 20, ConfigState((1, 2, 3), learners=(4,)))
    return StateSnapshot(metadata, state.freeze())


async def write(directory: Path) -> None:
    disk = FileDisk(directory, segment_bytes=SEGMENT)
    await disk.open()
    for index in range(1, LAST + 1):
        await disk.save(HardState(1 + index // 20, 1, index - 1), [entry(index)])
        if index == 30:
            await disk.save_snapshot(snapshot(30))
    await disk.close()


@cache
def template(seed: int = 0) -> dict[str, bytes]:
    """Write a member's directory once; another seed makes another log of the same content."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        anyio.run(write, directory)
        return {
            path.name: path.read_bytes()
            for path in sorted(directory.iterdir())
            if path.name != "lock"
        }


def recover(files: dict[str, bytes]) -> Recovered:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        for file, data in files.items():
            (directory / file).write_bytes(data)

        async def opened() -> Recovered:
            disk = FileDisk(directory, segment_bytes=SEGMENT)
            recovered = await disk.open()
            await disk.close()
            return recovered

        return anyio.run(opened)


Damage = Callable[[random.Random, dict[str, bytes]], None]


def flip(chance: random.Random, files: dict[str, bytes]) -> None:
    name = chance.choice(sorted(files))
    data = bytearray(files[name])
    for _ in range(chance.choice((1, 1, 1, 20))):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    files[name] = bytes(data)


def truncate(chance: random.Random, files: dict[str, bytes]) -> None:
    name = chance.choice(sorted(files))
    files[name] = files[name][: chance.randrange(len(files[name]))]


def zero(chance: random.Random, files: dict[str, bytes]) -> None:
    name = chance.choice(sorted(files))
    data = files[name]
    begin = chance.randrange(len(data))
    end = min(len(data), begin + chance.choice((1, 32, 512, 4096)))
    files[name] = data[:begin] + bytes(end - begin) + data[end:]


def cut_out(chance: random.Random, files: dict[str, bytes]) -> None:
    name = chance.choice(sorted(files))
    data = files[name]
    begin = chance.randrange(len(data))
    files[name] = data[:begin] + data[begin + chance.choice((1, 32, 64, 512)) :]


def repeat(chance: random.Random, files: dict[str, bytes]) -> None:
    name = chance.choice(sorted(files))
    data = files[name]
    begin = 32 * chance.randrange(len(data) // 32)
    piece = data[begin : begin + 32 * chance.randrange(1, 40)]
    files[name] = data[:begin] + piece + data[begin:]


def reorder(chance: random.Random, files: dict[str, bytes]) -> None:
    """Swap two places of a file, where frames may begin."""
    name = chance.choice(sorted(files))
    data = bytearray(files[name])
    size = 32 * chance.randrange(1, 20)
    first = 32 * chance.randrange(max(1, len(data) // 64))
    second = 32 * chance.randrange(len(data) // 64, len(data) // 32)
    one, two = data[first : first + size], data[second : second + size]
    if len(one) == len(two) and first + size <= second:
        data[first : first + size], data[second : second + size] = two, one
    files[name] = bytes(data)


def swap_files(chance: random.Random, files: dict[str, bytes]) -> None:
    one, two = chance.choice(sorted(files)), chance.choice(sorted(files))
    files[one], files[two] = files[two], files[one]


def lose(chance: random.Random, files: dict[str, bytes]) -> None:
    del files[chance.choice(sorted(files))]


def foreign(chance: random.Random, files: dict[str, bytes]) -> None:
    """Take a file, or a part of one, from another member's log of the same content."""
    other = template(1)
    name = chance.choice(sorted(files))
    data, strange = files[name], other[name]
    if chance.random() < 0.5:
        files[name] = strange
    else:
        at = 32 * chance.randrange(len(data) // 32)
        files[name] = data[:at] + strange[at:]


def garbage(chance: random.Random, files: dict[str, bytes]) -> None:
    files[chance.choice(sorted(files))] = chance.randbytes(chance.choice((0, 1, 31, 32, 5000)))


DAMAGES: list[Damage] = [
    flip,
    truncate,
    zero,
    cut_out,
    repeat,
    reorder,
    swap_files,
    lose,
    foreign,
    garbage,
]


def check(files: dict[str, bytes]) -> str:
    """Recover; return what came of it, having made sure that it is no wrong answer."""
    try:
        recovered = recover(files)
    except CorruptLog as error:
        size = len(files.get(Path(error.file).name, b""))
        return "refused" if 0 <= error.offset <= size else f"refused at {error.offset} of {size}"
    if not files or (recovered.snapshot is None and not recovered.entries):
        assert not [name for name in files if name.startswith("log-")], "a log read as empty"
        return "empty"
    assert recovered.snapshot == snapshot(30)
    entries = list(recovered.entries)
    # One write may be torn: the last. Its commit index is part of it.
    assert entries in ([entry(i) for i in range(31, last + 1)] for last in (LAST, LAST - 1))
    last = entries[-1].index
    assert recovered.hard_state.commit == last - 1
    return "whole" if last == LAST else "torn"


@pytest.mark.parametrize("damage", DAMAGES)
@given(seed=st.integers(0, 1 << 32))
@settings(max_examples=25, deadline=None)
def test_a_damaged_directory_is_refused_or_read_as_it_was(damage: Damage, seed: int) -> None:
    files = dict(template())
    damage(random.Random(seed), files)
    assert check(files) in ("refused", "torn", "whole", "empty")


@pytest.mark.soak
@given(seed=st.integers(0, 1 << 48), count=st.integers(1, 4))
@settings(max_examples=3000, deadline=None)
def test_many_damages_at_once(seed: int, count: int) -> None:
    chance = random.Random(seed)
    files = dict(template())
    for _ in range(count):
        if files and min(map(len, files.values())) > 200:
            chance.choice(DAMAGES)(chance, files)
    assert check(files) in ("refused", "torn", "whole", "empty")


def test_the_untouched_directory_is_read_and_both_outcomes_happen() -> None:
    assert check(dict(template())) == "whole"
    outcomes = set()
    for seed in range(60):
        chance = random.Random(seed)
        files = dict(template())
        chance.choice((flip, zero, truncate))(chance, files)
        outcomes.add(check(files))
    assert {"refused", "whole"} <= outcomes


@given(data=st.binary(max_size=400))
@settings(max_examples=300, deadline=None)
def test_an_intact_frame_with_nonsense_in_it_is_a_bad_record(data: bytes) -> None:
    try:
        unpack_records(data)
    except BadRecord:
        return


@given(seed=st.integers(0, 1 << 32))
@settings(max_examples=300, deadline=None)
def test_a_state_with_nonsense_in_it_is_a_bad_snapshot(seed: int) -> None:
    chance = random.Random(seed)
    whole = bytearray(b"".join(encode_state(snapshot(8).state)))
    for _ in range(chance.randrange(1, 4)):
        at = chance.randrange(len(whole))
        whole[at : at + chance.randrange(4)] = chance.randbytes(chance.randrange(4))
    try:
        decode_state(bytes(whole))
    except BadSnapshot:
        return


@given(seed=st.integers(0, 1 << 32))
@settings(max_examples=200, deadline=None)
def test_a_saved_file_with_any_damage_is_refused(seed: int) -> None:
    chance = random.Random(seed)
    whole = b"".join(encode_saved(snapshot(8)))
    files = {"saved": whole}
    chance.choice((flip, truncate, zero, cut_out, repeat, reorder, garbage))(chance, files)
    if files["saved"] == whole:
        return
    with pytest.raises(CorruptLog) as error:
        decode_saved(files["saved"], "saved")
    assert 0 <= error.value.offset <= max(len(files["saved"]), len(whole))


def append_until_it_fails(log: LogFiles, index: int) -> int:
    """Return the last entry that was durable."""
    while True:
        try:
            log.append(None, [Entry(index + 1, 4, entry(index + 1).data)])
        except DiskFailed:
            return index
        index += 1


def test_a_crash_between_closing_a_segment_and_naming_the_next_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def power_cut(*_: object) -> None:
        raise OSError(5, "power cut")

    log = LogFiles(tmp_path, SEGMENT)
    log.recover()
    log.begin(None)
    index = 0
    with monkeypatch.context() as patch:
        while len(list(tmp_path.glob("*.seg"))) < 2:
            index += 1
            log.append(HardState(4, 1, index - 1), [Entry(index, 4, entry(index).data)])
        patch.setattr(os, "rename", power_cut)
        index = append_until_it_fails(log, index)
    log.close()
    log = LogFiles(tmp_path, SEGMENT)
    contents = log.recover()
    assert contents is not None
    assert contents.entries[-1].index == index
    assert len(contents.segments) == 3
    log.begin(None)
    log.append(None, [Entry(index + 1, 4, entry(9).data)])
    log.close()
    (tmp_path / contents.segments[-1].path.name).unlink()
    log = LogFiles(tmp_path, SEGMENT)
    with pytest.raises(CorruptLog, match="segment 3 is missing"):
        log.recover()
    log.close()
