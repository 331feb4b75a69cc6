"""Lists, pages, selectors and watches from the watch cache, also when it falls behind."""

import anyio
import pytest

from kube_actors.actor import Blob
from kube_actors.client import ApiRefused, ApiRequest
from kube_actors.store.messages import DeleteRange, Put, Txn
from tests.apiserver.memory_store import MemoryStore
from tests.apiserver.world import (
    MAPS,
    MERGE,
    PODS,
    Events,
    World,
    config_map,
    fill,
    names,
    pod,
    world,
)

NOT_OLDER = "NotOlderThan"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


@pytest.mark.anyio
async def test_pages_show_one_state_although_it_changes_meanwhile() -> None:
    async with world() as w:
        await fill(w, 5)
        first = await w.ok("GET", MAPS, query={"limit": "2"})
        assert names(first) == ["c0", "c1"]
        assert first["metadata"]["remainingItemCount"] == 3
        await w.ok("DELETE", f"{MAPS}/c3")
        await w.ok("POST", MAPS, config_map("c31"))
        token = first["metadata"]["continue"]
        second = await w.ok("GET", MAPS, query={"limit": "2", "continue": token})
        token = second["metadata"]["continue"]
        third = await w.ok("GET", MAPS, query={"limit": "2", "continue": token})
        assert names(second) + names(third) == ["c2", "c3", "c4"]
        assert "continue" not in third["metadata"]
        versions = {page["metadata"]["resourceVersion"] for page in (first, second, third)}
        assert len(versions) == 1


@pytest.mark.anyio
async def test_a_page_of_a_forgotten_state_has_expired() -> None:
    async with world() as w:
        await fill(w, 3)
        first = await w.ok("GET", MAPS, query={"limit": "1"})
        await w.ok("DELETE", f"{MAPS}/c2")
        await w.server.store.compact(int(first["metadata"]["resourceVersion"]) + 1)
        token = first["metadata"]["continue"]
        late = await w.ask("GET", MAPS, query={"continue": token})
        assert (late.status, late.body["reason"]) == (410, "Expired")
        bad = await w.ask("GET", MAPS, query={"continue": "nonsense"})
        assert bad.status == 400


@pytest.mark.anyio
async def test_a_list_at_exactly_a_revision_shows_that_revision() -> None:
    async with world() as w:
        await fill(w, 1)
        then = (await w.ok("GET", MAPS))["metadata"]["resourceVersion"]
        await fill_more(w)
        query = {"resourceVersion": then, "resourceVersionMatch": "Exact"}
        assert names(await w.ok("GET", MAPS, query=query)) == ["c0"]
        newer = {"resourceVersion": then, "resourceVersionMatch": NOT_OLDER}
        assert names(await w.ok("GET", MAPS, query=newer)) == ["c0", "d"]
        now = (await w.ok("GET", MAPS))["metadata"]["resourceVersion"]
        last = {"fieldSelector": "metadata.name=d", "limit": "1"}
        exact = {**query, "resourceVersion": now, **last}
        await w.ok("POST", MAPS, config_map("e"))
        assert names(await w.ok("GET", MAPS, query=exact)) == ["d"]
        future = {"resourceVersion": str(int(then) + 1000)}
        assert (await w.ask("GET", MAPS, query=future)).status == 504


async def fill_more(w: World) -> None:
    await w.ok("POST", MAPS, config_map("d"))


@pytest.mark.anyio
async def test_selectors_choose_by_label_and_by_field() -> None:
    async with world() as w:
        await w.ok("POST", PODS, pod("a", "n1", labels={"app": "x"}))
        await w.ok("POST", PODS, pod("b", "n2", labels={"app": "y"}))
        for query, expected in (
            ({"labelSelector": "app=x"}, ["a"]),
            ({"labelSelector": "app in (x,y),app!=x"}, ["b"]),
            ({"fieldSelector": "spec.nodeName=n2"}, ["b"]),
            ({"fieldSelector": "metadata.name=a,status.phase=Pending"}, ["a"]),
            ({"fieldSelector": "spec.nodeName="}, []),
            ({"fieldSelector": "metadata.name=a"}, ["a"]),
            ({"fieldSelector": "metadata.name=a,metadata.name=b"}, []),
            ({"fieldSelector": "metadata.name!=a,metadata.namespace=default"}, ["b"]),
            ({"fieldSelector": "metadata.namespace=other"}, []),
        ):
            assert names(await w.ok("GET", PODS, query=query)) == expected
        bad = await w.ask("GET", PODS, query={"fieldSelector": "spec.image=x"})
        assert bad.status == 400
        assert "field label not supported: spec.image" in bad.body["message"]


