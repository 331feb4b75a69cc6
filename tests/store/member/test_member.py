"""A group of members in one process: what clients see of it while nothing is broken."""

import anyio
import pytest

from kube_actors.actor import Blob
from kube_actors.store import (
    Compacted,
    EventType,
    FutureRevision,
    InvalidRequest,
    LeaseGrant,
    LeaseKeepAlive,
    LeaseNotFound,
    LeaseRevoke,
    LeaseTimeToLive,
    MemberConfig,
    Put,
    Range,
    Txn,
    Watch,
)
from tests.store.groups import create, open_group, put


@pytest.mark.anyio
@pytest.mark.parametrize("members", [1, 3, 5])
async def test_a_fresh_group_takes_writes_in_less_than_a_tenth_of_a_second(members: int) -> None:
    async with open_group(members) as group:
        began = anyio.current_time()
        done = await group.client.txn(put(b"a", b"1"))
        assert done.revision == 2
        assert anyio.current_time() - began < 0.1
        await group.assert_equal()


@pytest.mark.anyio
async def test_a_write_at_any_member_is_read_at_every_other() -> None:
    async with open_group() as group:
        for member in (1, 2, 3):
            key = b"key-%d" % member
            await group.at(member).txn(put(key, b"from %d" % member))
            for reader in (1, 2, 3):
                read = await group.at(reader).range(Range(key))
                assert [bytes(kv.value) for kv in read.kvs] == [b"from %d" % member]


@pytest.mark.anyio
async def test_only_one_of_many_rivals_creates_a_key() -> None:
    async with open_group() as group:
        won: list[int] = []

        async def rival(number: int) -> None:
            done = await group.at(number % 3 + 1).txn(create(b"prize", b"%d" % number))
            if done.succeeded:
                won.append(number)

        async with anyio.create_task_group() as tasks:
            for number in range(30):
                tasks.start_soon(rival, number)
        assert len(won) == 1
        read = await group.client.range(Range(b"prize"))
        assert read.kvs[0].value == b"%d" % won[0]


@pytest.mark.anyio
async def test_members_share_the_bytes_of_a_value() -> None:
    async with open_group() as group:
        value = Blob(b"x" * 5000)
        await group.at(2).txn(Txn((), (Put(b"a", value),)))
        await group.settled()
        for member in (1, 2, 3):
            read = await group.at(member).range(Range(b"a", serializable=True))
            assert read.kvs[0].value is value


@pytest.mark.anyio
async def test_what_can_never_succeed_is_refused_and_changes_nothing() -> None:
    async with open_group() as group:
        refused = [
            put(b""),
            Txn((), (Put(b"a", Blob(b"1")), Put(b"a", Blob(b"2")))),
            Txn((), tuple(Put(b"%d" % n, Blob(b"")) for n in range(129))),
            put(b"a", b"x" * 2_000_000),
        ]
        for txn in refused:
            with pytest.raises(InvalidRequest):
                await group.client.txn(txn)
        with pytest.raises(LeaseNotFound):
            await group.client.txn(put(b"a", lease=77))
        with pytest.raises(FutureRevision):
            await group.client.range(Range(b"a", revision=99))
        assert await group.client.current_revision() == 1


@pytest.mark.anyio
async def test_a_watch_is_established_before_it_reports_and_then_reports_everything() -> None:
    async with open_group() as group:
        await group.client.txn(put(b"/a", b"1"))
        await group.settled()
        async with group.at(3).watch(Watch(b"/", b"0", prev_kv=True)) as items:
            first = await anext(items)
            assert first.events == ()
            await group.client.txn(put(b"/a", b"2"))
            await group.client.txn(put(b"elsewhere"))
            await group.client.txn(put(b"/b", b"3"))
            seen = [event for _ in range(2) for event in (await anext(items)).events]
        assert [(e.kv.key, bytes(e.kv.value)) for e in seen] == [(b"/a", b"2"), (b"/b", b"3")]
        assert seen[0].prev_kv is not None
        assert seen[0].prev_kv.value == b"1"
        assert seen[1].prev_kv is None


