"""What Kubernetes fills in, and that filling in twice changes nothing."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kube_actors.api import Object
from kube_actors.api.defaults import apply_defaults
from kube_actors.api.defaults.pods import pull_policy
from kube_actors.api.schema import validate_structure
from tests.api.objects import CONTAINER, VALID, at, kind_of, valid


def defaulted(obj: Object) -> Object:
    return apply_defaults(kind_of(obj), obj)


@pytest.mark.parametrize("name", sorted(VALID))
def test_defaulting_twice_is_defaulting_once(name: str) -> None:
    once = defaulted(valid(name))
    assert defaulted(once) is once


@pytest.mark.parametrize("name", sorted(VALID))
def test_defaulting_keeps_the_structure_and_the_input(name: str) -> None:
    obj = valid(name)
    before = copy.deepcopy(obj)
    found = validate_structure(kind_of(obj), defaulted(obj))
    assert (found.errors, found.unknown) == ([], [])
    assert obj == before


def test_a_pod_gets_what_every_pod_has() -> None:
    spec = defaulted(valid("Pod"))["spec"]
    container = spec.pop("containers")[0]
    assert spec == {
        "dnsPolicy": "ClusterFirst",
        "enableServiceLinks": True,
        "restartPolicy": "Always",
        "schedulerName": "default-scheduler",
        "securityContext": {},
        "terminationGracePeriodSeconds": 30,
    }
    assert container == {
        **CONTAINER,
        "imagePullPolicy": "IfNotPresent",
        "resources": {},
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
    }


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("nginx", "Always"),
        ("nginx:latest", "Always"),
        ("nginx:1.27", "IfNotPresent"),
        ("registry:5000/nginx", "Always"),
        ("registry:5000/team/nginx:1", "IfNotPresent"),
        ("nginx@sha256:" + "0" * 64, "IfNotPresent"),
    ],
)
def test_the_pull_policy_follows_the_tag(image: str, policy: str) -> None:
    assert pull_policy(image) == policy


def test_an_explicit_choice_is_kept() -> None:
    pod = at(valid("Pod"), "spec.restartPolicy", "Never")
    pod = at(pod, "spec.terminationGracePeriodSeconds", 0)
    pod = at(pod, "spec.enableServiceLinks", False)
    spec = defaulted(pod)["spec"]
    assert spec["restartPolicy"] == "Never"
    assert spec["terminationGracePeriodSeconds"] == 0
    assert spec["enableServiceLinks"] is False


def test_requests_follow_limits_in_pods_but_not_in_templates() -> None:
    limits = {"cpu": "1", "memory": "1Gi"}
    resources = {"limits": limits, "requests": {"cpu": "500m"}}
    pod = defaulted(at(valid("Pod"), "spec.containers.0.resources", resources))
    asked = pod["spec"]["containers"][0]["resources"]["requests"]
    assert asked == {"cpu": "500m", "memory": "1Gi"}
    path = "spec.template.spec.containers.0.resources"
    deployment = defaulted(at(valid("Deployment"), path, resources))
    inner = deployment["spec"]["template"]["spec"]["containers"][0]
    assert inner["resources"] == resources


def test_probes_ports_and_references_are_completed() -> None:
    container = {
        **CONTAINER,
        "ports": [{"containerPort": 80}],
        "env": [{"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}],
        "readinessProbe": {"httpGet": {"port": 80}, "periodSeconds": 5},
        "livenessProbe": {"grpc": {"port": 80}},
    }
    made = defaulted(at(valid("Pod"), "spec.containers", [container]))["spec"]["containers"][0]
    assert made["ports"] == [{"containerPort": 80, "protocol": "TCP"}]
    assert made["env"][0]["valueFrom"]["fieldRef"]["apiVersion"] == "v1"
    assert made["readinessProbe"] == {
        "httpGet": {"port": 80, "path": "/", "scheme": "HTTP"},
        "periodSeconds": 5,
        "timeoutSeconds": 1,
        "successThreshold": 1,
        "failureThreshold": 3,
    }
    assert made["livenessProbe"]["grpc"] == {"port": 80, "service": ""}


def test_host_network_makes_host_ports() -> None:
    pod = at(valid("Pod"), "spec.containers.0.ports", [{"containerPort": 80}])
    ports = defaulted(at(pod, "spec.hostNetwork", True))["spec"]["containers"][0]["ports"]
    assert ports[0]["hostPort"] == 80


@pytest.mark.parametrize(
    ("volume", "expected"),
    [
        ({}, {"emptyDir": {}}),
        ({"secret": {"secretName": "s"}}, {"secret": {"secretName": "s", "defaultMode": 420}}),
        ({"configMap": {"name": "c"}}, {"configMap": {"name": "c", "defaultMode": 420}}),
        ({"hostPath": {"path": "/x"}}, {"hostPath": {"path": "/x", "type": ""}}),
        (
            {"projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}},
            {
                "projected": {
                    "defaultMode": 420,
                    "sources": [
                        {"serviceAccountToken": {"path": "token", "expirationSeconds": 3600}}
                    ],
                }
            },
        ),
    ],
)
def test_volumes_get_their_modes(volume: dict[str, Any], expected: dict[str, Any]) -> None:
    made = defaulted(at(valid("Pod"), "spec.volumes", [{"name": "v", **volume}]))
    assert made["spec"]["volumes"] == [{"name": "v", **expected}]


def test_both_names_of_the_service_account_are_kept_alike() -> None:
    for key in ("serviceAccount", "serviceAccountName"):
        spec = defaulted(at(valid("Pod"), f"spec.{key}", "robot"))["spec"]
        assert (spec["serviceAccount"], spec["serviceAccountName"]) == ("robot", "robot")


def test_a_deployment_rolls_by_quarters() -> None:
    spec = defaulted(valid("Deployment"))["spec"]
    assert spec["replicas"] == 1
    assert spec["revisionHistoryLimit"] == 10
    assert spec["progressDeadlineSeconds"] == 600
    rolling = {"maxSurge": "25%", "maxUnavailable": "25%"}
    assert spec["strategy"] == {"type": "RollingUpdate", "rollingUpdate": rolling}
    assert spec["template"]["spec"]["restartPolicy"] == "Always"
    recreate = at(valid("Deployment"), "spec.strategy", {"type": "Recreate"})
    assert defaulted(recreate)["spec"]["strategy"] == {"type": "Recreate"}
    assert defaulted(at(valid("Deployment"), "spec.replicas", 0))["spec"]["replicas"] == 0


def test_stateful_and_daemon_sets_roll_one_by_one() -> None:
    stateful = defaulted(valid("StatefulSet"))["spec"]
    assert stateful["podManagementPolicy"] == "OrderedReady"
    assert stateful["updateStrategy"] == {
        "type": "RollingUpdate",
        "rollingUpdate": {"partition": 0},
    }
    daemon = defaulted(valid("DaemonSet"))["spec"]
    assert daemon["updateStrategy"] == {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0},
    }


def test_a_job_runs_once_and_a_cron_job_keeps_its_history() -> None:
    job = defaulted(valid("Job"))["spec"]
    assert (job["completions"], job["parallelism"], job["backoffLimit"]) == (1, 1, 6)
    assert job["completionMode"] == "NonIndexed"
    queue = defaulted(at(valid("Job"), "spec.parallelism", 3))["spec"]
    assert "completions" not in queue
    cron = defaulted(valid("CronJob"))["spec"]
    assert cron["concurrencyPolicy"] == "Allow"
    assert (cron["successfulJobsHistoryLimit"], cron["failedJobsHistoryLimit"]) == (3, 1)


def test_a_service_is_completed_by_type() -> None:
    spec = defaulted(valid("Service"))["spec"]
    assert spec["type"] == "ClusterIP"
    assert spec["sessionAffinity"] == "None"
    assert spec["ports"] == [{"port": 80, "protocol": "TCP", "targetPort": 80}]
    assert spec["internalTrafficPolicy"] == "Cluster"
    assert (spec["ipFamilies"], spec["ipFamilyPolicy"]) == (["IPv4"], "SingleStack")
    assert "externalTrafficPolicy" not in spec
    node_port = defaulted(at(valid("Service"), "spec.type", "NodePort"))["spec"]
    assert node_port["externalTrafficPolicy"] == "Cluster"
    sticky = defaulted(at(valid("Service"), "spec.sessionAffinity", "ClientIP"))["spec"]
    assert sticky["sessionAffinityConfig"] == {"clientIP": {"timeoutSeconds": 10800}}
    named = at(valid("Service"), "spec.type", "ExternalName")
    assert "ipFamilies" not in defaulted(named)["spec"]


def test_a_headless_service_keeps_both_spellings_of_its_address() -> None:
    spec = defaulted(at(valid("Service"), "spec.clusterIP", "None"))["spec"]
    assert spec["clusterIPs"] == ["None"]


def test_texts_of_a_secret_become_data() -> None:
    secret = at(valid("Secret"), "stringData", {"key": "new", "more": "é"})
    made = defaulted(secret)
    assert made["data"] == {"key": "bmV3", "more": "w6k="}
    assert "stringData" not in made
    assert made["type"] == "Opaque"


def test_a_namespace_carries_its_name_as_a_label() -> None:
    made = defaulted(valid("Namespace"))
    assert made["metadata"]["labels"] == {"kubernetes.io/metadata.name": "web"}
    nameless = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"generateName": "a-"}}
    assert "labels" not in defaulted(nameless)["metadata"]


def test_roles_policies_and_classes_are_completed() -> None:
    binding = defaulted(valid("RoleBinding"))
    assert binding["roleRef"]["apiGroup"] == "rbac.authorization.k8s.io"
    assert binding["subjects"][0]["apiGroup"] == "rbac.authorization.k8s.io"
    policy = defaulted(at(valid("NetworkPolicy"), "spec.egress", [{}]))
    assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
    storage = defaulted(valid("StorageClass"))
    assert (storage["reclaimPolicy"], storage["volumeBindingMode"]) == ("Delete", "Immediate")
    assert defaulted(valid("PriorityClass"))["preemptionPolicy"] == "PreemptLowerPriority"
    ranged = defaulted(valid("LimitRange"))["spec"]["limits"][0]
    assert ranged["default"] == ranged["defaultRequest"] == {"cpu": "1"}


def test_an_autoscaler_looks_at_the_processor() -> None:
    spec = defaulted(valid("HorizontalPodAutoscaler"))["spec"]
    assert spec["minReplicas"] == 1
    assert spec["metrics"][0]["resource"]["target"]["averageUtilization"] == 80
    shaped = at(valid("HorizontalPodAutoscaler"), "spec.behavior", {"scaleDown": {}})
    behavior = defaulted(shaped)["spec"]["behavior"]
    assert behavior["scaleUp"]["stabilizationWindowSeconds"] == 0
    assert len(behavior["scaleDown"]["policies"]) == 1


containers = st.fixed_dictionaries(
    {"name": st.sampled_from(["a", "b"]), "image": st.sampled_from(["x", "x:1", "x@sha256:0"])},
    optional={
        "ports": st.lists(st.fixed_dictionaries({"containerPort": st.integers(1, 9)}), max_size=2),
        "resources": st.sampled_from([{}, {"limits": {"cpu": "1"}}]),
        "livenessProbe": st.sampled_from(
            [{"httpGet": {"port": 1}}, {"exec": {"command": ["x"]}}, {"grpc": {"port": 1}}]
        ),
        "imagePullPolicy": st.sampled_from(["", "Never"]),
    },
)
pod_specs = st.fixed_dictionaries(
    {"containers": st.lists(containers, max_size=2)},
    optional={
        "initContainers": st.lists(containers, max_size=1),
        "hostNetwork": st.booleans(),
        "restartPolicy": st.sampled_from(["", "Never"]),
        "volumes": st.lists(
            st.sampled_from([{"name": "v"}, {"name": "w", "hostPath": {"path": "/"}}]), max_size=2
        ),
        "serviceAccount": st.sampled_from(["", "robot"]),
    },
)


@given(spec=pod_specs)
def test_any_pod_is_complete_after_one_defaulting(spec: dict[str, Any]) -> None:
    pod = {**valid("Pod"), "spec": spec}
    before = copy.deepcopy(pod)
    once = defaulted(pod)
    assert defaulted(once) is once
    assert pod == before
