"""Many watches on one stream: what each item says, and in which order they come."""

import itertools

import anyio
import pytest

from kube_actors.actor import ActorCrashed, Blob, MalformedMessage, Overloaded, Unreachable
from kube_actors.store import (
    SESSION_WATCH,
    DeleteRange,
    InvalidRequest,
    Put,
    SessionCancel,
    SessionItem,
    SessionKind,
    SessionNotFound,
    SessionOpen,
    SessionProgress,
    SharedItem,
    Txn,
    Watch,
    WatchSession,
    WatchSessionClient,
)
from kube_actors.store.watch.feeds import size_of_event
from tests.store.groups import open_group, put


async def take(watches: WatchSessionClient, count: int) -> list[SessionItem]:
    with anyio.fail_after(10):
        return [await anext(watches) for _ in range(count)]


def shown(items: list[SessionItem], watch_id: int) -> list[tuple[bytes, int]]:
    return [
        (event.kv.key, event.kv.mod_revision)
        for item in items
        if item.watch_id == watch_id
        for event in item.events
    ]


@pytest.mark.anyio
async def test_many_watches_share_a_stream_and_each_sees_its_own() -> None:
    async with open_group() as group:
        await group.client.txn(put(b"a/0"))
        async with group.at(2).watch_session() as watches:
            first = await watches.open(Watch(b"a/", b"a0"))
            second = await watches.open(Watch(b"b"), watch_id=7)
            third = await watches.open(Watch(b"a/", b"a0", start_revision=2))
            assert (first, second, third) == (0, 7, 1)
            items = await take(watches, 4)
            assert [(item.watch_id, item.kind) for item in items] == [
                (0, SessionKind.CREATED),
                (7, SessionKind.CREATED),
                (1, SessionKind.CREATED),
                (1, SessionKind.EVENTS),
            ]
            await group.client.txn(put(b"a/1"))
            await group.client.txn(put(b"b"))
            items += await take(watches, 3)
        assert shown(items, 0) == [(b"a/1", 3)]
        assert shown(items, 1) == [(b"a/0", 2), (b"a/1", 3)]
        assert shown(items, 7) == [(b"b", 4)]


@pytest.mark.anyio
async def test_a_cancelled_watch_says_so_last_and_its_id_is_free_again() -> None:
    async with open_group() as group:
        async with group.at(1).watch_session() as watches:
            assert await watches.open(Watch(b"a"), watch_id=3) == 3
            with pytest.raises(InvalidRequest, match="duplicate watch ID"):
                await watches.open(Watch(b"b"), watch_id=3)
            await group.at(1).txn(put(b"a"))
            await watches.cancel(3)
            await group.at(1).txn(put(b"a"))
            await watches.open(Watch(b"b"), watch_id=3)
            await group.at(1).txn(put(b"b"))
            items = await take(watches, 5)
            with pytest.raises(InvalidRequest, match="no watch 4"):
                await watches.cancel(4)
        kinds = [item.kind for item in items]
        assert kinds == [
            SessionKind.CREATED,
            SessionKind.EVENTS,
            SessionKind.CANCELED,
            SessionKind.CREATED,
            SessionKind.EVENTS,
        ]
        assert items[2].text == ""
        assert shown(items[:3], 3) == [(b"a", 2)]
        assert shown(items[3:], 3) == [(b"b", 4)]


@pytest.mark.anyio
async def test_a_watch_from_before_the_compaction_is_created_and_then_cancelled() -> None:
    async with open_group() as group:
        for number in range(10):
            await group.at(1).txn(put(b"k%d" % number))
        await group.at(1).compact(8)
        async with group.at(1).watch_session() as watches:
            lost = await watches.open(Watch(b"k", b"l", start_revision=7))
            kept = await watches.open(Watch(b"k", b"l", start_revision=8))
            items = await take(watches, 4)
        created, *_, cancelled = [item for item in items if item.watch_id == lost]
        assert (created.kind, created.revision) == (SessionKind.CREATED, 11)
        assert (cancelled.kind, cancelled.compact_revision) == (SessionKind.CANCELED, 8)
        assert "compacted" in cancelled.text
        assert [revision for _, revision in shown(items, kept)] == [8, 9, 10, 11]