@pytest.mark.anyio
async def test_a_watch_from_the_past_replays_it_and_one_from_before_compaction_is_told() -> None:
    async with open_group() as group:
        for number in range(10):
            await group.client.txn(put(b"k%d" % number))
        async with group.client.watch(Watch(b"k", b"l", 5)) as items:
            assert (await anext(items)).revision == 4
            seen = (await anext(items)).events
        assert [event.kv.mod_revision for event in seen] == list(range(5, 12))
        assert await group.client.compact(8) == 8
        with pytest.raises(Compacted) as caught:
            async with group.client.watch(Watch(b"k", b"l", 5)) as items:
                await anext(items)
        assert caught.value.compact_revision == 8
        with pytest.raises(Compacted):
            await group.client.range(Range(b"k1", revision=7))
        async with group.client.watch(Watch(b"k", b"l", 8)) as items:
            await anext(items)
            assert (await anext(items)).events[0].kv.mod_revision == 8


@pytest.mark.anyio
async def test_a_watch_may_begin_in_the_future() -> None:
    async with open_group() as group:
        async with group.client.watch(Watch(b"a", start_revision=4)) as items:
            await anext(items)
            for number in range(4):
                await group.client.txn(put(b"a", b"%d" % number))
            seen: list[int] = []
            while len(seen) < 2:
                seen += [event.kv.mod_revision for event in (await anext(items)).events]
        assert seen == [4, 5]


@pytest.mark.anyio
async def test_a_slow_watcher_delays_nobody_and_misses_nothing() -> None:
    async with open_group() as group:
        watch = Watch(b"k", b"l", 2)
        async with group.actor.stream("store/1", watch, credit=1) as slow:
            async with group.client.watch(watch) as quick:
                await anext(quick)
                for number in range(300):
                    await group.client.txn(put(b"k%d" % number))
                fast: list[int] = []
                while len(fast) < 300:
                    fast += [event.kv.mod_revision for event in (await anext(quick)).events]
            late: list[int] = []
            while len(late) < 300:
                late += [event.kv.mod_revision for event in (await anext(slow)).events]
        assert fast == late == list(range(2, 302))


@pytest.mark.anyio
async def test_a_quiet_watch_reports_progress_when_asked_to() -> None:
    async with open_group(progress_ticks=20) as group:
        async with group.client.watch(Watch(b"mine", progress_notify=True)) as items:
            await anext(items)
            done = await group.client.txn(put(b"other"))
            with anyio.fail_after(3):
                progress = await anext(items)
        assert progress.events == ()
        assert progress.revision == done.revision


@pytest.mark.anyio
async def test_a_lease_ends_in_its_time_and_takes_its_keys_along() -> None:
    async with open_group() as group:
        granted = await group.at(2).lease(LeaseGrant(5))
        await group.client.txn(put(b"b", lease=granted.id))
        await group.client.txn(put(b"a", lease=granted.id))
        async with group.client.watch(Watch(b"a", b"c")) as items:
            await anext(items)
            began = anyio.current_time()
            ended = await anext(items)
        assert 4.9 <= anyio.current_time() - began < 6
        assert [(e.type, e.kv.key) for e in ended.events] == [
            (EventType.DELETE, b"a"),
            (EventType.DELETE, b"b"),
        ]
        assert (await group.client.lease(LeaseTimeToLive(granted.id))).ttl_s == -1


@pytest.mark.anyio
async def test_a_lease_that_is_kept_alive_at_any_member_does_not_end() -> None:
    async with open_group() as group:
        granted = await group.client.lease(LeaseGrant(2, id=7))
        await group.client.txn(put(b"a", lease=granted.id))
        for turn in range(12):
            await anyio.sleep(1)
            assert (await group.at(turn % 3 + 1).lease(LeaseKeepAlive(7))).ttl_s == 2
        state = await group.at(3).lease(LeaseTimeToLive(7, keys=True))
        assert (state.ttl_s, state.granted_ttl_s, state.keys) == (2, 2, (b"a",))
        with pytest.raises(InvalidRequest, match="already exists"):
            await group.client.lease(LeaseGrant(2, id=7))
        await group.client.lease(LeaseRevoke(7))
        assert (await group.client.range(Range(b"a"))).count == 0
        with pytest.raises(LeaseNotFound):
            await group.client.lease(LeaseRevoke(7))
        assert (await group.client.lease(LeaseKeepAlive(7))).ttl_s == -1


@pytest.mark.anyio
async def test_retention_compacts_old_revisions_by_itself() -> None:
    async with open_group(retention_revisions=20, progress_ticks=10) as group:
        for number in range(60):
            await group.client.txn(put(b"a", b"%d" % number))
        await anyio.sleep(2)
        assert (await group.status(1)).compact_revision == 61 - 20
        await group.assert_equal()


def test_an_even_group_is_refused_with_the_reason() -> None:
    with pytest.raises(ValueError, match="odd"):
        MemberConfig(member=1, members=4)
