"""Requests that Kubernetes refuses: each with its status, reason and cause, and nothing changed."""

from typing import Any

import pytest

from kube_actors.api import BUILTIN
from tests.apiserver.samples import sample
from tests.apiserver.test_every_kind import collection
from tests.apiserver.world import JSON_PATCH, MERGE, STRATEGIC, config_map, pod, world

MAPS = "/api/v1/namespaces/default/configmaps"
PODS = "/api/v1/namespaces/default/pods"
APPS = "/apis/apps/v1/namespaces/default/deployments"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("path", "query", "status", "text"),
    [
        (MAPS, {"limit": "abc"}, 400, 'strconv.ParseInt: parsing "abc": invalid syntax'),
        (MAPS, {"limit": "9" * 20}, 400, "value out of range"),
        (MAPS, {"timeoutSeconds": "x"}, 400, 'strconv.ParseInt: parsing "x": invalid syntax'),
        (MAPS, {"continue": "%%"}, 400, "continue key is not valid"),
        (MAPS, {"resourceVersion": "-1"}, 400, 'parsing "-1": invalid syntax'),
        (
            MAPS,
            {"resourceVersionMatch": "Exact"},
            422,
            "resourceVersionMatch is forbidden unless resourceVersion is provided",
        ),
        (
            MAPS,
            {"resourceVersionMatch": "Some", "resourceVersion": "1"},
            422,
            'Unsupported value: "Some": supported values: "Exact", "NotOlderThan", ""',
        ),
        (
            MAPS,
            {"resourceVersionMatch": "Exact", "resourceVersion": "0"},
            422,
            'resourceVersionMatch "exact" is forbidden for resourceVersion "0"',
        ),
        (MAPS, {"sendInitialEvents": "true"}, 422, "sendInitialEvents is forbidden for list"),
        (MAPS, {"labelSelector": "a b"}, 400, "unable to parse requirement: found 'b'"),
        (MAPS, {"fieldSelector": "a"}, 400, "invalid selector: 'a'; can't understand 'a'"),
        (PODS, {"fieldSelector": "spec.x=1"}, 400, "field label not supported: spec.x"),
        (f"{PODS}/p/log", {"tailLines": "-1"}, 422, "tailLines: Invalid value: -1"),
        (f"{PODS}/p/log", {"limitBytes": "0"}, 422, "limitBytes: Invalid value: 0"),
        (f"{PODS}/p/log", {"sinceSeconds": "0"}, 422, "sinceSeconds: Invalid value: 0"),
        (f"{PODS}/p/log", {"container": "x"}, 400, "container x is not valid for pod p"),
    ],
)
async def test_a_read_with_a_bad_query_is_refused(
    path: str, query: dict[str, str], status: int, text: str
) -> None:
    async with world() as w:
        await w.ok("POST", PODS, pod("p"))
        got = await w.ask("GET", path, query=query)
        assert (got.status, text in got.body["message"]) == (status, True), got.body


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("method", "body", "query", "status", "text"),
    [
        ("DELETE", {"gracePeriodSeconds": "x"}, {}, 400, "cannot unmarshal string"),
        ("DELETE", {"preconditions": 5}, {}, 400, "cannot unmarshal number"),
        ("DELETE", [], {}, 400, "DeleteOptions"),
        ("DELETE", {"kind": "Pod"}, {}, 400, "Pod in version"),
        ("DELETE", {"dryRun": ["Some"]}, {}, 422, 'dryRun: Unsupported value: ["Some"]'),
        ("DELETE", None, {"dryRun": "Some"}, 422, 'DeleteOptions.meta.k8s.io "" is invalid'),
        ("DELETE", {"propagationPolicy": "Some"}, {}, 422, 'Unsupported value: "Some"'),
        ("DELETE", None, {"gracePeriodSeconds": "x"}, 400, "strconv.ParseInt"),
        ("DELETE", {"preconditions": {"uid": "u"}}, {}, 409, "UID in precondition: u"),
        ("DELETE", {"preconditions": {"resourceVersion": "1"}}, {}, 409, "ResourceVersion in"),
        ("PUT", config_map("b"), {}, 400, "does not match the name on the URL"),
        ("PUT", config_map("a"), {"dryRun": "Some"}, 422, 'UpdateOptions.meta.k8s.io "" is'),
        ("PUT", {"metadata": {"name": "a", "namespace": "b"}}, {}, 400, "does not match the"),
        ("PUT", {"metadata": {"name": "a", "uid": "u"}}, {}, 409, "UID in precondition: u"),
        ("PUT", {"metadata": {"name": "a", "resourceVersion": "1"}}, {}, 409, "been modified"),
        ("PUT", {"kind": "Secret", "metadata": {"name": "a"}}, {}, 400, "unknown conversion"),
        ("PUT", {"kind": "Nothing", "metadata": {"name": "a"}}, {}, 400, 'no kind "Nothing" is'),
        ("PUT", {"data": {"k": 1}}, {}, 400, "cannot unmarshal number"),
    ],
)
async def test_a_write_with_bad_options_changes_nothing(
    method: str, body: Any, query: dict[str, str], status: int, text: str
) -> None:
    async with world() as w:
        made = await w.ok("POST", MAPS, config_map("a", k="v"))
        got = await w.ask(method, f"{MAPS}/a", body, query=query)
        assert (got.status, text in got.body["message"]) == (status, True), got.body
        assert await w.ok("GET", f"{MAPS}/a") == made


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("content_type", "patch", "status", "text"),
    [
        (JSON_PATCH, b"{", 400, "error decoding patch"),
        (JSON_PATCH, {}, 400, ""),
        (JSON_PATCH, [{"op": "grow", "path": "/a"}], 400, ""),
        (JSON_PATCH, [{"op": "remove", "path": "/nope"}], 422, ""),
        (JSON_PATCH, [{"op": "test", "path": "/data/k", "value": "w"}], 422, ""),
        (JSON_PATCH, [{"op": "replace", "path": "/metadata/name", "value": "b"}], 400, ""),
        (JSON_PATCH, [{"op": "replace", "path": "/kind", "value": "Secret"}], 400, ""),
        (JSON_PATCH, [{"op": "remove", "path": "/metadata"}], 400, ""),
        (JSON_PATCH, [{"op": "replace", "path": "", "value": []}], 400, ""),
        (MERGE, b"[]", 400, ""),
        (MERGE, b'"x"', 400, ""),
        (MERGE, {"data": {"k": 1}}, 400, "cannot unmarshal number"),
        (MERGE, {"metadata": None}, 400, ""),
        (MERGE, {"metadata": {"labels": {"a b": "c"}}}, 422, "metadata.labels"),
        (MERGE, {"metadata": {"resourceVersion": "1"}}, 409, "been modified"),
        (MERGE, {"metadata": {"uid": "u"}}, 409, "UID in precondition"),
        (MERGE, {"metadata": {"namespace": "b"}}, 400, "does not match"),
        (STRATEGIC, [], 400, ""),
        (STRATEGIC, {"data": {"$patch": "grow"}}, 400, ""),
        ("text/plain", {}, 415, "unknown format"),
        ("application/json", {}, 415, "unknown format"),
    ],
)
async def test_a_bad_patch_changes_nothing(
    content_type: str, patch: Any, status: int, text: str
) -> None:
    async with world() as w:
        made = await w.ok("POST", MAPS, config_map("a", k="v"))
        got = await w.ask("PATCH", f"{MAPS}/a", patch, content_type=content_type)
        assert (got.status, text in got.body["message"]) == (status, True), got.body
        assert await w.ok("GET", f"{MAPS}/a") == made


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "eviction", {"deleteOptions": 5}, 400),
        ("POST", "eviction", {"deleteOptions": {"gracePeriodSeconds": "x"}}, 400),
        ("POST", "eviction", {"metadata": {"name": "q"}}, 400),
        ("POST", "eviction", [], 400),
        ("POST", "binding", {"target": "x"}, 400),
        ("POST", "binding", {"target": {}}, 422),
        ("POST", "binding", {"target": {"name": "n"}, "metadata": {"name": "q"}}, 400),
        ("POST", "binding", [], 400),
        ("PATCH", "", {}, 415),
        ("PATCH", "nope", {}, 404),
        ("PUT", "binding", {}, 405),
        ("DELETE", "status", None, 405),
        ("POST", "log", {}, 405),
    ],
)
async def test_a_bad_request_to_a_subresource_changes_nothing(
    method: str, path: str, body: Any, status: int
) -> None:
    async with world() as w:
        made = await w.ok("POST", PODS, pod("p"))
        got = await w.ask(method, f"{PODS}/p/{path}".rstrip("/"), body)
        assert got.status == status, got.body
        assert await w.ok("GET", f"{PODS}/p") == made


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("method", "body", "query", "content_type", "status", "text"),
    [
        ("PATCH", {"spec": "x"}, {}, MERGE, 400, "cannot unmarshal string"),
        ("PATCH", {"spec": {"replicas": "x"}}, {}, MERGE, 400, "cannot unmarshal string"),
        ("PATCH", {"spec": {"replicas": -1}}, {}, MERGE, 422, "spec.replicas"),
        ("PATCH", [{"op": "remove", "path": ""}], {}, JSON_PATCH, 400, ""),
        ("PATCH", {}, {"force": "true"}, MERGE, 422, "force: Forbidden"),
        ("PATCH", {}, {"fieldManager": "x" * 129}, MERGE, 422, "fieldManager: Too long"),
        ("PUT", {"metadata": {"name": "other"}}, {}, "application/json", 400, "on the URL"),
        ("PUT", {"spec": 1}, {}, "application/json", 400, "cannot unmarshal number"),
    ],
)
async def test_a_bad_scale_changes_nothing(
    method: str, body: Any, query: dict[str, str], content_type: str, status: int, text: str
) -> None:
    async with world() as w:
        made = await w.ok("POST", APPS, sample(BUILTIN.find("deployments")))
        path = f"{APPS}/web/scale"
        got = await w.ask(method, path, body, query=query, content_type=content_type)
        assert (got.status, text in got.body["message"]) == (status, True), got.body
        assert await w.ok("GET", f"{APPS}/web") == made