@pytest.mark.anyio
async def test_progress_on_demand_follows_everything_it_speaks_of() -> None:
    async with open_group() as group:
        async with group.at(1).watch_session() as watches:
            await watches.progress()
            (bare,) = await take(watches, 1)
            assert (bare.kind, bare.watch_id, bare.revision) == (
                SessionKind.PROGRESS,
                SESSION_WATCH,
                1,
            )
            for number in range(500):
                await group.at(1).txn(put(b"k%d" % number))
            await watches.open(Watch(b"k", b"l", start_revision=2))
            await watches.open(Watch(b"k1", start_revision=9_000))
            await watches.progress()
            seen: list[int] = []
            while (item := await anext(watches)).kind is not SessionKind.PROGRESS:
                seen += [event.kv.mod_revision for event in item.events]
        assert (item.watch_id, item.revision) == (SESSION_WATCH, 501)
        assert seen == list(range(2, 502))


@pytest.mark.anyio
async def test_periodic_progress_names_the_watch_that_asked_for_it() -> None:
    async with open_group(progress_ticks=20) as group:
        async with group.at(1).watch_session() as watches:
            await watches.open(Watch(b"quiet"))
            asking = await watches.open(Watch(b"mine", progress_notify=True))
            await take(watches, 2)
            done = await group.at(1).txn(put(b"other"))
            (item,) = await take(watches, 1)
        assert item == SessionItem(asking, SessionKind.PROGRESS, done.revision)


@pytest.mark.anyio
@pytest.mark.parametrize("start_revision", [0, 2])
async def test_a_large_batch_is_split_only_where_that_was_allowed(start_revision: int) -> None:
    async with open_group(request_bytes_max=10_000) as group:

        async def write() -> None:
            for number in range(3):
                await group.at(1).txn(
                    Txn((), tuple(Put(b"%d/%d" % (number, n), Blob(bytes(2000))) for n in range(4)))
                )
            big = DeleteRange(b"0", b"\0")
            await group.at(1).txn(Txn((), (big,)))

        if start_revision:
            await write()
        async with group.at(1).watch_session() as watches:
            whole = await watches.open(Watch(b"\0", b"\0", start_revision, prev_kv=True))
            split = await watches.open(
                Watch(b"\0", b"\0", start_revision, prev_kv=True), fragment=True
            )
            if not start_revision:
                await write()
            items: list[SessionItem] = []
            while len(shown(items, whole)) < 24 or len(shown(items, split)) < 24:
                items += await take(watches, 1)
        assert shown(items, whole) == shown(items, split)
        assert not any(item.fragment for item in items if item.watch_id == whole)
        pieces = [item for item in items if item.watch_id == split and item.events]
        assert any(item.fragment for item in pieces)
        assert not pieces[-1].fragment
        for item in pieces:
            assert sum(map(size_of_event, item.events)) <= 10_000
        for before, after in itertools.pairwise(pieces):
            if before.events[-1].kv.mod_revision == after.events[0].kv.mod_revision:
                assert before.fragment
                assert before.revision == after.revision


@pytest.mark.anyio
async def test_a_slow_reader_delays_only_its_own_session_and_misses_nothing() -> None:
    async with open_group() as group:
        opening = WatchSession(1)
        async with (
            group.actor.stream("store/1", opening, credit=1) as slow,
            group.at(1).watch_session() as quick,
        ):
            await group.actor.call("store/1", SessionOpen(1, 5, Watch(b"k", b"l", 2)))
            await group.actor.call("store/1", SessionOpen(1, 6, Watch(b"k1")))
            await quick.open(Watch(b"k", b"l", 2))
            for number in range(300):
                await group.at(1).txn(put(b"k%d" % number))
            fast: list[int] = []
            while len(fast) < 300:
                fast += [event.kv.mod_revision for event in (await anext(quick)).events]
            late: list[SessionItem] = []
            while len(shown(late, 5)) < 300 or len(shown(late, 6)) < 1:
                late.append(await anext(slow))
        assert fast == [revision for _, revision in shown(late, 5)] == list(range(2, 302))
        assert shown(late, 6) == [(b"k1", 3)]


