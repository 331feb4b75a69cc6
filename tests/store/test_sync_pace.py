"""When a save may keep the loop waiting: only where it is allowed, small, and was quick lately."""

from pathlib import Path

import pytest

from kube_actors.raft import Entry
from kube_actors.store import FileDisk
from kube_actors.store.sync_pace import (
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


@pytest.mark.anyio
@pytest.mark.real_time
@pytest.mark.parametrize("loop_s", [0.0, 10.0])
async def test_what_was_saved_either_way_is_there_again(tmp_path: Path, loop_s: float) -> None:
    disk = FileDisk(tmp_path, loop_s=loop_s)
    await disk.open()
    await disk.save(None, [Entry(1, 1, b""), Entry(2, 3, b"")])
    await disk.close()
    again = FileDisk(tmp_path)
    recovered = await again.open()
    await again.close()
    assert [(entry.index, entry.term) for entry in recovered.entries] == [(1, 1), (2, 3)]
