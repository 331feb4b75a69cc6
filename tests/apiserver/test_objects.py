"""Creating, reading, changing objects over the channel door, as Kubernetes answers it."""

from typing import Any

import pytest

from tests.apiserver.world import (
    JSON_PATCH,
    MERGE,
    STRATEGIC,
    config_map,
    pod,
    world,
)

MAPS = "/api/v1/namespaces/default/configmaps"
PODS = "/api/v1/namespaces/default/pods"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"


def deployment(name: str, replicas: int = 2) -> dict[str, Any]:
    template = {
        "metadata": {"labels": {"app": name}},
        "spec": {"containers": [{"name": "c", "image": "web:1"}]},
    }
    spec = {
        "replicas": replicas,
        "selector": {"matchLabels": {"app": name}},
        "template": template,
    }
    return {"metadata": {"name": name}, "spec": spec}


@pytest.mark.anyio
async def test_a_created_object_has_identity_and_is_read_back_as_answered() -> None:
    async with world() as w:
        made = await w.ask("POST", MAPS, config_map("a", k="v"))
        assert made.status == 201
        metadata = made.body["metadata"]
        assert made.body["kind"] == "ConfigMap"
        assert metadata["namespace"] == "default"
        assert metadata["uid"]
        assert metadata["creationTimestamp"].startswith("2026-01-01T00:00:0")
        assert int(metadata["resourceVersion"]) > 1
        assert await w.ok("GET", f"{MAPS}/a") == made.body


@pytest.mark.anyio
async def test_what_exists_is_not_created_again_and_what_is_absent_is_not_found() -> None:
    async with world() as w:
        await w.ok("POST", MAPS, config_map("a"))
        again = await w.ask("POST", MAPS, config_map("a"))
        assert (again.status, again.body["reason"]) == (409, "AlreadyExists")
        assert again.body["message"] == 'configmaps "a" already exists'
        missing = await w.ask("GET", f"{MAPS}/b")
        assert missing.status == 404
        assert missing.body["details"] == {"name": "b", "kind": "configmaps"}
        nowhere = await w.ask("POST", "/api/v1/namespaces/nope/configmaps", config_map("a"))
        assert (nowhere.status, nowhere.body["message"]) == (404, 'namespaces "nope" not found')


@pytest.mark.anyio
async def test_a_generated_name_keeps_its_base() -> None:
    async with world() as w:
        body = {"metadata": {"generateName": "web-"}}
        names = {(await w.ok("POST", MAPS, body))["metadata"]["name"] for _ in range(3)}
        assert len(names) == 3
        assert all(name.startswith("web-") and len(name) == 9 for name in names)


@pytest.mark.anyio
async def test_an_update_from_an_old_state_is_a_conflict_and_changes_nothing() -> None:
    async with world() as w:
        old = await w.ok("POST", MAPS, config_map("a", k="1"))
        new = await w.ok("PUT", f"{MAPS}/a", {**old, "data": {"k": "2"}})
        stale = await w.ask("PUT", f"{MAPS}/a", {**old, "data": {"k": "3"}})
        assert (stale.status, stale.body["reason"]) == (409, "Conflict")
        assert await w.ok("GET", f"{MAPS}/a") == new
        forced = await w.ok("PUT", f"{MAPS}/a", config_map("a", k="4"))
        assert forced["data"] == {"k": "4"}


@pytest.mark.anyio
async def test_an_update_that_changes_nothing_keeps_the_resource_version() -> None:
    async with world() as w:
        old = await w.ok("POST", MAPS, config_map("a", k="1"))
        assert await w.ok("PUT", f"{MAPS}/a", old) == old
        patch = {"data": {"k": "1"}}
        assert await w.ok("PATCH", f"{MAPS}/a", patch, content_type=MERGE) == old


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("content_type", "patch"),
    [
        (MERGE, {"data": {"b": "2", "a": None}}),
        (STRATEGIC, {"data": {"b": "2", "a": None}}),
        (JSON_PATCH, [{"op": "move", "from": "/data/a", "path": "/data/b"}]),
    ],
)
async def test_every_kind_of_patch_edits_the_stored_object(content_type: str, patch: Any) -> None:
    async with world() as w:
        await w.ok("POST", MAPS, config_map("a", a="2"))
        got = await w.ok("PATCH", f"{MAPS}/a", patch, content_type=content_type)
        assert got["data"] == {"b": "2"}


@pytest.mark.anyio
async def test_server_side_apply_is_refused_by_name() -> None:
    async with world() as w:
        kind = "application/apply-patch+yaml"
        got = await w.ask("PATCH", f"{MAPS}/a", config_map("a"), content_type=kind)
        assert got.status == 415
        assert "server-side apply is not served yet" in got.body["message"]