@pytest.mark.anyio
async def test_watches_that_see_the_same_are_told_in_one_item() -> None:
    async with (
        open_group(1) as group,
        group.actor.stream("store/1", WatchSession(1), credit=64) as items,
    ):
        await anext(items)

        async def begin(watch_id: int, key: bytes, *, fragment: bool = False) -> None:
            opening = SessionOpen(1, watch_id, Watch(key, b"z"), fragment)
            await group.actor.call("store/1", opening)
            assert (await anext(items)).kind is SessionKind.CREATED

        for watch_id in (5, 3, 9):
            await begin(watch_id, b"a")
        await begin(4, b"b")
        await begin(6, b"a", fragment=True)
        await begin(7, b"a", fragment=True)
        await group.client.txn(put(b"aa"))
        shared = [await anext(items), await anext(items)]
        assert [one.watch_ids for one in shared] == [(5, 3, 9), (6, 7)]
        for one in shared:
            assert [item.watch_id for item in one.items()] == list(one.watch_ids)
            for item in one.items():
                assert shown([item], item.watch_id) == [(b"aa", 2)]
        await group.client.txn(put(b"x"))
        seen = [await anext(items) for _ in range(3)]
        assert [getattr(one, "watch_ids", None) for one in seen] == [(5, 3, 9), (6, 7), None]
        assert shown([seen[2]], 4) == [(b"x", 3)]


@pytest.mark.anyio
async def test_watches_that_fell_behind_together_catch_up_together_and_each_misses_nothing() -> (
    None
):
    watches = 50
    async with (
        open_group(1) as group,
        group.actor.stream("store/1", WatchSession(1), credit=1) as items,
    ):
        await anext(items)
        for watch_id in range(1, watches + 1):
            start = 3 if watch_id == 20 else 0
            opening = SessionOpen(1, watch_id, Watch(b"k", b"l", start))
            await group.actor.call("store/1", opening)
        for number in range(40):
            await group.client.txn(put(b"k%d" % number))
        seen: dict[int, list[int]] = {watch_id: [] for watch_id in range(1, watches + 1)}
        carried = 0
        while min(len(found) for found in seen.values()) < 39 or len(seen[1]) < 40:
            item = await anext(items)
            carried += bool(getattr(item, "item", item).events)
            for one in item.items() if isinstance(item, SharedItem) else [item]:
                seen[one.watch_id] += [event.kv.mod_revision for event in one.events]
    assert seen.pop(20) == list(range(3, 42))
    assert all(found == list(range(2, 42)) for found in seen.values())
    assert carried < watches


@pytest.mark.anyio
async def test_who_opens_and_never_reads_is_refused_before_it_fills_the_member() -> None:
    async with open_group(watchers_max=20) as group:
        async with group.actor.stream("store/1", WatchSession(1), credit=1):
            # Two items for each turn, of which one is on its way.
            for _ in range(10):
                await group.actor.call("store/1", SessionOpen(1, 9, Watch(b"a")))
                await group.actor.call("store/1", SessionCancel(1, 9))
            await group.actor.call("store/1", SessionOpen(1, 9, Watch(b"a")))
            with pytest.raises(Overloaded):
                await group.actor.call("store/1", SessionCancel(1, 9))
        async with group.at(1).watch_session() as watches:
            for _ in range(20):
                await watches.open(Watch(b"a"))
            with pytest.raises(Overloaded):
                await watches.open(Watch(b"a"))


@pytest.mark.anyio
async def test_a_session_ends_with_its_member_and_with_its_reader() -> None:
    async with open_group(progress_ticks=10) as group:
        async with group.at(1).watch_session() as watches:
            await watches.open(Watch(b"a"))
            assert (await anext(watches)).kind is SessionKind.CREATED
            group.kill(1)
            with pytest.raises(ActorCrashed):
                await anext(watches)
            with pytest.raises((ActorCrashed, Unreachable)):
                await watches.progress()
        group.revive(1)
        await group.leader()
        with pytest.raises(SessionNotFound):
            await group.actor.call("store/1", SessionProgress(1))
        for _ in range(3):
            async with group.actor.stream("store/1", WatchSession(4)) as items:
                await anext(items)
                await group.actor.call("store/1", SessionOpen(4, 1, Watch(b"a")))


@pytest.mark.anyio
async def test_what_makes_no_sense_in_a_session_is_refused() -> None:
    async with open_group(1) as group:
        with pytest.raises(MalformedMessage):
            await group.actor.call("store/1", WatchSession(1))
        with pytest.raises(SessionNotFound):
            await group.actor.call("store/1", SessionOpen(1, 0, Watch(b"a")))
        async with group.at(1).watch_session() as watches:
            for watch in (Watch(b""), Watch(b"a", start_revision=-1)):
                with pytest.raises(InvalidRequest):
                    await watches.open(watch)
            assert await watches.open(Watch(b"a")) == 0
