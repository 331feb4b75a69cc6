"""What kubectl tells about the cluster, its nodes and its rules."""

import pytest

from tests.kubectl.conftest import Kubectl, Up

pytestmark = pytest.mark.kubectl

PODS = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: app}
spec:
  replicas: 3
  selector: {matchLabels: {app: app}}
  template:
    metadata: {labels: {app: app}}
    spec:
      terminationGracePeriodSeconds: 1
      containers: [{name: main, image: busybox, command: [sleep, "1000"]}]
"""


def test_explain_names_fields_and_their_types(kubectl: Kubectl) -> None:
    text = kubectl("explain", "deployment.spec.replicas")
    assert "FIELD: replicas <integer>" in text
    assert "strategy" in kubectl("explain", "deployment.spec", "--recursive")


def test_resources_and_versions_are_discovered(kubectl: Kubectl) -> None:
    resources = kubectl("api-resources")
    for line in ("deployments", "poddisruptionbudgets", "leases", "ingresses", "cronjobs"):
        assert line in resources
    assert "deploy" in resources
    versions = kubectl("api-versions").split()
    assert {"v1", "apps/v1", "batch/v1", "networking.k8s.io/v1", "policy/v1"} <= set(versions)
    assert "v1.36" in kubectl("version")


def test_health_is_shown_check_by_check(kubectl: Kubectl) -> None:
    assert kubectl("get", "--raw", "/livez") == "ok"
    verbose = kubectl("get", "--raw", "/readyz?verbose")
    assert "[+]" in verbose
    assert "readyz check passed" in verbose


def test_events_tell_a_pods_story(kubectl: Kubectl) -> None:
    kubectl("apply", "-f", "-", stdin=PODS)
    kubectl("rollout", "status", "deployment/app", "--timeout=120s")
    for reason in ("Scheduled", "Started", "SuccessfulCreate", "ScalingReplicaSet"):
        kubectl.watch(reason, "events")


def test_why_a_pod_is_pending_is_said_per_filter(kubectl: Kubectl) -> None:
    kubectl(
        "apply",
        "-f",
        "-",
        stdin=PODS.replace("command:", "resources: {requests: {cpu: 900}}, command:"),
    )
    kubectl("wait", "--for=condition=PodScheduled=False", "pods", "-l", "app=app", "--timeout=120s")
    pod = kubectl("get", "pods", "-o", "name").split()[0]
    kubectl.watch(pod, "events", "--field-selector=reason=FailedScheduling")
    assert "0/3 nodes are available: 3 Insufficient cpu." in kubectl("describe", pod)


def test_cordon_taint_and_drain(kubectl: Kubectl) -> None:
    kubectl("apply", "-f", "-", stdin=PODS)
    kubectl("rollout", "status", "deployment/app", "--timeout=120s")
    try:
        assert "cordoned" in kubectl("cordon", "node-1")
        assert "SchedulingDisabled" in kubectl("get", "node", "node-1")
        kubectl("drain", "node-1", "--ignore-daemonsets", "--force", "--timeout=120s")
        kubectl("rollout", "status", "deployment/app", "--timeout=120s")
        pods = kubectl("get", "pods", "-l", "app=app", "-o", "wide")
        assert "node-1" not in pods
        assert "uncordoned" in kubectl("uncordon", "node-1")
        assert "tainted" in kubectl("taint", "node", "node-1", "key=value:NoSchedule")
        assert "key=value:NoSchedule" in kubectl("describe", "node", "node-1")
        assert "untainted" in kubectl("taint", "node", "node-1", "key-")
    finally:
        kubectl.run("uncordon", "node-1")
        kubectl.run("taint", "node", "node-1", "key-")


def test_can_i_answers_for_me_and_for_others(kubectl: Kubectl) -> None:
    assert kubectl("auth", "can-i", "create", "deployments").strip() == "yes"
    account = f"--as=system:serviceaccount:{kubectl.namespace}:default"
    done = kubectl.run("auth", "can-i", "delete", "nodes", account)
    assert done.stdout.strip() == "no"
    kubectl("create", "rolebinding", "view", "--clusterrole=view", "--serviceaccount",
            f"{kubectl.namespace}:default")  # fmt: skip
    assert kubectl("auth", "can-i", "list", "pods", account).strip() == "yes"
    assert kubectl.run("auth", "can-i", "delete", "pods", account).stdout.strip() == "no"


def test_every_namespace_has_its_account_and_root_certificate(kubectl: Kubectl) -> None:
    kubectl("wait", "--for=create", "serviceaccount/default", "--timeout=120s")
    kubectl("wait", "--for=create", "configmap/kube-root-ca.crt", "--timeout=120s")
    assert "BEGIN CERTIFICATE" in kubectl("get", "cm", "kube-root-ca.crt", "-o", "yaml")


def test_a_deleted_namespace_takes_its_content_along(up: Up) -> None:
    kubectl = Kubectl(up.kubeconfig)
    kubectl("create", "namespace", "doomed")
    kubectl("-n", "doomed", "create", "configmap", "inside")
    kubectl("delete", "namespace", "doomed", "--timeout=120s")
    assert "NotFound" in kubectl.fails("get", "namespace", "doomed")
    kubectl("create", "namespace", "doomed")
    assert "inside" not in kubectl("-n", "doomed", "get", "cm", "-o", "name")
    kubectl("delete", "namespace", "doomed", "--wait=false")


@pytest.mark.parametrize(
    ("manifest", "reason"),
    [
        ("kind: ConfigMap\napiVersion: v1\nmetadata: {name: A_b}", "RFC 1123 subdomain"),
        (
            "kind: ConfigMap\napiVersion: v1\nmetadata: {name: a}\ndatum: {}",
            'unknown field "datum"',
        ),
        ("kind: Nothing\napiVersion: v1\nmetadata: {name: a}", 'no matches for kind "Nothing"'),
        (PODS.replace("replicas: 3", "replicas: -1"), "must be greater than or equal to 0"),
        (PODS.replace("replicas: 3", "replicas: many"), "replicas"),
        (PODS.replace("{app: app}}\n  template", "{app: b}}\n  template"), "does not match"),
    ],
)
def test_bad_manifests_are_refused_with_the_reason(
    kubectl: Kubectl, manifest: str, reason: str
) -> None:
    assert reason in kubectl.fails("apply", "-f", "-", stdin=manifest)
    assert kubectl("get", "deployments", "-o", "name") == ""


def test_a_stale_replace_is_a_conflict(kubectl: Kubectl) -> None:
    kubectl("create", "configmap", "c", "--from-literal=a=1")
    old = kubectl("get", "cm", "c", "-o", "yaml")
    kubectl("label", "cm", "c", "x=y")
    assert "the object has been modified" in kubectl.fails("replace", "-f", "-", stdin=old)