@pytest.mark.anyio
async def test_a_finalizer_says_whose_it_is() -> None:
    async with world() as w:
        for name, status in (("mine", 422), ("orphan", 201), ("example.com/mine", 201)):
            obj = {"metadata": {"generateName": "a", "finalizers": [name]}}
            assert (await w.ask("POST", MAPS, obj)).status == status, name


@pytest.mark.anyio
async def test_a_local_review_is_about_its_own_namespace() -> None:
    async with world() as w:
        path = "/apis/authorization.k8s.io/v1/namespaces/default/localsubjectaccessreviews"
        asked = {"namespace": "other", "verb": "get", "resource": "pods"}
        got = await w.ask("POST", path, {"spec": {"user": "x", "resourceAttributes": asked}})
        assert (got.status, got.body["reason"]) == (422, "Invalid")
        asked["namespace"] = "default"
        assert await w.ok("POST", path, {"spec": {"user": "x", "resourceAttributes": asked}})


@pytest.mark.anyio
async def test_a_deletion_that_is_dry_in_its_body_deletes_nothing() -> None:
    async with world() as w:
        made = await w.ok("POST", PODS, pod("p"))
        await w.ok("DELETE", f"{PODS}/p", {"dryRun": ["All"]})
        await w.ok("DELETE", PODS, {"dryRun": ["All"]})
        await w.ok("POST", f"{PODS}/p/eviction", {"deleteOptions": {"dryRun": ["All"]}})
        assert await w.ok("GET", f"{PODS}/p") == made


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("kind", "edit", "field"),
    [
        ("deployments", {"spec": {"selector": {"matchLabels": {"a": "b"}}}}, "spec.selector"),
        ("statefulsets", {"spec": {"serviceName": "other"}}, "spec"),
        ("jobs", {"spec": {"completions": 3}}, "spec.completions"),
        ("pods", {"spec": {"nodeName": "n1"}}, "spec"),
        ("services", {"spec": {"clusterIP": "127.96.0.99"}}, "spec.clusterIPs[0]"),
        ("persistentvolumeclaims", {"spec": {"volumeName": None, "volumeMode": "Block"}}, "spec"),
        ("rolebindings", {"roleRef": {"name": "other"}}, "roleRef"),
        ("storageclasses", {"provisioner": "a.b/other"}, "provisioner"),
        ("priorityclasses", {"value": 7}, "value"),
        ("ingressclasses", {"spec": {"controller": "a.b/other"}}, "spec.controller"),
        ("controllerrevisions", {"data": {"x": 1}}, "data"),
        ("endpointslices", {"addressType": "IPv6"}, "addressType"),
        ("runtimeclasses", {"handler": "other"}, "handler"),
        ("configmaps", {"metadata": {"creationTimestamp": "2020-01-01T00:00:00Z"}}, ""),
        ("secrets", {"type": "other"}, "type"),
        ("volumeattachments", {"spec": {"nodeName": "other"}}, "spec"),
        ("resourceclaims", {"spec": {"devices": {"requests": None}}}, "spec"),
        ("csidrivers", {"spec": {"attachRequired": True}}, "spec.attachRequired"),
    ],
)
async def test_what_may_never_change_is_named(kind: str, edit: Any, field: str) -> None:
    async with world() as w:
        found = BUILTIN.find(kind)
        path = collection(found)
        made = await w.ok("POST", path, sample(found))
        one = f"{path}/{made['metadata']['name']}"
        if not field:
            changed = await w.ok("PATCH", one, edit, content_type=MERGE)
            assert changed == made
            return
        got = await w.ask("PATCH", one, edit, content_type=MERGE)
        assert (got.status, got.body["reason"]) == (422, "Invalid"), got.body
        assert field in [cause["field"] for cause in got.body["details"]["causes"]], got.body
        assert await w.ok("GET", one) == made
