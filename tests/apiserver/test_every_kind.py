"""Every kind that is served is stored, validated, defaulted, listed, watched and explained."""

from typing import Any

import pytest

from kube_actors.api import BUILTIN, Kind
from tests.apiserver.samples import sample
from tests.apiserver.world import JSON_PATCH, MERGE, STRATEGIC, Events, World, world

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
PARTIAL = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
STORED = [kind for kind in BUILTIN.all() if "watch" in kind.verbs]


def collection(kind: Kind) -> str:
    root = f"/apis/{kind.group}" if kind.group else "/api"
    namespace = "namespaces/default/" if kind.namespaced else ""
    return f"{root}/{kind.version}/{namespace}{kind.plural}"


def every(test: Any) -> Any:
    return pytest.mark.parametrize("kind", STORED, ids=lambda kind: kind.group_resource)(test)


def holds(answered: Any, given: Any, path: str = "") -> list[str]:
    """Return the paths of ``given`` that the answer lost or changed."""
    if isinstance(given, dict) and isinstance(answered, dict):
        return [
            lost
            for key, value in given.items()
            for lost in holds(answered.get(key), value, f"{path}.{key}")
        ]
    if isinstance(given, list) and isinstance(answered, list) and len(given) == len(answered):
        pairs = enumerate(zip(answered, given, strict=True))
        return [lost for at, pair in pairs for lost in holds(*pair, f"{path}[{at}]")]
    return [] if answered == given else [f"{path}: {given!r} became {answered!r}"]


async def made(w: World, kind: Kind) -> dict[str, Any]:
    obj: dict[str, Any] = await w.ok("POST", collection(kind), sample(kind))
    return obj


@pytest.mark.anyio
@every
async def test_a_kind_is_stored_listed_and_printed(kind: Kind) -> None:
    async with world() as w:
        path, given = collection(kind), sample(kind)
        tried = await w.ask(
            "POST", path, given, query={"dryRun": "All", "fieldValidation": "Strict"}
        )
        assert tried.status == 201, tried.body
        name = given["metadata"]["name"]
        assert (await w.ask("GET", f"{path}/{name}")).status == 404
        obj = await made(w, kind)
        assert holds(obj, given) == []
        assert obj["metadata"]["uid"]
        assert await w.ok("GET", f"{path}/{name}") == obj
        again = await w.ask("POST", path, given)
        assert (again.status, again.body["reason"]) == (409, "AlreadyExists")
        listed = await w.ok("GET", path, query={"fieldSelector": f"metadata.name={name}"})
        assert listed["kind"] == kind.list_kind
        assert listed["apiVersion"] == kind.api_version
        assert [item["metadata"]["name"] for item in listed["items"]] == [name]
        table = await w.ok("GET", path, accept=TABLE)
        columns = table["columnDefinitions"]
        assert all(len(row["cells"]) == len(columns) for row in table["rows"])
        assert name in [row["object"]["metadata"]["name"] for row in table["rows"]]
        partial = await w.ok("GET", path, accept=PARTIAL)
        assert partial["kind"] == "PartialObjectMetadataList"


@pytest.mark.anyio
@every
async def test_a_kind_is_watched_changed_and_deleted(kind: Kind) -> None:
    async with world() as w:
        path, name = collection(kind), sample(kind)["metadata"]["name"]
        revision = (await w.ok("GET", path))["metadata"]["resourceVersion"]
        one = f"{path}/{name}"
        query = {"resourceVersion": revision, "fieldSelector": f"metadata.name={name}"}
        async with w.watch(path, query) as stream:
            events = Events(stream)
            obj = await made(w, kind)
            assert await events.next() == ("ADDED", obj)
            add = {"op": "add", "path": "/metadata/labels", "value": {"a": "1"}}
            edits: list[tuple[str, Any]] = [
                (JSON_PATCH, [add]),
                (MERGE, {"metadata": {"labels": {"b": "2"}}}),
                (STRATEGIC, {"metadata": {"labels": {"c": "3", "a": None}}}),
            ]
            for content_type, edit in edits:
                patched = await w.ok("PATCH", one, edit, content_type=content_type)
                assert await events.next() == ("MODIFIED", patched)
            assert patched["metadata"]["labels"].items() >= {"b": "2", "c": "3"}.items()
            new = {**patched, "metadata": {**patched["metadata"], "annotations": {"x": "y"}}}
            updated = await w.ok("PUT", one, new)
            assert updated["metadata"]["annotations"] == {"x": "y"}
            assert await events.next() == ("MODIFIED", updated)
            stale = await w.ask("PUT", one, obj)
            assert (stale.status, stale.body["reason"]) == (409, "Conflict")
            listed = await w.ok("GET", path, query={"labelSelector": "b=2,c in (3),!a"})
            assert [item["metadata"]["name"] for item in listed["items"]] == [name]
            await w.ok("DELETE", one, query={"dryRun": "All"})
            assert await w.ok("GET", one) == updated
            held = {"metadata": {"finalizers": ["example.com/wait"]}}
            await w.ok("PATCH", one, held, content_type=MERGE)
            await events.next()
            await w.ok("DELETE", one)
            kind_of_event, marked = await events.next()
            assert kind_of_event == "MODIFIED"
            assert marked["metadata"]["deletionTimestamp"]
            free = {"metadata": {"finalizers": None}}
            if kind.kind != "Namespace":
                await w.ok("PATCH", one, free, content_type=MERGE)
                kind_of_event, gone = await events.next()
                assert (kind_of_event, gone["metadata"]["uid"]) == (
                    "DELETED",
                    obj["metadata"]["uid"],
                )
                assert (await w.ask("GET", one)).status == 404


