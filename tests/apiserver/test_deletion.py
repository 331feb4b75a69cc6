"""How objects go: at once, with grace, with finalizers, with their namespace, by collection."""

from typing import Any

import anyio
import pytest

from tests.apiserver.world import MERGE, config_map, pod, world

MAPS = "/api/v1/namespaces/default/configmaps"
PODS = "/api/v1/namespaces/default/pods"


@pytest.mark.anyio
async def test_a_plain_object_goes_at_once() -> None:
    async with world() as w:
        made = await w.ok("POST", MAPS, config_map("a"))
        gone = await w.ok("DELETE", f"{MAPS}/a")
        assert gone["details"] == {
            "name": "a",
            "kind": "configmaps",
            "uid": made["metadata"]["uid"],
        }
        assert (await w.ask("DELETE", f"{MAPS}/a")).status == 404


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("path", "body", "answer"),
    [
        ("/api/v1/namespaces/default/configmaps", {}, "Status"),
        ("/api/v1/namespaces/default/serviceaccounts", {}, "ServiceAccount"),
        ("/apis/storage.k8s.io/v1/storageclasses", {"provisioner": "a.b/c"}, "StorageClass"),
        ("/apis/resource.k8s.io/v1/deviceclasses", {"spec": {}}, "DeviceClass"),
    ],
)
async def test_some_kinds_answer_what_was_deleted(
    path: str, body: dict[str, Any], answer: str
) -> None:
    async with world() as w:
        await w.ok("POST", path, {"metadata": {"name": "a"}, **body})
        assert (await w.ok("DELETE", f"{path}/a"))["kind"] == answer


@pytest.mark.anyio
async def test_preconditions_protect_another_object_of_the_same_name() -> None:
    async with world() as w:
        await w.ok("POST", MAPS, config_map("a"))
        for preconditions in ({"uid": "other"}, {"resourceVersion": "1"}):
            refused = await w.ask("DELETE", f"{MAPS}/a", {"preconditions": preconditions})
            assert (refused.status, refused.body["reason"]) == (409, "Conflict")
        await w.ok("GET", f"{MAPS}/a")


@pytest.mark.anyio
async def test_an_object_with_finalizers_waits_until_the_last_is_taken_off() -> None:
    async with world() as w:
        body = config_map("a")
        body["metadata"]["finalizers"] = ["x.io/one"]
        await w.ok("POST", MAPS, body)
        marked = await w.ok("DELETE", f"{MAPS}/a")
        assert marked["metadata"]["deletionTimestamp"]
        again = await w.ok("DELETE", f"{MAPS}/a")
        assert again["metadata"] == marked["metadata"]
        patch = {"metadata": {"finalizers": None}}
        await w.ok("PATCH", f"{MAPS}/a", patch, content_type=MERGE)
        assert (await w.ask("GET", f"{MAPS}/a")).status == 404


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("policy", "finalizers"),
    [("Foreground", ["foregroundDeletion"]), ("Orphan", ["orphan"])],
)
async def test_cascades_leave_their_finalizer_for_the_collector(
    policy: str, finalizers: list[str]
) -> None:
    async with world() as w:
        await w.ok("POST", MAPS, config_map("a"))
        got = await w.ok("DELETE", f"{MAPS}/a", {"propagationPolicy": policy})
        assert got["metadata"]["finalizers"] == finalizers
        assert got["metadata"]["deletionTimestamp"]


@pytest.mark.anyio
async def test_a_bound_pod_waits_for_its_kubelet_and_an_unbound_one_does_not() -> None:
    async with world() as w:
        await w.ok("POST", PODS, pod("free"))
        await w.ok("DELETE", f"{PODS}/free")
        assert (await w.ask("GET", f"{PODS}/free")).status == 404
        await w.ok("POST", PODS, pod("p", "n1"))
        got = await w.ok("DELETE", f"{PODS}/p")
        assert got["metadata"]["deletionGracePeriodSeconds"] == 30
        first = got["metadata"]["deletionTimestamp"]
        assert first.startswith("2026-01-01T00:00:3")
        shorter = await w.ok("DELETE", f"{PODS}/p", {"gracePeriodSeconds": 5})
        assert shorter["metadata"]["deletionGracePeriodSeconds"] == 5
        assert shorter["metadata"]["deletionTimestamp"] < first
        longer = await w.ok("DELETE", f"{PODS}/p", {"gracePeriodSeconds": 60})
        assert longer["metadata"] == shorter["metadata"]
        await w.ok("DELETE", f"{PODS}/p", {"gracePeriodSeconds": 0})
        assert (await w.ask("GET", f"{PODS}/p")).status == 404


