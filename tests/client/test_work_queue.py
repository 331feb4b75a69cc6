import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kube_actors.actor import Clock
from kube_actors.client import WorkQueue


def queue() -> WorkQueue:
    return WorkQueue(Clock(0))


@pytest.mark.anyio
async def test_keys_come_out_once_in_the_order_they_went_in() -> None:
    keys = queue()
    for key in "abacb":
        keys.add(key)
    assert [await keys.get() for _ in range(3)] == ["a", "b", "c"]
    assert len(keys) == 0


@pytest.mark.anyio
async def test_a_key_being_worked_on_waits_until_it_is_done() -> None:
    keys = queue()
    keys.add("a")
    assert await keys.get() == "a"
    keys.add("a")
    keys.add("a")
    assert len(keys) == 0
    keys.done("a")
    assert await keys.get() == "a"
    keys.done("a")
    assert len(keys) == 0


@pytest.mark.anyio
async def test_waiting_workers_get_one_key_each() -> None:
    keys = queue()
    got: list[str] = []

    async def work() -> None:
        key = await keys.get()
        got.append(key)
        await anyio.sleep(1)
        keys.done(key)

    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(work)
        await anyio.sleep(0.1)
        for key in "abc":
            keys.add(key)
    assert sorted(got) == ["a", "b", "c"]


@pytest.mark.anyio
async def test_a_worker_that_is_cancelled_loses_no_key() -> None:
    keys = queue()
    got: list[str] = []

    async def work() -> None:
        got.append(await keys.get())

    async with anyio.create_task_group() as tasks:
        with anyio.CancelScope() as scope:
            async with anyio.create_task_group() as doomed:
                doomed.start_soon(work)
                await anyio.sleep(0.1)
                tasks.start_soon(work)
                await anyio.sleep(0.1)
                keys.add("a")
                scope.cancel()
        await anyio.sleep(0.1)
        tasks.cancel_scope.cancel()
    assert got == ["a"]


@pytest.mark.anyio
async def test_a_delayed_key_comes_at_the_earliest_of_its_times() -> None:
    keys = queue()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(keys.run)
        began_s = anyio.current_time()
        keys.add_after("a", 10)
        keys.add_after("a", 3)
        keys.add_after("a", 7)
        keys.add_after("b", 5)
        assert await keys.get() == "a"
        assert anyio.current_time() - began_s == pytest.approx(3)
        keys.done("a")
        assert await keys.get() == "b"
        assert anyio.current_time() - began_s == pytest.approx(5)
        keys.done("b")
        await anyio.sleep(20)
        assert len(keys) == 0
        tasks.cancel_scope.cancel()


@pytest.mark.anyio
async def test_failures_wait_twice_as_long_each_time_until_forgotten() -> None:
    keys = queue()
    delays: list[float] = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(keys.run)
        for _ in range(30):
            began_s = anyio.current_time()
            keys.add_rate_limited("a")
            await keys.get()
            delays.append(anyio.current_time() - began_s)
            keys.done("a")
        assert delays[:4] == pytest.approx([0.005, 0.01, 0.02, 0.04])
        assert max(delays) == pytest.approx(1000)
        assert keys.failures("a") == 30
        keys.forget("a")
        began_s = anyio.current_time()
        keys.add_rate_limited("a")
        await keys.get()
        assert anyio.current_time() - began_s == pytest.approx(0.005)
        tasks.cancel_scope.cancel()


@given(st.lists(st.tuples(st.sampled_from(["add", "get", "done"]), st.sampled_from("abc"))))
def test_no_key_is_lost_doubled_or_worked_on_twice(steps: list[tuple[str, str]]) -> None:
    async def play() -> None:
        keys = queue()
        owed: set[str] = set()
        working: set[str] = set()
        for step, key in steps:
            if step == "add":
                keys.add(key)
                owed.add(key)
            elif step == "get" and len(keys):
                got = await keys.get()
                assert got in owed
                assert got not in working
                owed.discard(got)
                working.add(got)
            elif step == "done" and key in working:
                working.discard(key)
                keys.done(key)
        for key in sorted(working):
            keys.done(key)
        left = [await keys.get() for _ in range(len(keys))]
        assert sorted(left) == sorted(owed)

    anyio.run(play)
