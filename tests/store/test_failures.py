"""What a group promises while members die, links break and disks forget."""

import anyio
import anyio.lowlevel
import pytest

from kube_actors.actor import (
    ActorError,
)
from kube_actors.store import (
    Event,
    LeaseGrant,
    LeaseTimeToLive,
    MemoryDisk,
    NoQuorum,
    OutcomeUnknown,
    Range,
    Watch,
)
from tests.store.groups import Group, WatchLog, create, open_group, put, write_until_it_works

ELECTION_S = 0.5


@pytest.mark.anyio
async def test_writes_resume_when_the_leader_dies() -> None:
    async with open_group() as group:
        await group.client.txn(put(b"a", b"1"))
        leader = await group.leader()
        rest = [member for member in group.numbers if member != leader]
        group.kill(leader)
        began = anyio.current_time()
        done = await group.at(*rest).txn(put(b"a", b"2"))
        assert done.revision == 3
        assert anyio.current_time() - began < 3 * ELECTION_S
        group.revive(leader)
        await group.assert_equal()


@pytest.mark.anyio
async def test_a_request_that_was_under_way_when_the_leader_died_is_applied_exactly_once() -> None:
    async with open_group() as group:
        leader = await group.leader()
        rest = [member for member in group.numbers if member != leader]
        async with anyio.create_task_group() as tasks:
            for number in range(40):
                tasks.start_soon(group.at(rest[number % 2]).txn, put(b"k%d" % number))
            await anyio.lowlevel.checkpoint()
            group.kill(leader)
        read = await group.at(*rest).range(Range(b"k", b"l"))
        assert read.count == 40
        assert {kv.version for kv in read.kvs} == {1}
        group.revive(leader)
        await group.assert_equal()


@pytest.mark.anyio
async def test_without_a_majority_writes_fail_at_once_and_local_reads_and_watches_go_on() -> None:
    async with open_group() as group:
        await group.client.txn(put(b"a", b"1"))
        await group.leader()
        async with group.at(1).watch(Watch(b"a")) as items:
            await anext(items)
            group.isolate(1)
            group.isolate(2)
            group.isolate(3)
            began = anyio.current_time()
            with pytest.raises((NoQuorum, OutcomeUnknown)):
                await group.client.txn(put(b"a", b"2"))
            assert anyio.current_time() - began <= ELECTION_S + 0.1
            for member in (1, 2, 3):
                began = anyio.current_time()
                with pytest.raises(NoQuorum) as refused:
                    await group.at(member).txn(put(b"a", b"3"))
                assert (refused.value.answering, refused.value.members) == (1, 3)
                with pytest.raises(NoQuorum):
                    await group.at(member).range(Range(b"a"))
                with pytest.raises(NoQuorum):
                    await group.at(member).current_revision()
                status = await group.status(member)
                assert status.read_only
                assert status.answering == 1
                stale = await group.at(member).range(Range(b"a", serializable=True))
                assert stale.kvs[0].value == b"1"
                assert anyio.current_time() - began < 0.01
            group.network.heal()
            await write_until_it_works(group.client, b"a", b"4")
            seen: list[Event] = []
            while not seen or seen[-1].kv.value != b"4":
                seen += (await anext(items)).events
        assert not (await group.status(1)).read_only
        await group.assert_equal()


@pytest.mark.anyio
async def test_two_of_three_dead_make_the_third_read_only_until_one_is_back() -> None:
    async with open_group() as group:
        await group.client.txn(put(b"a", b"1"))
        await group.settled()
        group.kill(2, 3)
        await anyio.sleep(ELECTION_S + 0.05)
        began = anyio.current_time()
        with pytest.raises(NoQuorum):
            await group.at(1).txn(put(b"a", b"2"))
        assert anyio.current_time() == began
        assert (await group.at(1).range(Range(b"a", serializable=True))).count == 1
        group.revive(3)
        await write_until_it_works(group.at(1), b"a", b"3")
        assert (await group.at(3).range(Range(b"a"))).kvs[0].value == b"3"