@pytest.mark.anyio
async def test_generation_counts_changes_of_the_spec_and_status_changes_alone() -> None:
    async with world() as w:
        made = await w.ok("POST", DEPLOYMENTS, deployment("web"))
        assert made["metadata"]["generation"] == 1
        patch = {"spec": {"replicas": 3}}
        got = await w.ok("PATCH", f"{DEPLOYMENTS}/web", patch, content_type=MERGE)
        assert got["metadata"]["generation"] == 2
        status = {"status": {"observedGeneration": 2}, "spec": {"replicas": 9}}
        path = f"{DEPLOYMENTS}/web/status"
        got = await w.ok("PATCH", path, status, content_type=MERGE)
        assert got["status"]["observedGeneration"] == 2
        assert (got["spec"]["replicas"], got["metadata"]["generation"]) == (3, 2)
        back = await w.ok("PUT", f"{DEPLOYMENTS}/web", {**got, "status": {}})
        assert back["status"]["observedGeneration"] == 2


@pytest.mark.anyio
async def test_the_scale_of_a_deployment_is_read_and_set() -> None:
    async with world() as w:
        await w.ok("POST", DEPLOYMENTS, deployment("web"))
        path = f"{DEPLOYMENTS}/web/scale"
        scale = await w.ok("GET", path)
        assert (scale["kind"], scale["spec"]) == ("Scale", {"replicas": 2})
        assert scale["status"]["selector"] == "app=web"
        await w.ok("PUT", path, {**scale, "spec": {"replicas": 5}})
        assert (await w.ok("GET", f"{DEPLOYMENTS}/web"))["spec"]["replicas"] == 5
        bad = await w.ask("PATCH", path, {"spec": {"replicas": -1}}, content_type=MERGE)
        assert bad.status == 422


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        (b"{", 400, "json"),
        (b"[]", 400, "cannot unmarshal array"),
        (b'{"kind": "Pod", "metadata": {"name": "a"}}', 400, "cannot be handled"),
        (b'{"metadata": {"name": "A_b"}}', 422, "RFC 1123"),
        (b'{"metadata": {"name": "a"}, "data": {"k": 1}}', 400, "cannot unmarshal"),
        (b'{"metadata": {"name": "a", "namespace": "other"}}', 400, "does not match"),
        (b'{"metadata": {"name": "a", "resourceVersion": "3"}}', 400, "should not be set"),
        (b'{"metadata": {}}', 422, "name or generateName is required"),
        (b'{"metadata": {"name": "a"}, "x": 1}', 400, 'unknown field "x"'),
        (b'{"metadata": {"name": "a", "name": "a"}}', 400, 'duplicate field "metadata.name"'),
    ],
)
async def test_bad_input_is_refused_and_changes_nothing(
    body: bytes, status: int, text: str
) -> None:
    async with world() as w:
        got = await w.ask("POST", MAPS, body, query={"fieldValidation": "Strict"})
        assert (got.status, text in got.body["message"]) == (status, True), got.body
        assert (await w.ok("GET", MAPS))["items"] == []


@pytest.mark.anyio
async def test_unknown_fields_are_warned_of_or_ignored_as_asked() -> None:
    async with world() as w:
        body = {**config_map("a"), "x": 1}
        warned = await w.ask("POST", MAPS, body, query={"fieldValidation": "Warn"})
        assert (warned.status, warned.warnings) == (201, ('unknown field "x"',))
        body = {**config_map("b"), "x": 1}
        ignored = await w.ask("POST", MAPS, body, query={"fieldValidation": "Ignore"})
        assert (ignored.status, ignored.warnings) == (201, ())
        assert "x" not in ignored.body


@pytest.mark.anyio
async def test_a_dry_run_answers_as_if_and_stores_nothing() -> None:
    async with world() as w:
        dry = {"dryRun": "All"}
        made = await w.ask("POST", MAPS, config_map("a"), query=dry)
        assert made.status == 201
        assert "resourceVersion" not in made.body["metadata"]
        assert (await w.ask("GET", f"{MAPS}/a")).status == 404
        old = await w.ok("POST", MAPS, config_map("a", k="1"))
        assert (await w.ask("POST", MAPS, config_map("a"), query=dry)).status == 409
        new = await w.ok("PUT", f"{MAPS}/a", config_map("a", k="2"), query=dry)
        assert new["data"] == {"k": "2"}
        await w.ok("DELETE", f"{MAPS}/a", query=dry)
        assert await w.ok("GET", f"{MAPS}/a") == old


@pytest.mark.anyio
async def test_a_body_over_the_limit_is_413() -> None:
    async with world(body_bytes_max=1000) as w:
        got = await w.ask("POST", MAPS, config_map("a", k="v" * 1000))
        assert (got.status, got.body["reason"]) == (413, "RequestEntityTooLarge")


