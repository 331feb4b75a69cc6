"""Real disks: what a group on files remembers, also after the process was killed at any moment."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import anyio
import pytest

from kube_actors.actor import ActorCrashed, ActorError
from kube_actors.raft import HardState
from kube_actors.store import CorruptLog, DiskFailed, FileDisk, OutcomeUnknown, Range, Watch
from kube_actors.store.disk import Disk
from tests.store.groups import open_group, put, write_until_it_works

TESTS = Path(__file__).parents[2]


def disks_in(directory: Path, segment_bytes: int = 1 << 16) -> list[Disk]:
    return [FileDisk(directory / str(number), segment_bytes=segment_bytes) for number in (1, 2, 3)]


@pytest.mark.anyio
async def test_a_group_on_files_finds_everything_again(tmp_path: Path) -> None:
    async with open_group(disks=disks_in(tmp_path), snapshot_entries=20, keep_entries=5) as group:
        for number in range(100):
            await group.client.txn(put(b"k%d" % number, b"x" * 1000))
        await group.client.compact(50)
        await group.settled()
        before = await group.client.hash()
        group.kill(2)
        await group.at(1, 3).txn(put(b"last"))
        group.revive(2)
        await group.assert_equal()
    async with open_group(disks=disks_in(tmp_path), snapshot_entries=20, keep_entries=5) as group:
        read = await group.client.range(Range(b"k", b"l"))
        assert (read.count, read.revision) == (100, 102)
        assert (await group.client.hash(101)).hash == before.hash
        async with group.at(2).watch(Watch(b"k", b"m", 90)) as items:
            await anext(items)
            found = [event.kv.mod_revision for event in (await anext(items)).events]
            assert found == list(range(90, 103))
        await group.assert_equal()
    for member in ("1", "2", "3"):
        names = os.listdir(tmp_path / member)
        assert sum(name.endswith(".snap") for name in names) == 1
        assert sum(name.endswith(".seg") for name in names) <= 3


@pytest.mark.anyio
async def test_a_member_whose_disk_was_full_goes_on_by_itself_when_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(*_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    async with open_group(disks=disks_in(tmp_path, 1 << 14)) as group:
        await group.client.txn(put(b"a"))
        with monkeypatch.context() as patch:
            patch.setattr(os, "posix_fallocate", no_room)
            written = 0
            for number in range(40):
                try:
                    await group.client.txn(put(b"k%d" % number, b"x" * 1000))
                except ActorError:
                    break
                written += 1
            assert 5 < written < 40
        with anyio.fail_after(120):
            await write_until_it_works(group.client, b"a", b"2")
        assert (await group.client.range(Range(b"k", b"l"))).count >= written
        await group.assert_equal()


@pytest.mark.anyio
async def test_a_disk_whose_sync_failed_is_not_opened_again_even_for_want_of_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    disk = FileDisk(tmp_path)
    await disk.open()
    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", no_room)
        with pytest.raises(DiskFailed):
            await disk.save(HardState(1, 1, 0), ())
    await disk.close()
    with pytest.raises(DiskFailed, match="No space"):
        await disk.open()


@pytest.mark.anyio
@pytest.mark.real_time
@pytest.mark.parametrize("loop_s", [0.0, 10.0])
async def test_a_member_whose_sync_fails_acknowledges_nothing_and_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loop_s: float
) -> None:
    def broken(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    async with open_group(1, disks=[FileDisk(tmp_path, loop_s=loop_s)]) as group:
        await group.client.txn(put(b"a"))
        with monkeypatch.context() as patch:
            patch.setattr(os, "fdatasync", broken)
            with pytest.raises((OutcomeUnknown, ActorCrashed)):
                await group.client.txn(put(b"b"))
        with pytest.raises(ActorError):
            await group.client.range(Range(b"a"))
    async with open_group(1, disks=[FileDisk(tmp_path, loop_s=loop_s)]) as group:
        assert (await group.client.range(Range(b"a"))).count == 1


@pytest.mark.anyio
async def test_a_member_with_a_damaged_log_serves_nothing(tmp_path: Path) -> None:
    async with open_group(1, disks=[FileDisk(tmp_path)]) as group:
        for number in range(10):
            await group.client.txn(put(b"k%d" % number, b"x" * 1000))
    path = tmp_path / "log-0000000000000001.seg"
    data = bytearray(path.read_bytes())
    data[3000] ^= 1
    path.write_bytes(data)
    disk = FileDisk(tmp_path)
    with pytest.raises(CorruptLog) as caught:
        await disk.open()
    assert caught.value.file == str(path)
    assert caught.value.offset <= 3000


def run_until_killed(directory: Path, start: int, backend: str, acknowledgements: int) -> set[int]:
    """Start the writer, kill it after so many acknowledgements, return all that it printed."""
    program = ("-m", "store.disk.durable_writer")
    command = [sys.executable, *program, str(directory), str(start), backend]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=TESTS, text=True) as process:
        assert process.stdout is not None
        seen = {int(process.stdout.readline()) for _ in range(acknowledgements)}
        process.send_signal(signal.SIGKILL)
        lines = process.stdout.read().splitlines(keepends=True)
    return seen | {int(line) for line in lines if line.endswith("\n")}


@pytest.mark.anyio
@pytest.mark.real_time
async def test_nothing_acknowledged_is_lost_when_the_process_is_killed(
    tmp_path: Path, anyio_backend_name: str
) -> None:
    acknowledged: set[int] = set()
    for turn, count in enumerate((37, 150, 301)):
        acknowledged |= run_until_killed(tmp_path, turn * 10_000, anyio_backend_name, count)
        async with open_group(disks=disks_in(tmp_path), snapshot_entries=40) as group:
            with anyio.fail_after(120):
                read = await group.client.range(Range(b"k", b"l"))
            stored = {int(kv.key[1:]): kv for kv in read.kvs}
            assert acknowledged <= stored.keys()
            assert all(kv.version == 1 for kv in stored.values())
            await group.assert_equal()
