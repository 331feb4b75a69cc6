"""OpenAPI documents hold what kubectl reads from them."""

import json
from typing import Any

import pytest

from kube_actors.api import BUILTIN
from kube_actors.api.openapi import documents as openapi
from tests.api.test_discovery import WIDGET

GROUP_VERSIONS = [(group.name, v) for group in BUILTIN.groups() for v in group.versions]


def document(group: str, version: str, kinds: Any = BUILTIN) -> dict[str, Any]:
    body = openapi.document(kinds, group, version)
    assert body is not None
    found: dict[str, Any] = json.loads(body)
    return found


def references(value: Any) -> set[str]:
    if isinstance(value, dict):
        found = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return found.union(*(references(child) for child in value.values()))
    if isinstance(value, list):
        return set().union(*(references(child) for child in value))
    return set()


@pytest.mark.parametrize(("group", "version"), GROUP_VERSIONS)
def test_every_reference_leads_somewhere(group: str, version: str) -> None:
    found = document(group, version)
    names = {f"#/components/schemas/{name}" for name in found["components"]["schemas"]}
    missing = references(found) - names
    assert missing == set()


@pytest.mark.parametrize(("group", "version"), GROUP_VERSIONS)
def test_every_kind_can_be_explained(group: str, version: str) -> None:
    found = document(group, version)
    identified = [
        each
        for schema in found["components"]["schemas"].values()
        for each in schema.get("x-kubernetes-group-version-kind", [])
    ]
    for kind in BUILTIN.in_group_version(group, version):
        assert {"group": group, "version": version, "kind": kind.kind} in identified


@pytest.mark.parametrize(("group", "version"), GROUP_VERSIONS)
def test_every_patch_knows_field_validation_and_dry_run(group: str, version: str) -> None:
    operations = [
        operations["patch"]
        for path, operations in document(group, version)["paths"].items()
        if "patch" in operations and not path.endswith("/proxy")
    ]
    for operation in operations:
        names = {parameter["name"] for parameter in operation["parameters"]}
        assert {"fieldValidation", "dryRun"} <= names
        content = operation["requestBody"]["content"]
        assert "application/strategic-merge-patch+json" in content


@pytest.mark.parametrize(("group", "version"), GROUP_VERSIONS)
def test_operations_have_names_of_their_own(group: str, version: str) -> None:
    names = [
        operation["operationId"]
        for operations in document(group, version)["paths"].values()
        for method, operation in operations.items()
        if method != "parameters"
    ]
    assert len(names) == len(set(names))


def test_the_index_names_every_document_and_its_hash() -> None:
    index = openapi.index(BUILTIN)["paths"]
    assert len(index) == len(GROUP_VERSIONS)
    url = index["apis/apps/v1"]["serverRelativeURL"]
    assert url.startswith("/openapi/v3/apis/apps/v1?hash=")
    assert openapi.index(BUILTIN) == openapi.index(BUILTIN)


def test_an_unserved_version_has_no_document() -> None:
    assert openapi.document(BUILTIN, "apps", "v1beta1") is None


def test_merge_keys_reach_the_client() -> None:
    schemas = document("", "v1")["components"]["schemas"]
    containers = schemas["io.k8s.api.core.v1.PodSpec"]["properties"]["containers"]
    assert containers["x-kubernetes-patch-merge-key"] == "name"
    assert containers["x-kubernetes-patch-strategy"] == "merge"


def test_a_custom_kind_gets_a_document_and_a_new_hash() -> None:
    kinds = BUILTIN.with_kind(WIDGET)
    found = document("example.com", "v1", kinds)
    assert "com.example.v1.Widget" in found["components"]["schemas"]
    assert "/apis/example.com/v1/widgets/{name}/scale" in found["paths"]
    patch = found["paths"]["/apis/example.com/v1/widgets/{name}"]["patch"]
    assert "application/strategic-merge-patch+json" not in patch["requestBody"]["content"]
    assert "apis/example.com/v1" in openapi.index(kinds)["paths"]
    missing = {
        name
        for name in references(found)
        if name.rsplit("/", 1)[1] not in found["components"]["schemas"]
    }
    assert missing == set()