@pytest.mark.anyio
async def test_yaml_goes_in_and_protobuf_that_is_none_is_refused() -> None:
    async with world() as w:
        body = b"metadata: {name: a}\ndata: {k: 'yes'}\n"
        got = await w.ask("POST", MAPS, body, content_type="application/yaml")
        assert (got.status, got.body["data"]) == (201, {"k": "yes"})
        kind = "application/vnd.kubernetes.protobuf"
        assert (await w.ask("POST", MAPS, body, content_type=kind)).status == 400
        assert (await w.ask("POST", MAPS, body, content_type="text/csv")).status == 415
        assert (await w.ask("GET", MAPS, accept=kind)).status == 406


@pytest.mark.anyio
async def test_a_pod_is_admitted_with_account_priority_and_tolerations() -> None:
    async with world(toleration_s=5) as w:
        got = await w.ok("POST", PODS, pod("p"))
        assert got["spec"]["serviceAccountName"] == "default"
        assert got["spec"]["priority"] == 0
        assert [t["tolerationSeconds"] for t in got["spec"]["tolerations"]] == [5, 5]
        assert got["status"]["phase"] == "Pending"
        body = pod("q")
        body["spec"]["priorityClassName"] = "none"
        refused = await w.ask("POST", PODS, body)
        assert refused.status == 403
        assert "no PriorityClass with name none was found" in refused.body["message"]
        body["spec"]["priorityClassName"] = "system-node-critical"
        assert (await w.ok("POST", PODS, body))["spec"]["priority"] == 2000001000


@pytest.mark.anyio
async def test_events_of_both_groups_are_the_same_objects() -> None:
    async with world() as w:
        event = {
            "metadata": {"name": "e"},
            "regarding": {"kind": "Pod", "name": "p", "namespace": "default"},
            "note": "hello",
            "reason": "Started",
            "type": "Normal",
            "action": "Start",
            "reportingController": "kubelet",
            "reportingInstance": "n1",
            "eventTime": "2026-01-01T00:00:00.000000Z",
        }
        await w.ok("POST", "/apis/events.k8s.io/v1/namespaces/default/events", event)
        core = await w.ok("GET", "/api/v1/namespaces/default/events/e")
        assert (core["message"], core["involvedObject"]["name"]) == ("hello", "p")
        listed = await w.ok(
            "GET",
            "/api/v1/events",
            query={"fieldSelector": "involvedObject.name=p,reason=Started"},
        )
        assert [item["metadata"]["name"] for item in listed["items"]] == ["e"]
        new = "/apis/events.k8s.io/v1/events"
        listed = await w.ok("GET", new, query={"fieldSelector": "regarding.name=p"})
        assert [item["note"] for item in listed["items"]] == ["hello"]
        other = await w.ok("GET", new, query={"fieldSelector": "regarding.name=q"})
        assert other["items"] == []


@pytest.mark.anyio
async def test_a_pod_is_bound_once() -> None:
    async with world() as w:
        await w.ok("POST", PODS, pod("p"))
        binding = {"metadata": {"name": "p"}, "target": {"kind": "Node", "name": "n1"}}
        assert (await w.ask("POST", f"{PODS}/p/binding", binding)).status == 201
        got = await w.ok("GET", f"{PODS}/p")
        assert got["spec"]["nodeName"] == "n1"
        assert got["status"]["conditions"][0]["type"] == "PodScheduled"
        again = await w.ask("POST", f"{PODS}/p/binding", binding)
        assert again.status == 409
        assert 'already assigned to node "n1"' in again.body["message"]
        await w.ok("POST", PODS, pod("q"))
        alone = {**binding, "metadata": {"name": "q"}}
        await w.ok("POST", "/api/v1/namespaces/default/bindings", alone)
        assert (await w.ok("GET", f"{PODS}/q"))["spec"]["nodeName"] == "n1"


@pytest.mark.anyio
async def test_paths_and_verbs_that_are_not_served() -> None:
    async with world() as w:
        for method, path, status in (
            ("GET", "/apis/apps/v1/widgets", 404),
            ("GET", "/apis/nope/v1", 404),
            ("GET", "/nope", 404),
            ("POST", "/api/v1/pods", 405),
            ("POST", "/api/v1/namespaces/default/pods/p", 405),
            ("PUT", MAPS, 405),
            ("GET", f"{PODS}/p/nope", 404),
            ("GET", "/api/v1/namespaces/default/nodes", 404),
            ("DELETE", "/api/v1/namespaces", 405),
        ):
            body: Any = {} if method != "GET" else None
            assert (await w.ask(method, path, body)).status == status, (method, path)