@pytest.mark.anyio
@every
async def test_a_kind_refuses_what_is_no_valid_object_of_it(kind: Kind) -> None:
    async with world() as w:
        path, given = collection(kind), sample(kind)
        before = (await w.ok("GET", path))["items"]

        async def refused(obj: Any, **query: str) -> Any:
            answered = await w.ask("POST", path, obj, query=query)
            assert (await w.ok("GET", path))["items"] == before
            return answered

        unknown = await refused({**given, "surprise": 1}, fieldValidation="Strict")
        assert unknown.status == 400
        assert 'strict decoding error: unknown field "surprise"' in unknown.body["message"]
        metadata = given["metadata"]
        nameless = await refused({**given, "metadata": {}})
        assert nameless.status == 422
        fields = [cause["field"] for cause in nameless.body["details"]["causes"]]
        assert "metadata.name" in fields
        badly = await refused({**given, "metadata": {**metadata, "name": "Not/A_Name"}})
        assert (badly.status, badly.body["reason"]) == (422, "Invalid")
        label = await refused({**given, "metadata": {**metadata, "labels": {"a b": "c"}}})
        assert label.body["details"]["causes"][0]["field"] == "metadata.labels"
        typed = await refused({**given, "metadata": {**metadata, "labels": ["a"]}})
        assert (typed.status, typed.body["reason"]) == (400, "BadRequest")
        other = await refused({**given, "kind": "Other"})
        assert other.status == 400
        if "spec" in given:
            wrong = await refused({**given, "spec": "text"})
            assert wrong.status == 400
            assert "cannot unmarshal string into Go struct field" in wrong.body["message"]


@pytest.mark.anyio
@pytest.mark.parametrize(
    "kind", [kind for kind in STORED if kind.has_status], ids=lambda kind: kind.group_resource
)
async def test_a_status_is_changed_only_through_its_subresource(kind: Kind) -> None:
    async with world() as w:
        obj = await made(w, kind)
        one = f"{collection(kind)}/{obj['metadata']['name']}"
        condition = {
            "type": "Tested",
            "status": "True",
            "reason": "Testing",
            "message": "",
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        }
        edit = {"status": {"conditions": [condition]}}
        if kind.kind in ("PodDisruptionBudget",):
            edit["status"].update(  # type: ignore[call-overload]
                currentHealthy=1, desiredHealthy=1, disruptionsAllowed=0, expectedPods=1
            )
        through_main = await w.ok("PATCH", one, edit, content_type=MERGE)
        if kind.kind != "Node":
            assert through_main.get("status") == obj.get("status")
        await w.ok("PATCH", f"{one}/status", edit, content_type=MERGE)
        stored = await w.ok("GET", f"{one}/status")
        assert stored.get("spec") == obj.get("spec")


@pytest.mark.anyio
@pytest.mark.parametrize(
    "kind", BUILTIN.all(), ids=lambda kind: f"{kind.group_resource}/{kind.version}"
)
async def test_a_kind_is_explained(kind: Kind) -> None:
    async with world() as w:
        root = f"apis/{kind.group}/{kind.version}" if kind.group else "api/v1"
        document = await w.ok("GET", f"/openapi/v3/{root}")
        named = {"group": kind.group, "version": kind.version, "kind": kind.kind}
        schemas = [
            schema
            for schema in document["components"]["schemas"].values()
            if named in schema.get("x-kubernetes-group-version-kind", ())
        ]
        assert len(schemas) == 1
        assert {"apiVersion", "kind", "metadata"} <= set(schemas[0]["properties"]) or not kind.verbs
        resources = (await w.ok("GET", f"/{root}"))["resources"]
        listed = {each["name"]: each for each in resources}[kind.plural]
        assert (listed["kind"], listed["namespaced"]) == (kind.kind, kind.namespaced)
        assert set(listed["verbs"]) == set(kind.verbs)
