"""What the server decides about an object, whatever the client proposed."""

import copy
from typing import Any

import pytest

from kube_actors.api import BUILTIN, Kind, Object
from kube_actors.api.strategy import (
    counts_generation,
    graceful_deletion_s,
    prepare_for_create,
    prepare_for_update,
)
from kube_actors.api.strategy.pods import quality_of_service
from tests.api.objects import VALID, admitted, at, kind_of, stored, valid


def changed(new: Object, old: Object, subresource: str = "") -> Object:
    return prepare_for_update(kind_of(new), new, old, subresource)


def test_a_proposed_status_is_dropped_on_creation() -> None:
    made = admitted(at(valid("Deployment"), "status.replicas", 9))
    assert made["status"] == {}
    assert admitted(at(valid("ReplicaSet"), "status.replicas", 9))["status"] == {"replicas": 0}
    assert admitted(valid("Service"))["status"] == {"loadBalancer": {}}


def test_a_pod_is_born_pending_with_its_quality_of_service() -> None:
    assert admitted(valid("Pod"))["status"] == {"phase": "Pending", "qosClass": "BestEffort"}
    gated = admitted(at(valid("Pod"), "spec.schedulingGates", [{"name": "example.com/wait"}]))
    assert gated["status"]["conditions"][0]["reason"] == "SchedulingGated"


def test_a_node_may_bring_its_status() -> None:
    made = admitted(at(valid("Node"), "status.capacity", {"cpu": "4"}))
    assert made["status"]["allocatable"] == {"cpu": "4"}


def test_only_some_kinds_count_their_generation() -> None:
    assert admitted(valid("Deployment"))["metadata"]["generation"] == 1
    for kind in ("ConfigMap", "Secret", "Event", "Lease", "Namespace", "Service", "Node"):
        assert "generation" not in admitted(valid(kind))["metadata"], kind


def test_what_only_the_server_sets_is_dropped_on_creation() -> None:
    config = at(valid("ConfigMap"), "metadata.deletionTimestamp", "2026-01-01T00:00:00Z")
    config = at(config, "metadata.selfLink", "/x")
    assert set(admitted(config)["metadata"]) == {
        "name",
        "namespace",
        "uid",
        "creationTimestamp",
    }


def test_a_namespace_is_born_with_its_finalizer() -> None:
    assert admitted(valid("Namespace"))["spec"] == {"finalizers": ["kubernetes"]}


def test_a_job_selects_its_own_pods() -> None:
    spec = admitted(valid("Job"))["spec"]
    assert spec["selector"] == {"matchLabels": {"batch.kubernetes.io/controller-uid": "u-1"}}
    assert spec["template"]["metadata"]["labels"]["job-name"] == "web"


def test_a_change_of_the_spec_counts_and_a_change_of_the_status_does_not() -> None:
    old = stored(valid("Deployment"))
    scaled = changed(at(old, "spec.replicas", 5), old)
    assert scaled["metadata"]["generation"] == 2
    assert changed(old, old)["metadata"]["generation"] == 1
    labelled = changed(at(old, "metadata.labels", {"a": "b"}), old)
    assert labelled["metadata"]["generation"] == 1
    annotated = changed(at(old, "metadata.annotations", {"a": "b"}), old)
    assert annotated["metadata"]["generation"] == 2


def test_the_main_resource_keeps_the_stored_status() -> None:
    old = at(stored(valid("Deployment")), "status.replicas", 3)
    new = at(old, "status.replicas", 9)
    assert changed(new, old)["status"] == {"replicas": 3}
    assert changed(at(new, "status", None), old)["status"] == {"replicas": 3}


def test_the_status_subresource_keeps_everything_else() -> None:
    old = stored(valid("Deployment"))
    new = at(at(old, "status.replicas", 3), "spec.replicas", 9)
    new = at(new, "metadata.ownerReferences", [{"name": "x"}])
    new = at(new, "metadata.labels", {"a": "b"})
    result = changed(new, old, "status")
    assert result["status"] == {"replicas": 3}
    assert result["spec"] == old["spec"]
    assert result["metadata"]["generation"] == 1
    assert "ownerReferences" not in result["metadata"]
    assert result["metadata"]["labels"] == {"a": "b"}


def test_a_pods_address_is_written_both_ways() -> None:
    old = stored(valid("Pod"))
    status = changed(at(old, "status", {"podIP": "10.0.0.1"}), old, "status")["status"]
    assert status["podIPs"] == [{"ip": "10.0.0.1"}]
    assert status["qosClass"] == "BestEffort"


