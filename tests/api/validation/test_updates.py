"""What may not change once an object exists."""

from typing import Any

import pytest

from kube_actors.api import Object
from tests.api.objects import VALID, at, stored, updated, valid

POD_FORBIDDEN = (
    "spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,"
    "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only "
    "additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set "
    "to 1 if it was previously negative)"
)


def change(kind: str, path: str, value: Any, **before: Any) -> list[str]:
    old = stored(valid(kind))
    for where, what in before.items():
        old = at(old, where.replace("__", "."), what)
    return updated(at(old, path, value), old)


@pytest.mark.parametrize("name", sorted(VALID))
def test_an_update_that_changes_nothing_is_valid(name: str) -> None:
    old = stored(valid(name))
    assert updated(old, old) == []


@pytest.mark.parametrize("name", sorted(VALID))
def test_labels_may_always_change(name: str) -> None:
    old = stored(valid(name))
    assert updated(at(old, "metadata.labels", {"new": "label"}), old) == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", "other"),
        ("namespace", "other"),
        ("uid", "other"),
    ],
)
def test_identity_is_immutable(key: str, value: str) -> None:
    assert change("ConfigMap", f"metadata.{key}", value) == [
        f'metadata.{key}: Invalid value: "{value}": field is immutable'
    ]


def test_the_time_of_creation_is_the_stored_one_whatever_is_sent() -> None:
    assert change("ConfigMap", "metadata.creationTimestamp", "2027-01-01T00:00:00Z") == []


def test_a_dying_object_gets_no_new_finalizers() -> None:
    old = at(stored(valid("ConfigMap")), "metadata.deletionTimestamp", "2026-01-02T00:00:00Z")
    old = at(old, "metadata.finalizers", ["example.com/a"])
    assert updated(at(old, "metadata.finalizers", []), old) == []
    both = at(old, "metadata.finalizers", ["example.com/a", "example.com/b"])
    assert updated(both, old) == [
        "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being "
        'deleted, found new finalizers []string{"example.com/b"}'
    ]


@pytest.mark.parametrize("kind", ["Deployment", "ReplicaSet", "DaemonSet"])
def test_a_selector_is_immutable(kind: str) -> None:
    old = stored(valid(kind))
    new = at(old, "spec.selector.matchLabels", {"app": "web", "tier": "front"})
    new = at(new, "spec.template.metadata.labels", {"app": "web", "tier": "front"})
    assert updated(new, old) == [
        'spec.selector: Invalid value: {"matchLabels":{"app":"web","tier":"front"}}: '
        "field is immutable"
    ]


def test_a_stateful_set_changes_only_what_it_may() -> None:
    assert change("StatefulSet", "spec.replicas", 3) == []
    assert change("StatefulSet", "spec.serviceName", "other") == [
        "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', "
        "'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', "
        "'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
    ]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("spec.containers.0.image", "nginx:2"),
        ("spec.activeDeadlineSeconds", 10),
        ("spec.tolerations", [{"key": "a", "operator": "Exists"}]),
        ("metadata.annotations", {"a": "b"}),
    ],
)
def test_a_pod_may_change_in_few_ways(path: str, value: Any) -> None:
    assert change("Pod", path, value) == []


@pytest.mark.parametrize(
    ("path", "value", "difference"),
    [
        ("spec.nodeName", "n", '+ spec.nodeName: "n"'),
        (
            "spec.restartPolicy",
            "Never",
            '- spec.restartPolicy: "Always"\n+ spec.restartPolicy: "Never"',
        ),
        ("spec.containers.0.command", ["x"], '+ spec.containers[0].command: ["x"]'),
    ],
)
def test_a_pod_may_not_change_in_any_other(path: str, value: Any, difference: str) -> None:
    assert change("Pod", path, value) == [f"{POD_FORBIDDEN}\n{difference}"]


def test_a_pod_gains_and_loses_no_containers() -> None:
    more = [*valid("Pod")["spec"]["containers"], {"name": "more", "image": "x"}]
    assert change("Pod", "spec.containers", more) == [
        "spec.containers: Forbidden: pod updates may not add or remove containers"
    ]


def test_a_pods_deadline_only_comes_nearer() -> None:
    before = {"spec__activeDeadlineSeconds": 10}
    assert change("Pod", "spec.activeDeadlineSeconds", 5, **before) == []
    assert change("Pod", "spec.activeDeadlineSeconds", 20, **before) == [
        "spec.activeDeadlineSeconds: Invalid value: 20: must be less than or equal to previous "
        "value"
    ]


def test_tolerations_are_only_added() -> None:
    before = {"spec__tolerations": [{"key": "a", "operator": "Exists"}]}
    assert change("Pod", "spec.tolerations", [], **before) == [
        "spec.tolerations: Forbidden: existing toleration can not be modified except its "
        "tolerationSeconds"
    ]