@pytest.mark.anyio
async def test_who_is_cut_off_with_its_home_is_refused_at_once_even_if_it_was_just_away() -> None:
    async with open_group() as group:
        await group.leader()
        group.kill(1)
        assert (await group.client.txn(put(b"a"))).succeeded
        group.revive(1)
        await group.healthy()
        others = ("store/2", "store/3")
        group.network.partition(("store/1", group.actor.address), others)
        await anyio.sleep(ELECTION_S + 0.05)
        began = anyio.current_time()
        with pytest.raises(NoQuorum):
            await group.client.txn(put(b"a"))
        assert anyio.current_time() == began


@pytest.mark.anyio
async def test_a_member_alone_is_read_only_while_the_majority_goes_on() -> None:
    async with open_group() as group:
        leader = await group.leader()
        rest = [member for member in group.numbers if member != leader]
        group.isolate(leader)
        done = await group.at(*rest).txn(put(b"a", b"new"))
        assert done.succeeded
        await anyio.sleep(ELECTION_S)
        with pytest.raises(NoQuorum):
            await group.at(leader).range(Range(b"a"))
        with pytest.raises(NoQuorum):
            await group.at(leader).txn(put(b"a", b"stale"))
        assert (await group.at(rest[0]).range(Range(b"a"))).kvs[0].value == b"new"
        group.network.heal()
        await group.leader()
        assert (await group.at(leader).range(Range(b"a"))).kvs[0].value == b"new"
        await group.assert_equal()


@pytest.mark.anyio
async def test_everything_acknowledged_survives_the_death_of_all_members() -> None:
    disks = [MemoryDisk() for _ in range(3)]
    async with open_group(disks=disks) as group:
        for number in range(50):
            await group.client.txn(put(b"k%d" % number, b"%d" % number))
        await group.client.compact(20)
        group.kill(1, 2, 3)
    async with open_group(disks=disks) as group:
        began = anyio.current_time()
        read = await group.client.range(Range(b"k", b"l"))
        assert anyio.current_time() - began < 0.1
        assert read.count == 50
        assert read.revision == 51
        assert (await group.status(1)).compact_revision == 20
        async with group.client.watch(Watch(b"k", b"l", 45)) as items:
            await anext(items)
            assert [e.kv.mod_revision for e in (await anext(items)).events] == list(range(45, 52))
        await group.assert_equal()


@pytest.mark.anyio
async def test_a_member_far_behind_gets_a_snapshot_and_its_watchers_miss_nothing() -> None:
    async with open_group(snapshot_entries=20, keep_entries=5) as group:
        await group.client.txn(put(b"k0"))
        await group.leader()
        log = WatchLog(group.at(3), Watch(b"k", b"l", 2))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(log.run)
            await anyio.sleep(0.1)
            group.isolate(3)
            for number in range(1, 100):
                await group.at(1, 2).txn(put(b"k%d" % number))
            group.network.heal()
            await group.assert_equal()
            await anyio.sleep(0.1)
            tasks.cancel_scope.cancel()
        assert log.reconnects == 0
        assert [event.kv.mod_revision for event in log.events] == list(range(2, 102))
        # And what it was given is on its disk.
        group.kill(3)
        group.revive(3)
        await group.assert_equal()


@pytest.mark.anyio
async def test_a_request_whose_answer_is_skipped_by_a_snapshot_is_given_up_at_once() -> None:
    async with open_group(snapshot_entries=20, keep_entries=5) as group:
        leader = await group.leader()
        lagging, other = [member for member in group.numbers if member != leader]
        await group.settled()
        group.network.partition(f"store/{leader}", f"store/{lagging}", both=False)

        async def write() -> None:
            with pytest.raises(OutcomeUnknown, match="lagged"):
                await group.at(lagging).txn(put(b"a"))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(write)
            await anyio.sleep(0.01)
            for number in range(60):
                await group.at(other).txn(put(b"k%d" % number))
            group.network.heal()
            began = anyio.current_time()
        assert anyio.current_time() - began < ELECTION_S
        assert (await group.client.range(Range(b"a"))).kvs[0].version == 1
        await group.assert_equal()