@pytest.mark.anyio
async def test_a_watch_from_a_list_sees_every_later_change_in_order() -> None:
    async with world() as w:
        await fill(w, 1)
        version = (await w.ok("GET", MAPS))["metadata"]["resourceVersion"]
        async with w.watch(MAPS, {"resourceVersion": version}) as stream:
            await w.ok("POST", MAPS, config_map("d"))
            await w.ok("PATCH", f"{MAPS}/c0", {"data": {"k": "v"}}, content_type=MERGE)
            gone = await w.ok("DELETE", f"{MAPS}/d")
            assert gone["status"] == "Success"
            events = Events(stream)
            expected = [("ADDED", "d"), ("MODIFIED", "c0"), ("DELETED", "d")]
            assert await events.names(3) == expected


@pytest.mark.anyio
async def test_a_watch_resumed_later_replays_what_it_missed() -> None:
    async with world() as w:
        version = (await w.ok("GET", MAPS))["metadata"]["resourceVersion"]
        await fill(w, 3)
        async with w.watch(MAPS, {"resourceVersion": version}) as stream:
            assert [name for _, name in await Events(stream).names(3)] == ["c0", "c1", "c2"]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("path", "query"),
    [
        (MAPS, {}),
        (MAPS, {"fieldSelector": "metadata.name=mine"}),
        ("/api/v1/configmaps", {"fieldSelector": "metadata.name=mine"}),
        ("/api/v1/configmaps", {"fieldSelector": "metadata.namespace=default"}),
    ],
)
async def test_what_a_watch_missed_elsewhere_is_not_replayed(
    path: str, query: dict[str, str]
) -> None:
    async with world() as w:
        await w.ok(
            "POST", "/api/v1/namespaces", {"kind": "Namespace", "metadata": {"name": "other"}}
        )
        version = (await w.ok("GET", MAPS))["metadata"]["resourceVersion"]
        await w.ok("POST", "/api/v1/namespaces/other/configmaps", config_map("theirs"))
        if "metadata.name=mine" in query.values():
            await w.ok("POST", MAPS, config_map("another"))
        await w.ok("POST", MAPS, config_map("mine"))
        async with w.watch(path, {"resourceVersion": version, **query}) as stream:
            assert await Events(stream).names(1) == [("ADDED", "mine")]


@pytest.mark.anyio
async def test_a_watched_table_tells_ages_as_of_each_event() -> None:
    async with world() as w, w.watch(MAPS, {}, accept=TABLE) as stream:
        events = Events(stream)
        await anyio.sleep(60)
        await w.ok("POST", MAPS, config_map("late"))
        _, fresh = await events.next()
        await anyio.sleep(7)
        await w.ok("PATCH", f"{MAPS}/late", {"data": {"k": "v"}}, content_type=MERGE)
        _, older = await events.next()
        assert [table["rows"][0]["cells"][-1] for table in (fresh, older)] == ["0s", "7s"]


