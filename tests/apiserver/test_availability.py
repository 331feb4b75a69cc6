"""What is served when the store has no quorum, an apiserver restarts, or too much is asked."""

import anyio
import pytest

from tests.apiserver.memory_store import MemoryStore
from tests.apiserver.world import MAPS, config_map, names, world


@pytest.mark.anyio
async def test_without_a_quorum_reads_say_that_they_may_be_stale_and_writes_are_refused() -> None:
    store = MemoryStore()
    async with world(store=store) as w:
        await w.ok("POST", MAPS, config_map("a"))
        store.read_only = True
        read = await w.ask("GET", f"{MAPS}/a")
        assert read.status == 200
        assert read.warnings == (
            "this read may be stale: the cluster is read-only, 1 of 3 store members answer",
        )
        assert (await w.ask("GET", MAPS)).warnings == read.warnings
        for method, path, body in (
            ("POST", MAPS, config_map("b")),
            ("PUT", f"{MAPS}/a", config_map("a", k="v")),
            ("DELETE", f"{MAPS}/a", None),
        ):
            refused = await w.ask(method, path, body)
            assert (refused.status, refused.body["reason"]) == (503, "ServiceUnavailable")
            assert "1 of 3 store members answer" in refused.body["message"]
        store.read_only = False
        assert (await w.ask("GET", f"{MAPS}/a")).warnings == ()


@pytest.mark.anyio
async def test_a_cut_off_majority_is_noticed_and_heals() -> None:
    async with world(members=3) as w:
        await w.ok("POST", MAPS, config_map("a"))
        w.network.isolate(["store/2"])
        w.network.isolate(["store/3"])
        await anyio.sleep(5)
        refused = await w.ask("POST", MAPS, config_map("b"))
        assert refused.status == 503
        assert (await w.ask("GET", f"{MAPS}/a")).warnings
        w.network.heal()
        with anyio.fail_after(30):
            status = 0
            while status != 201:
                await anyio.sleep(0.5)
                status = (await w.ask("POST", MAPS, config_map("c"))).status
        assert names(await w.ok("GET", MAPS)) == ["a", "c"]


@pytest.mark.anyio
async def test_an_apiserver_that_starts_without_a_quorum_still_serves_stale_reads() -> None:
    store = MemoryStore()
    async with world(store=store) as w:
        await w.ok("POST", MAPS, config_map("a"))
        store.read_only = True
        w.supervisor.crash("apiserver/1")
        with anyio.fail_after(30):
            read = await w.retried("GET", f"{MAPS}/a")
        assert "may be stale" in read.warnings[0]


@pytest.mark.anyio
async def test_nothing_is_lost_for_those_who_ask_while_an_apiserver_restarts() -> None:
    async with world(members=3) as w:
        await w.ok("POST", MAPS, config_map("a"))
        w.supervisor.crash("apiserver/1")
        with anyio.fail_after(30):
            read = await w.retried("GET", MAPS)
        assert names(read.body) == ["a"]


@pytest.mark.anyio
async def test_a_watch_whose_reader_left_is_found_and_ended() -> None:
    async with world() as w:
        async with w.watch(MAPS, {"resourceVersion": str(w.server.cache.revision)}):
            await anyio.sleep(1)
            assert w.server.cache.resource("", "configmaps").watcher_count == 1
        await anyio.sleep(10)
        assert w.server.cache.resource("", "configmaps").watcher_count == 0


@pytest.mark.anyio
async def test_more_requests_than_allowed_are_told_to_come_back() -> None:
    async with world(in_flight_max=2) as w:
        statuses: list[int] = []

        async def read() -> None:
            statuses.append((await w.ask("GET", MAPS)).status)

        async with anyio.create_task_group() as tasks:
            for _ in range(10):
                tasks.start_soon(read)
        assert sorted(set(statuses)) == [200, 429]
        assert (await w.ask("GET", MAPS)).status == 200


@pytest.mark.anyio
async def test_components_say_how_they_are() -> None:
    async with world() as w:
        path = "/api/v1/componentstatuses"
        listed = await w.ask("GET", path)
        assert "deprecated" in listed.warnings[0]
        found = {item["metadata"]["name"]: item["conditions"][0] for item in listed.body["items"]}
        assert found["etcd-0"] == {"type": "Healthy", "status": "True", "message": "ok"}
        assert found["scheduler"]["message"] == "nobody holds the Lease kube-scheduler"
        lease = {
            "metadata": {"name": "kube-scheduler"},
            "spec": {
                "holderIdentity": "scheduler/1",
                "leaseDurationSeconds": 15,
                "renewTime": "2026-01-01T00:00:00.000000Z",
            },
        }
        await w.ok("POST", "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases", lease)
        one = await w.ok("GET", f"{path}/scheduler")
        assert one["conditions"][0]["status"] == "True"
        await anyio.sleep(20)
        late = await w.ok("GET", f"{path}/scheduler")
        assert "was not renewed for 20s" in late["conditions"][0]["message"]
        assert (await w.ask("GET", f"{path}/nope")).status == 404
