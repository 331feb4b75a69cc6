"""Decoding: what has the structure of its kind, what is pruned, and what Go's decoder says."""

import copy
from typing import Any

import pytest

from kube_actors.api import BUILTIN, Kind, Object
from kube_actors.api.schema import (
    decoding_error,
    field_warnings,
    strict_error,
    validate_definition,
    validate_structure,
)
from tests.api.objects import VALID, at, valid

POD = BUILTIN.find("pod")
DEPLOYMENT = BUILTIN.find("deployment")
CORE = "io.k8s.api.core.v1."


def errors_of(kind: Kind, obj: Any) -> list[str]:
    return validate_structure(kind, obj).errors


def test_a_clean_object_is_given_back_as_it_is() -> None:
    for name, obj in VALID.items():
        found = validate_structure(BUILTIN.of(obj), obj)
        assert found.obj is obj, name
        assert (found.unknown, found.errors) == ([], [])


def test_unknown_fields_are_pruned_and_named_with_their_whole_path() -> None:
    deployment = at(valid("Deployment"), "spec.foo", 1)
    deployment = at(deployment, "spec.template.spec.containers.0.bar", {"x": 1})
    found = validate_structure(DEPLOYMENT, deployment)
    assert sorted(found.unknown) == ["spec.foo", "spec.template.spec.containers[0].bar"]
    assert found.obj == valid("Deployment")


def test_the_input_is_never_changed() -> None:
    deployment = at(valid("Deployment"), "spec.foo", 1)
    before = copy.deepcopy(deployment)
    validate_structure(DEPLOYMENT, deployment)
    assert deployment == before


def test_what_did_not_change_is_shared() -> None:
    deployment = at(valid("Deployment"), "spec.foo", 1)
    found = validate_structure(DEPLOYMENT, deployment).obj
    assert found["metadata"] is deployment["metadata"]
    assert found["spec"]["template"] is deployment["spec"]["template"]


def test_ignoring_prunes_without_listing() -> None:
    found = validate_structure(POD, at(valid("Pod"), "spec.foo", 1), strict="Ignore")
    assert found.unknown == []
    assert "foo" not in found.obj["spec"]


def test_strict_decoding_lists_what_is_unknown_or_duplicate() -> None:
    error = strict_error(POD, ["spec.foo"], ["metadata.name"])
    assert error is not None
    assert error.code == 400
    assert error.message == (
        'Pod in version "v1" cannot be handled as a Pod: strict decoding error: '
        'duplicate field "metadata.name", unknown field "spec.foo"'
    )
    assert strict_error(POD, []) is None
    assert field_warnings(["spec.foo"]) == ['unknown field "spec.foo"']


GO = "json: cannot unmarshal {} into Go struct field {} of type {}"


@pytest.mark.parametrize(
    ("kind", "path", "value", "expected"),
    [
        ("Deployment", "spec.replicas", "3", ("string", "DeploymentSpec.spec.replicas", "int32")),
        (
            "Deployment",
            "spec.replicas",
            1.5,
            ("number 1.5", "DeploymentSpec.spec.replicas", "int32"),
        ),
        (
            "Deployment",
            "spec.replicas",
            3_000_000_000,
            ("number 3000000000", "DeploymentSpec.spec.replicas", "int32"),
        ),
        ("Deployment", "spec.paused", "yes", ("string", "DeploymentSpec.spec.paused", "bool")),
        ("Deployment", "spec", [], ("array", "Deployment.spec", "v1.DeploymentSpec")),
        ("Pod", "metadata.labels.a", 1, ("number", "ObjectMeta.metadata.labels", "string")),
        ("Pod", "metadata.labels.a", True, ("bool", "ObjectMeta.metadata.labels", "string")),
        (
            "Pod",
            "metadata.labels",
            "a",
            ("string", "ObjectMeta.metadata.labels", "map[string]string"),
        ),
        ("Pod", "spec.containers", "a", ("string", "PodSpec.spec.containers", "[]v1.Container")),
        (
            "Pod",
            "spec.containers.0.env",
            [{"name": "A", "value": 1}],
            ("number", "EnvVar.spec.containers.env.value", "string"),
        ),
        (
            "Pod",
            "spec.containers.0.command",
            "sh",
            ("string", "Container.spec.containers.command", "[]string"),
        ),
    ],
)
def test_a_wrong_type_is_told_in_the_decoders_words(
    kind: str, path: str, value: Any, expected: tuple[str, str, str]
) -> None:
    obj = at(valid(kind), path, value)
    assert errors_of(BUILTIN.of(obj), obj) == [GO.format(*expected)]


def test_a_root_that_is_no_object_is_refused() -> None:
    assert errors_of(POD, []) == ["json: cannot unmarshal array into Go value of type v1.Pod"]


def test_the_first_error_makes_the_bad_request() -> None:
    found = validate_structure(DEPLOYMENT, at(valid("Deployment"), "spec.replicas", "x"))
    error = decoding_error(DEPLOYMENT, found)
    assert error is not None
    assert error.reason == "BadRequest"
    assert error.message == (
        'Deployment in version "v1" cannot be handled as a Deployment: json: cannot unmarshal '
        "string into Go struct field DeploymentSpec.spec.replicas of type int32"
    )


def test_null_means_unset() -> None:
    pod = at(valid("Pod"), "spec.nodeName", "x")
    pod["spec"]["nodeName"] = None
    pod["metadata"]["annotations"] = {"a": None}
    pod["spec"]["containers"][0]["args"] = [None]
    found = validate_structure(POD, pod)
    assert found.errors == []
    assert "nodeName" not in found.obj["spec"]
    assert found.obj["metadata"]["annotations"] == {"a": ""}
    assert found.obj["spec"]["containers"][0]["args"] == [""]


