"""When a save may keep the loop waiting: only where it is allowed, small, and was quick lately."""

from pathlib import Path

import pytest

from kube_actors.raft import Entry
from kube_actors.store import FileDisk
from kube_actors.store.disk.sync_pace import (
    FORGIVEN_AFTER,
    PENALTY_S,
    QUICK_IN_A_ROW,
    SLOW_MAX,
    SyncPace,
)


def test_without_permission_every_save_has_a_thread() -> None:
    assert not SyncPace(0.0).in_loop(1, 10.0)


def be_slow(pace: SyncPace, now_s: float) -> None:
    for _ in range(SLOW_MAX):
        pace.took(0.2, now_s)


def test_a_slow_disk_has_a_thread_for_longer_each_time() -> None:
    pace = SyncPace(0.005)
    assert pace.in_loop(100, 10.0)
    assert not pace.in_loop(1 << 20, 10.0)
    be_slow(pace, 10.0)
    assert not pace.in_loop(100, 10.0 + PENALTY_S - 0.1)
    assert pace.in_loop(100, 10.0 + PENALTY_S)
    be_slow(pace, 11.0)
    assert not pace.in_loop(100, 11.0 + PENALTY_S)
    assert pace.in_loop(100, 11.0 + 2 * PENALTY_S)


def test_being_slow_now_and_then_costs_nothing() -> None:
    pace = SyncPace(0.005)
    for _ in range(10):
        pace.took(0.2, 10.0)
        assert pace.in_loop(100, 10.0)
        for _ in range(FORGIVEN_AFTER):
            pace.took(0.001, 10.0)


def test_a_long_row_of_quick_saves_is_forgiving() -> None:
    pace = SyncPace(0.005)
    for _ in range(4):
        be_slow(pace, 0.0)
    for _ in range(QUICK_IN_A_ROW):
        pace.took(0.001, 20.0)
    be_slow(pace, 100.0)
    assert pace.in_loop(1, 100.0 + PENALTY_S)


def test_a_machine_that_is_busy_is_no_slow_disk() -> None:
    pace = SyncPace(0.005)
    for number in range(1000):
        assert pace.in_loop(100, 10.0)
        pace.took(0.008 if number % 4 == 0 else 0.002, 10.0)


def test_a_disk_that_is_always_a_little_slow_has_a_thread_after_a_while() -> None:
    pace = SyncPace(0.005)
    quick = 0
    while pace.in_loop(100, 10.0):
        pace.took(0.008, 10.0)
        quick += 1
    assert SLOW_MAX < quick < 100


def test_what_many_wrote_has_a_thread_unless_the_disk_is_brisk() -> None:
    pace = SyncPace(0.005)
    assert pace.in_loop(1 << 17, 10.0)
    for _ in range(100):
        pace.took(0.003, 10.0)
    assert not pace.in_loop(1 << 17, 10.0)
    assert pace.in_loop(1000, 10.0), "one client's writes do not wait for each other"
    tried = next(number for number in range(1000) if pace.in_loop(1 << 17, 10.0))
    assert tried > 10
    for _ in range(100):
        pace.took(0.0002, 10.0)
    assert pace.in_loop(1 << 17, 10.0)


@pytest.mark.anyio
@pytest.mark.real_time
@pytest.mark.parametrize("at_once", [False, True])
async def test_what_was_saved_either_way_is_there_again(tmp_path: Path, at_once: bool) -> None:
    entries = [Entry(1, 1, b""), Entry(2, 3, b"")]
    disk = FileDisk(tmp_path, loop_s=10.0 if at_once else 0.0)
    await disk.open()
    assert disk.save_at_once(None, entries) is at_once
    if not at_once:
        await disk.save(None, entries)
    assert disk.size_bytes == 0
    await disk.close()
    again = FileDisk(tmp_path)
    recovered = await again.open()
    await again.close()
    assert [(entry.index, entry.term) for entry in recovered.entries] == [(1, 1), (2, 3)]