async def _reader_and_writers(
    group: Group, log: WatchLog, acknowledged: dict[bytes, bytes]
) -> None:
    async def write(member: int) -> None:
        for number in range(60):
            key, value = b"k%d-%d" % (member, number % 7), b"%d" % number
            try:
                await group.at(member, 1, 2, 3).txn(put(key, value))
                acknowledged[key] = value
            except ActorError:
                acknowledged.pop(key, None)
            await anyio.sleep(0.02)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(log.run)
        async with anyio.create_task_group() as writers:
            for member in (1, 2, 3):
                writers.start_soon(write, member)
            for _ in range(3):
                leader = await group.leader()
                group.kill(leader)
                await anyio.sleep(1.5)
                group.revive(leader)
                await anyio.sleep(1)
        await group.settled()
        await anyio.sleep(0.5)
        tasks.cancel_scope.cancel()


@pytest.mark.anyio
@pytest.mark.parametrize("seed", range(3))
async def test_a_watch_across_leaders_neither_skips_nor_repeats(seed: int) -> None:
    async with open_group(seed=seed, snapshot_entries=30, keep_entries=3) as group:
        log = WatchLog(group.client, Watch(b"k", b"l", 1))
        acknowledged: dict[bytes, bytes] = {}
        await _reader_and_writers(group, log, acknowledged)
        read = await group.client.range(Range(b"k", b"l"))
        stored = {kv.key: bytes(kv.value) for kv in read.kvs}
        assert {key: stored[key] for key in acknowledged} == acknowledged
        revisions = [event.kv.mod_revision for event in log.events]
        assert revisions == list(range(2, read.revision + 1))
        await group.assert_equal()


@pytest.mark.anyio
@pytest.mark.parametrize("seed", range(3))
async def test_a_lossy_network_costs_time_but_no_request_is_done_twice(seed: int) -> None:
    async with open_group(seed=seed) as group:
        group.network.set_fault("store", "store", drop=0.1, duplicate=0.1, delay_s=0.01)
        done = 0
        async with anyio.create_task_group() as tasks:

            async def one(number: int) -> None:
                nonlocal done
                try:
                    await group.at(number % 3 + 1).txn(create(b"k%d" % number, b""))
                    done += 1
                except ActorError:
                    return

            for number in range(60):
                tasks.start_soon(one, number)
                await anyio.sleep(0.03)
        group.network.heal()
        read = await group.client.range(Range(b"k", b"l"))
        assert done > 50
        assert read.count >= done
        assert {kv.version for kv in read.kvs} == {1}
        await group.assert_equal()


@pytest.mark.anyio
async def test_a_lease_outlives_its_leader_by_no_less_than_its_time() -> None:
    async with open_group() as group:
        leader = await group.leader()
        rest = [member for member in group.numbers if member != leader]
        granted = await group.client.lease(LeaseGrant(5))
        await group.client.txn(put(b"a", lease=granted.id))
        await anyio.sleep(4)
        group.kill(leader)
        began = anyio.current_time()
        new_leader = await group.leader(*rest)
        assert (await group.at(new_leader).lease(LeaseTimeToLive(granted.id))).ttl_s >= 4
        async with group.at(new_leader).watch(Watch(b"a")) as items:
            await anext(items)
            await anext(items)
        assert 5 <= anyio.current_time() - began < 8


@pytest.mark.anyio
async def test_a_paused_leader_is_replaced_and_follows_when_it_wakes() -> None:
    async with open_group() as group:
        leader = await group.leader()
        rest = [member for member in group.numbers if member != leader]
        group.supervisor.pause(f"store/{leader}")
        await write_until_it_works(group.at(*rest), b"a", b"1")
        group.supervisor.resume(f"store/{leader}")
        await group.assert_equal()
        assert (await group.at(leader).range(Range(b"a"))).kvs[0].value == b"1"
