"""What is wrong with what every object has."""

from typing import Any

import pytest

from tests.api.objects import at, created, valid

SUBDOMAIN = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used "
    "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
LABEL = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "
    "must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used "
    "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
QUALIFIED = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end "
    "with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for "
    "validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
NOT_NEGATIVE = "must be greater than or equal to 0"

METADATA: list[tuple[str, Any, str]] = [
    ("metadata.name", "A_b", f'metadata.name: Invalid value: "A_b": {SUBDOMAIN}'),
    ("metadata.name", None, "metadata.name: Required value: name or generateName is required"),
    (
        "metadata.name",
        "a" * 254,
        f'metadata.name: Invalid value: "{"a" * 254}": must be no more than 253 characters',
    ),
    ("metadata.generateName", "AB-", f'metadata.generateName: Invalid value: "AB-": {SUBDOMAIN}'),
    ("metadata.namespace", "A", f'metadata.namespace: Invalid value: "A": {LABEL}'),
    ("metadata.labels", {"-a": "b"}, f'metadata.labels: Invalid value: "-a": {QUALIFIED}'),
    (
        "metadata.labels",
        {"a": "b" * 64},
        f'metadata.labels: Invalid value: "{"b" * 64}": must be no more than 63 characters',
    ),
    (
        "metadata.annotations",
        {"a b": ""},
        f'metadata.annotations: Invalid value: "a b": {QUALIFIED}',
    ),
    (
        "metadata.annotations",
        {"a": "b" * 262144},
        "metadata.annotations: Too long: may not be more than 262144 bytes",
    ),
    (
        "metadata.finalizers",
        ["a.b/c d"],
        f'metadata.finalizers: Invalid value: "a.b/c d": {QUALIFIED}',
    ),
    (
        "metadata.finalizers",
        ["mine"],
        'metadata.finalizers[0]: Invalid value: "mine": name is neither a standard finalizer name '
        "nor is it fully qualified",
    ),
    (
        "metadata.finalizers",
        ["orphan", "foregroundDeletion"],
        'metadata.finalizers: Invalid value: ["orphan","foregroundDeletion"]: finalizer orphan '
        "and foregroundDeletion cannot be both set",
    ),
    (
        "metadata.ownerReferences",
        [{"apiVersion": "v1", "kind": "Pod", "name": "a"}],
        "metadata.ownerReferences[0].uid: Required value: must not be empty",
    ),
    ("metadata.uid", "x", ""),
]


@pytest.mark.parametrize(("path", "value", "message"), METADATA)
def test_metadata(path: str, value: Any, message: str) -> None:
    assert created(at(valid("ConfigMap"), path, value)) == ([message] if message else [])


def test_two_owners_may_not_both_control() -> None:
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "uid": "u", "controller": True}
    owners = [{**owner, "name": "a"}, {**owner, "name": "b"}]
    (message,) = created(at(valid("Pod"), "metadata.ownerReferences", owners))
    assert message.endswith('Found "true" in references for ReplicaSet/a and ReplicaSet/b')


def test_a_cluster_wide_object_has_no_namespace() -> None:
    assert created(at(valid("Node"), "metadata.namespace", "default")) == [
        "metadata.namespace: Forbidden: not allowed on this type"
    ]


def test_role_names_may_be_nearly_anything() -> None:
    assert created(at(valid("Role"), "metadata.name", "system:node_X")) == []
    assert created(at(valid("Role"), "metadata.name", "a/b")) == [
        "metadata.name: Invalid value: \"a/b\": may not contain '/'"
    ]