def test_an_update_need_not_repeat_what_the_server_set() -> None:
    old = stored(valid("ConfigMap"))
    result = changed({**valid("ConfigMap"), "data": {"a": "b"}}, old)
    assert result["metadata"]["uid"] == "u-1"
    assert result["metadata"]["creationTimestamp"] == "2026-01-01T00:00:00Z"


def test_a_service_keeps_its_address_and_its_node_ports() -> None:
    old = stored(at(valid("Service"), "spec.type", "NodePort"))
    old = at(old, "spec.clusterIP", "10.0.0.7")
    old = at(old, "spec.clusterIPs", ["10.0.0.7"])
    old = at(old, "spec.ports.0.nodePort", 30080)
    new = at(at(at(old, "spec.clusterIP", None), "spec.clusterIPs", None), "metadata.labels", {})
    new = at(new, "spec.ports.0.nodePort", 0)
    result = changed(new, old)
    assert result["spec"]["clusterIP"] == "10.0.0.7"
    assert result["spec"]["clusterIPs"] == ["10.0.0.7"]
    assert result["spec"]["ports"][0]["nodePort"] == 30080


def test_only_the_finalize_subresource_finishes_a_namespace() -> None:
    old = stored(valid("Namespace"))
    emptied = at(old, "spec.finalizers", [])
    assert changed(emptied, old)["spec"] == {"finalizers": ["kubernetes"]}
    assert changed(emptied, old, "finalize")["spec"] == {"finalizers": []}


def test_resizing_changes_resources_only() -> None:
    old = stored(valid("Pod"))
    new = at(old, "spec.containers.0.resources", {"limits": {"cpu": "2"}})
    new = at(new, "spec.containers.0.image", "other")
    container = changed(new, old, "resize")["spec"]["containers"][0]
    assert container["resources"] == {"limits": {"cpu": "2"}}
    assert container["image"] == "nginx:1.27"


FULL = {"cpu": "1", "memory": "1Gi"}


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        ([{}], "BestEffort"),
        ([{"requests": {"cpu": "0"}}], "BestEffort"),
        ([{"limits": FULL, "requests": FULL}], "Guaranteed"),
        ([{"limits": FULL, "requests": {"cpu": "1000m", "memory": "1024Mi"}}], "Guaranteed"),
        ([{"limits": FULL, "requests": FULL}, {}], "Burstable"),
        ([{"requests": {"cpu": "1"}}], "Burstable"),
        ([{"limits": {"cpu": "1"}, "requests": {"cpu": "1"}}], "Burstable"),
    ],
)
def test_the_quality_of_service_follows_requests_and_limits(
    resources: list[dict[str, Any]], expected: str
) -> None:
    containers = [{"name": str(index), "resources": each} for index, each in enumerate(resources)]
    assert quality_of_service({"spec": {"containers": containers}}) == expected


@pytest.mark.parametrize(
    ("spec", "phase", "asked", "expected"),
    [
        ({"nodeName": "n", "terminationGracePeriodSeconds": 30}, "Running", None, 30),
        ({"nodeName": "n", "terminationGracePeriodSeconds": 30}, "Running", 5, 5),
        ({"nodeName": "n", "terminationGracePeriodSeconds": 30}, "Running", 0, 0),
        ({"nodeName": "n", "terminationGracePeriodSeconds": 30}, "Running", -1, 1),
        ({"terminationGracePeriodSeconds": 30}, "Pending", None, 0),
        ({"nodeName": "n", "terminationGracePeriodSeconds": 30}, "Succeeded", None, 0),
    ],
)
def test_deletion_waits_only_for_pods_that_run(
    spec: Object, phase: str, asked: int | None, expected: int
) -> None:
    pod = {"spec": spec, "status": {"phase": phase}}
    assert graceful_deletion_s(BUILTIN.find("pod"), pod, asked) == expected
    assert graceful_deletion_s(BUILTIN.find("cm"), {}, asked) == 0


@pytest.mark.parametrize("name", sorted(VALID))
def test_preparing_never_changes_its_input(name: str) -> None:
    old = stored(valid(name))
    before = copy.deepcopy(old)
    changed(old, old)
    changed(old, old, "status")
    assert old == before


def test_a_custom_kind_counts_everything_but_its_status() -> None:
    kind = Kind(
        group="example.com",
        version="v1",
        kind="Widget",
        plural="widgets",
        singular="widget",
        subresources=("status",),
        schema="widgets#1",
        definition={"type": "object"},
    )
    assert counts_generation(kind)
    body = {"metadata": {"name": "w"}, "spec": {"size": 1}, "status": {"ready": True}}
    old = prepare_for_create(kind, body)
    assert "status" not in old
    new = prepare_for_update(kind, {**old, "spec": {"size": 2}}, old)
    assert new["metadata"]["generation"] == 2