@pytest.mark.anyio
async def test_a_namespace_terminates_until_it_is_finalized() -> None:
    async with world() as w:
        space: Any = {"metadata": {"name": "x"}}
        await w.ok("POST", "/api/v1/namespaces", space)
        got = await w.ok("DELETE", "/api/v1/namespaces/x")
        assert got["status"]["phase"] == "Terminating"
        maps = "/api/v1/namespaces/x/configmaps"
        refused = await w.ask("POST", maps, config_map("a"))
        assert refused.status == 403
        assert "because it is being terminated" in refused.body["message"]
        assert refused.body["details"]["causes"][0]["reason"] == "NamespaceTerminating"
        space = await w.ok("GET", "/api/v1/namespaces/x")
        space["spec"]["finalizers"] = []
        await w.ok("PUT", "/api/v1/namespaces/x/finalize", space)
        assert (await w.ask("GET", "/api/v1/namespaces/x")).status == 404
        assert (await w.ask("DELETE", "/api/v1/namespaces/default")).status == 403


@pytest.mark.anyio
async def test_nothing_lands_in_a_namespace_that_terminates_meanwhile() -> None:
    async with world() as w:
        await w.ok("POST", "/api/v1/namespaces", {"metadata": {"name": "x"}})
        statuses: list[int] = []

        async def create(number: int) -> None:
            path = "/api/v1/namespaces/x/configmaps"
            statuses.append((await w.ask("POST", path, config_map(f"c{number}"))).status)

        async with anyio.create_task_group() as tasks:
            for number in range(5):
                tasks.start_soon(create, number)
            tasks.start_soon(w.ok, "DELETE", "/api/v1/namespaces/x")
            for number in range(5, 10):
                tasks.start_soon(create, number)
        created = statuses.count(201)
        assert created + statuses.count(403) == 10
        listed = await w.ok("GET", "/api/v1/namespaces/x/configmaps")
        assert len(listed["items"]) == created


@pytest.mark.anyio
async def test_a_collection_is_deleted_by_its_selector() -> None:
    async with world() as w:
        for name, app in (("a", "x"), ("b", "y"), ("c", "x")):
            body = config_map(name)
            body["metadata"]["labels"] = {"app": app}
            await w.ok("POST", MAPS, body)
        gone = await w.ok("DELETE", MAPS, query={"labelSelector": "app=x"})
        assert [item["metadata"]["name"] for item in gone["items"]] == ["a", "c"]
        left = await w.ok("GET", MAPS)
        assert [item["metadata"]["name"] for item in left["items"]] == ["b"]


@pytest.mark.anyio
async def test_an_eviction_respects_the_disruption_budget() -> None:
    async with world() as w:
        for name in ("p", "q"):
            await w.ok("POST", PODS, pod(name, "n1", labels={"app": "x"}))
            status = {
                "status": {
                    "phase": "Running",
                    "conditions": [{"type": "Ready", "status": "True"}],
                }
            }
            await w.ok("PATCH", f"{PODS}/{name}/status", status, content_type=MERGE)
        budget = {
            "metadata": {"name": "b"},
            "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "x"}}},
        }
        await w.ok("POST", "/apis/policy/v1/namespaces/default/poddisruptionbudgets", budget)
        first = await w.ask("POST", f"{PODS}/p/eviction", {"metadata": {"name": "p"}})
        assert first.status == 201
        refused = await w.ask("POST", f"{PODS}/q/eviction", {"metadata": {"name": "q"}})
        assert (refused.status, refused.body["message"]) == (
            429,
            "Cannot evict pod as it would violate the pod's disruption budget.",
        )
        text = refused.body["details"]["causes"][0]["message"]
        assert text == "The disruption budget b needs 1 healthy pods and has 1 currently"