def test_scheduling_gates_are_only_removed() -> None:
    gate = [{"name": "example.com/a"}]
    assert change("Pod", "spec.schedulingGates", [], spec__schedulingGates=gate) == []
    assert change("Pod", "spec.schedulingGates", gate) == [
        "spec.schedulingGates[0]: Forbidden: only deletion is allowed, but found new scheduling "
        "gate 'example.com/a'"
    ]


def test_a_job_keeps_its_template_and_selector() -> None:
    assert change("Job", "spec.parallelism", 2) == []
    (message,) = change("Job", "spec.template.spec.containers.0.image", "other")
    assert message.startswith("spec.template: Invalid value: {")
    assert message.endswith(": field is immutable")
    suspended = {"spec__suspend": True}
    assert change("Job", "spec.template.spec.nodeSelector", {"a": "b"}, **suspended) == []
    assert change("Job", "spec.completions", 2) == [
        "spec.completions: Invalid value: 2: field is immutable"
    ]


def with_address(address: str) -> Object:
    service = at(stored(valid("Service")), "spec.clusterIP", address)
    return at(service, "spec.clusterIPs", [address])


def test_a_service_keeps_its_address() -> None:
    assert updated(with_address("10.0.0.8"), with_address("10.0.0.7")) == [
        'spec.clusterIPs[0]: Invalid value: ["10.0.0.8"]: may not change once set'
    ]
    half = at(with_address("10.0.0.7"), "spec.clusterIP", "10.0.0.8")
    assert updated(half, with_address("10.0.0.7")) == [
        'spec.clusterIPs[0]: Invalid value: ["10.0.0.8"]: may not change once set'
    ]


def test_an_immutable_config_map_stays() -> None:
    sealed = "Forbidden: field is immutable when `immutable` is set"
    before = {"immutable": True}
    assert change("ConfigMap", "data.key", "new", **before) == [f"data: {sealed}"]
    assert change("ConfigMap", "immutable", False, **before) == [f"immutable: {sealed}"]
    assert change("Secret", "data.key", "bmV3", **before) == [f"data: {sealed}"]
    assert change("ConfigMap", "immutable", True) == []


def test_a_secret_keeps_its_type() -> None:
    assert change("Secret", "type", "example.com/other") == [
        'type: Invalid value: "example.com/other": field is immutable'
    ]


def test_a_binding_keeps_its_role() -> None:
    (message,) = change("RoleBinding", "roleRef.name", "other")
    assert message.startswith("roleRef: Invalid value: {")
    assert message.endswith(": cannot change roleRef")


def test_a_priority_keeps_its_value() -> None:
    assert change("PriorityClass", "value", 7) == [
        "value: Forbidden: may not be changed in an update."
    ]


def test_a_node_keeps_its_addresses_for_pods() -> None:
    assert change("Node", "spec.podCIDRs", ["127.1.0.0/24"]) == []
    before = {"spec__podCIDRs": ["127.1.0.0/24"]}
    assert change("Node", "spec.podCIDRs", ["127.2.0.0/24"], **before) == [
        'spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid'
    ]


def test_a_claim_changes_only_by_growing_once_bound() -> None:
    asked = "spec.resources.requests"
    (message,) = change("PersistentVolumeClaim", asked, {"storage": "2Gi"})
    assert message.startswith("spec: Forbidden: spec is immutable after creation except")
    bound = {"status__phase": "Bound", "status__capacity": {"storage": "1Gi"}}
    assert change("PersistentVolumeClaim", asked, {"storage": "2Gi"}, **bound) == []
    assert change("PersistentVolumeClaim", asked, {"storage": "1Mi"}, **bound) == [
        "spec.resources.requests.storage: Forbidden: field can not be less than status.capacity"
    ]
    assert change("PersistentVolumeClaim", "spec.volumeName", "web") == []


def test_a_storage_class_keeps_its_parameters() -> None:
    assert change("StorageClass", "parameters", {"a": "b"}) == [
        "parameters: Forbidden: updates to parameters are forbidden."
    ]


def test_a_slice_keeps_its_address_type() -> None:
    old = at(stored(valid("EndpointSlice")), "endpoints", [])
    assert updated(at(old, "addressType", "IPv6"), old) == [
        'addressType: Invalid value: "IPv6": field is immutable'
    ]


def test_a_pods_status_may_change_freely() -> None:
    old = at(stored(valid("Pod")), "spec.nodeName", "n")
    new = at(at(old, "status.phase", "Running"), "status.podIP", "10.0.0.1")
    assert updated(new, old, "status") == []


def test_ephemeral_containers_are_only_added() -> None:
    one = {"name": "debug", "image": "x", "imagePullPolicy": "Always"}
    one["terminationMessagePolicy"] = "File"
    pod = stored(valid("Pod"))
    with_one = at(pod, "spec.ephemeralContainers", [one])
    assert updated(with_one, pod, "ephemeralcontainers") == []
    assert updated(pod, with_one, "ephemeralcontainers") == [
        'spec.ephemeralContainers: Forbidden: existing ephemeral containers "debug" may not be '
        "removed\n"
    ]