@pytest.mark.parametrize(
    ("given_text", "canonical"),
    [("1000m", "1"), (1, "1"), (0.5, "500m"), ("1024Mi", "1Gi"), ("100m", "100m")],
)
def test_quantities_take_their_canonical_form(given_text: Any, canonical: str) -> None:
    pod = at(valid("Pod"), "spec.containers.0.resources.limits", {"cpu": given_text})
    found = validate_structure(POD, pod)
    assert found.errors == []
    assert found.obj["spec"]["containers"][0]["resources"]["limits"] == {"cpu": canonical}


def test_a_malformed_quantity_is_refused() -> None:
    pod = at(valid("Pod"), "spec.containers.0.resources.limits", {"cpu": "lots"})
    assert errors_of(POD, pod) == [
        "quantities must match the regular expression "
        "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
    ]


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
        ("2026-01-01T02:00:00+02:00", "2026-01-01T00:00:00Z"),
        ("2026-01-01T00:00:00.123Z", "2026-01-01T00:00:00Z"),
    ],
)
def test_times_come_back_in_utc_without_fractions(text: str, canonical: str) -> None:
    found = validate_structure(POD, at(valid("Pod"), "metadata.creationTimestamp", text))
    assert found.errors == []
    assert found.obj["metadata"]["creationTimestamp"] == canonical


@pytest.mark.parametrize(
    ("text", "rest", "stuck"),
    [("yesterday", "yesterday", "2006"), ("2026-01-01 00:00", " 00:00", "T"), ("", "", "2006")],
)
def test_a_malformed_time_says_where_it_stops_making_sense(
    text: str, rest: str, stuck: str
) -> None:
    pod = at(valid("Pod"), "metadata.creationTimestamp", text)
    assert errors_of(POD, pod) == [
        f'parsing time "{text}" as "2006-01-02T15:04:05Z07:00": cannot parse "{rest}" as "{stuck}"'
    ]


def test_lease_times_keep_their_microseconds() -> None:
    lease = at(valid("Lease"), "spec.renewTime", "2026-01-01T00:00:00.000001Z")
    found = validate_structure(BUILTIN.of(lease), lease)
    assert found.errors == []
    assert found.obj is lease
    short = at(valid("Lease"), "spec.renewTime", "2026-01-01T00:00:00Z")
    assert len(errors_of(BUILTIN.of(short), short)) == 1


def test_secret_data_must_be_base64() -> None:
    secret = at(valid("Secret"), "data.key", "not base64")
    kind = BUILTIN.of(secret)
    assert errors_of(kind, secret) == ["illegal base64 data at input byte 3"]
    folded = at(valid("Secret"), "data.key", "dmFs\ndWU=")
    assert validate_structure(kind, folded).obj["data"]["key"] == "dmFsdWU="


def test_a_port_may_be_a_number_or_a_name_but_not_both() -> None:
    service = BUILTIN.find("service")
    for good in (80, "http"):
        assert errors_of(service, at(valid("Service"), "spec.ports.0.targetPort", good)) == []
    bad = at(valid("Service"), "spec.ports.0.targetPort", True)
    assert errors_of(service, bad) == ["json: cannot unmarshal bool into Go value of type int32"]


def test_free_form_fields_keep_everything() -> None:
    definition: Object = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.example.com"},
        "spec": {
            "versions": [
                {
                    "name": "v1",
                    "schema": {
                        "openAPIV3Schema": {
                            "type": "object",
                            "properties": {
                                "spec": {"type": "object", "default": {"any": ["thing"]}},
                                "$ref": {"type": "string"},
                            },
                        }
                    },
                }
            ]
        },
    }
    found = validate_structure(BUILTIN.find("crd"), definition)
    assert found.obj is definition
    revision: Object = {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "data": {"anything": {"goes": [1]}},
    }
    assert validate_structure(BUILTIN.of(revision), revision).obj is revision


def test_a_definition_that_is_no_kind_can_be_checked() -> None:
    name = "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions"
    assert validate_definition(name, {"propagationPolicy": "Foreground"}).errors == []
    assert validate_definition(name, {"nope": 1}).unknown == ["nope"]


WIDGET = Kind(
    group="example.com",
    version="v1",
    kind="Widget",
    plural="widgets",
    singular="widget",
    schema="widgets.example.com/v1#1",
    definition={
        "type": "object",
        "properties": {
            "spec": {
                "type": "object",
                "properties": {
                    "size": {"type": "integer", "default": 3},
                    "mode": {
                        "type": "object",
                        "default": {},
                        "properties": {
                            "name": {"type": "string", "default": "fast"},
                        },
                    },
                    "note": {"type": "string", "nullable": True},
                    "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                    "port": {"x-kubernetes-int-or-string": True},
                },
            }
        },
    },
)


def test_a_custom_kind_is_pruned_and_defaulted_in_the_same_pass() -> None:
    widget = {
        "apiVersion": "example.com/v1",
        "kind": "Widget",
        "metadata": {"name": "w", "odd": 1},
        "spec": {"note": None, "free": {"a": 1}, "port": "http", "extra": 1},
    }
    found = validate_structure(WIDGET, widget)
    assert found.errors == []
    assert sorted(found.unknown) == ["metadata.odd", "spec.extra"]
    assert found.obj["spec"] == {
        "note": None,
        "free": {"a": 1},
        "port": "http",
        "size": 3,
        "mode": {"name": "fast"},
    }
    assert validate_structure(WIDGET, found.obj).obj is found.obj