@pytest.mark.anyio
async def test_initial_events_end_with_their_bookmark() -> None:
    async with world() as w:
        await fill(w, 2)
        query = {
            "sendInitialEvents": "true",
            "allowWatchBookmarks": "true",
            "resourceVersionMatch": NOT_OLDER,
        }
        async with w.watch(MAPS, query) as stream:
            events = Events(stream)
            assert await events.names(2) == [("ADDED", "c0"), ("ADDED", "c1")]
            kind, obj = await events.next()
            assert kind == "BOOKMARK"
            assert obj["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
            await w.ok("POST", MAPS, config_map("z"))
            assert await events.names(1) == [("ADDED", "z")]


@pytest.mark.anyio
async def test_a_selector_turns_modifications_into_additions_and_deletions() -> None:
    async with world() as w:
        version = (await w.ok("GET", PODS))["metadata"]["resourceVersion"]
        query = {"resourceVersion": version, "fieldSelector": "spec.nodeName=n1"}
        async with w.watch(PODS, query) as stream:
            await w.ok("POST", PODS, pod("other", "n2"))
            await w.ok("POST", PODS, pod("p"))
            binding = {"target": {"kind": "Node", "name": "n1"}}
            await w.ok("POST", f"{PODS}/p/binding", binding)
            labels = {"metadata": {"labels": {"app": "x"}}}
            await w.ok("PATCH", f"{PODS}/p", labels, content_type=MERGE)
            expected = [("ADDED", "p"), ("MODIFIED", "p")]
            assert await Events(stream).names(2) == expected
        labelled = {"resourceVersion": version, "labelSelector": "app=x"}
        async with w.watch(PODS, labelled) as stream:
            events = Events(stream)
            assert await events.names(1) == [("ADDED", "p")]
            labels = {"metadata": {"labels": {"app": "y"}}}
            await w.ok("PATCH", f"{PODS}/p", labels, content_type=MERGE)
            kind, obj = await events.next()
            assert (kind, obj["metadata"]["labels"]) == ("DELETED", {"app": "x"})


@pytest.mark.anyio
async def test_a_watch_ends_after_its_timeout() -> None:
    async with world() as w, w.watch(MAPS, {"timeoutSeconds": "5"}) as stream:
        began = anyio.current_time()
        assert [batch async for batch in stream] == []
        assert 4.9 < anyio.current_time() - began < 6


@pytest.mark.anyio
async def test_bookmarks_come_now_and_then_to_those_who_asked() -> None:
    async with world(bookmark_interval_s=10.0) as w:
        query = {"allowWatchBookmarks": "true", "resourceVersion": str(w.server.cache.revision)}
        async with w.watch(MAPS, query) as stream:
            await w.ok("POST", PODS, pod("p"))
            kind, obj = await Events(stream).next()
            assert kind == "BOOKMARK"
            assert int(obj["metadata"]["resourceVersion"]) == w.server.cache.revision


@pytest.mark.anyio
async def test_a_watch_from_before_the_ring_is_410_and_says_so() -> None:
    async with world(watch_ring_max=2) as w:
        version = (await w.ok("GET", MAPS))["metadata"]["resourceVersion"]
        await fill(w, 5)
        with pytest.raises(ApiRefused) as caught:
            async with w.watch(MAPS, {"resourceVersion": version}) as stream:
                await anext(stream)
        assert caught.value.status == 410
        assert "too old resource version" in bytes(caught.value.body).decode()


@pytest.mark.anyio
async def test_a_slow_watcher_loses_only_itself() -> None:
    async with world(watch_buffer_max=10) as w:
        version = str(w.server.cache.revision)
        async with (
            w.watch(MAPS, {"resourceVersion": version}) as quick,
            w.client.stream("apiserver/1", slow_request(version), credit=1) as slow,
        ):
            events, seen = Events(quick), 0
            for number in range(40):
                await w.ok("POST", MAPS, config_map(f"c{number}"))
                assert (await events.next())[1]["metadata"]["name"] == f"c{number}"
            async for batch in slow:
                seen += len(batch.events)
            assert seen < 40
            assert (await w.ok("GET", MAPS))["metadata"]


def slow_request(version: str) -> ApiRequest:
    query = (("watch", "1"), ("resourceVersion", version))
    return ApiRequest("GET", MAPS, query, user="admin", groups=("system:masters",))


@pytest.mark.anyio
async def test_the_cache_goes_on_when_its_store_watch_breaks() -> None:
    store = MemoryStore()
    async with world(store=store) as w:
        async with w.watch(MAPS, {"resourceVersion": str(w.server.cache.revision)}) as stream:
            store.break_watches()
            await w.ok("POST", MAPS, config_map("a"))
            assert await Events(stream).names(1) == [("ADDED", "a")]
        assert names(await w.ok("GET", MAPS)) == ["a"]


@pytest.mark.anyio
async def test_the_cache_starts_over_when_history_was_compacted_under_it() -> None:
    store = MemoryStore()
    async with world(store=store, compacts=False) as w:
        await w.ok("POST", MAPS, config_map("a"))
        version = str(w.server.cache.revision)
        async with w.watch(MAPS, {"resourceVersion": version}) as stream:
            await store_behind_the_watch(w, store)
            assert [batch async for batch in stream] == []
        assert names(await w.ok("GET", MAPS)) == ["b"]


async def store_behind_the_watch(w: World, store: MemoryStore) -> None:
    """Change and compact while the feed sleeps after a break."""
    store.break_watches()
    await anyio.sleep(0.001)
    kept = store.keyspace.newest(b"/registry/core/configmaps/default/a")
    assert kept is not None
    value = Blob(kept.value.replace(b'"a"', b'"b"'))
    await store.txn(Txn((), (DeleteRange(b"/registry/core/configmaps/default/a"),)))
    await store.txn(Txn((), (Put(b"/registry/core/configmaps/default/b", value),)))
    await store.compact(store.keyspace.revision)
