"""Everyday work with the real kubectl: deploy, look, scale, roll, expose, delete."""

from pathlib import Path

import pytest

from tests.kubectl.conftest import Kubectl

pytestmark = pytest.mark.kubectl

WEB = (Path(__file__).parents[2] / "examples" / "web" / "web.yaml").read_text()
SLEEPER = """
apiVersion: v1
kind: Pod
metadata: {name: sleeper, labels: {app: sleeper}}
spec:
  terminationGracePeriodSeconds: 1
  containers:
    - name: main
      image: busybox
      command: [sh, -c, "echo started; echo second line; exec sleep 1000"]
"""


@pytest.fixture
def web(kubectl: Kubectl) -> Kubectl:
    kubectl("apply", "-f", "-", stdin=WEB)
    kubectl("wait", "--for=condition=Available", "deployment/web", "--timeout=120s")
    return kubectl


def test_apply_is_idempotent_and_says_what_it_did(kubectl: Kubectl) -> None:
    first = kubectl("apply", "-f", "-", stdin=WEB)
    assert "deployment.apps/web created" in first
    second = kubectl("apply", "-f", "-", stdin=WEB)
    assert "deployment.apps/web unchanged" in second
    third = kubectl("apply", "-f", "-", stdin=WEB.replace("replicas: 3", "replicas: 2"))
    assert "deployment.apps/web configured" in third
    assert "service/web unchanged" in third


def test_get_in_every_format(web: Kubectl) -> None:
    assert "NAME" in web("get", "deployments")
    wide = web("get", "pods", "-o", "wide")
    for column in ("READY", "STATUS", "RESTARTS", "AGE", "IP", "NODE"):
        assert column in wide
    assert wide.count("1/1") == 3
    assert "Running" in wide
    assert web("get", "deployment", "web", "-o", "name") == "deployment.apps/web\n"
    assert "kind: Deployment" in web("get", "deployment", "web", "-o", "yaml")
    found = web.json("get", "deployment", "web")
    assert found["status"]["readyReplicas"] == 3
    replicas = web("get", "deploy", "web", "-o", "jsonpath={.spec.replicas}")
    assert replicas == "3"
    assert web("get", "pods", "-l", "app=web", "-o", "name").count("pod/") == 3
    assert web("get", "pods", "--field-selector", "status.phase=Failed", "-o", "name") == ""
    everything = web("get", "all")
    for name in ("pod/web-", "service/web", "deployment.apps/web", "replicaset.apps/web-"):
        assert name in everything


def test_get_watch_prints_changes_as_they_come(kubectl: Kubectl) -> None:
    kubectl("create", "configmap", "seen", "--from-literal=a=1")
    watch = kubectl.start("get", "cm", "seen", "-w", "-o", "name")
    assert watch.stdout is not None
    try:
        assert watch.stdout.readline() == "configmap/seen\n"
        kubectl("label", "cm", "seen", "x=y")
        assert watch.stdout.readline() == "configmap/seen\n"
    finally:
        watch.kill()
        watch.wait()
        watch.stdout.close()


def test_create_deployment_scale_and_expose(kubectl: Kubectl) -> None:
    kubectl("create", "deployment", "app", "--image=kube-actors/web:1", "--replicas=1")
    kubectl("rollout", "status", "deployment/app", "--timeout=120s")
    assert "scaled" in kubectl("scale", "deployment/app", "--replicas=3")
    kubectl("rollout", "status", "deployment/app", "--timeout=120s")
    assert kubectl.json("get", "deploy", "app")["status"]["readyReplicas"] == 3
    assert "exposed" in kubectl("expose", "deployment/app", "--port=8080")
    kubectl(
        "wait", "--for=jsonpath={.subsets[0].addresses[2].ip}", "endpoints/app", "--timeout=120s"
    )
    assert "8080/TCP" in kubectl("get", "service", "app")


def test_describe_shows_conditions_and_events(web: Kubectl) -> None:
    for reason in ("ScalingReplicaSet", "Scheduled", "Started"):
        web.watch(reason, "events")
    text = web("describe", "deployment", "web")
    assert "3 desired | 3 updated | 3 total | 3 available | 0 unavailable" in text
    assert "ScalingReplicaSet" in text
    pod = web("describe", "pods", "-l", "app=web")
    assert "Scheduled" in pod
    assert "Started" in pod
    assert "Endpoints:" in web("describe", "service", "web")
    assert "Allocated resources" in web("describe", "nodes")


def test_labels_annotations_and_patches(web: Kubectl) -> None:
    assert "labeled" in web("label", "deployment/web", "tier=front")
    assert "annotated" in web("annotate", "deployment/web", "note=hello")
    refused = web.fails("label", "deployment/web", "tier=back")
    assert "--overwrite" in refused
    patches = [
        ("strategic", '{"metadata":{"labels":{"a":"1"}}}'),
        ("merge", '{"metadata":{"labels":{"b":"2"}}}'),
        ("json", '[{"op":"add","path":"/metadata/labels/c","value":"3"}]'),
    ]
    for kind, patch in patches:
        assert "patched" in web("patch", "deployment/web", "--type", kind, "-p", patch)
    labels = web.json("get", "deploy", "web")["metadata"]["labels"]
    assert labels == {"app": "web", "tier": "front", "a": "1", "b": "2", "c": "3"}


def test_edit_sends_what_the_editor_wrote(
    web: Kubectl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nsed -i "s/replicas: 3/replicas: 2/" "$1"\n')
    editor.chmod(0o700)
    monkeypatch.setenv("KUBE_EDITOR", str(editor))
    assert "edited" in web("edit", "deployment/web")
    assert web.json("get", "deploy", "web")["spec"]["replicas"] == 2


def test_rollouts_go_forward_and_back(web: Kubectl) -> None:
    web("set", "image", "deployment/web", "web=kube-actors/web:2")
    assert "successfully rolled out" in web("rollout", "status", "deployment/web", "--timeout=120s")
    history = web("rollout", "history", "deployment/web")
    assert [line.split()[0] for line in history.splitlines()[2:] if line] == ["1", "2"]
    assert "kube-actors/web:1" in web("rollout", "history", "deployment/web", "--revision=1")
    assert "rolled back" in web("rollout", "undo", "deployment/web")
    web("rollout", "status", "deployment/web", "--timeout=120s")
    image = "jsonpath={.spec.template.spec.containers[0].image}"
    assert web("get", "deploy", "web", "-o", image) == "kube-actors/web:1"
    history = web("rollout", "history", "deployment/web")
    assert [line.split()[0] for line in history.splitlines()[2:] if line] == ["2", "3"]


def test_a_paused_rollout_waits_and_a_restart_replaces_every_pod(web: Kubectl) -> None:
    before = set(web("get", "pods", "-l", "app=web", "-o", "name").split())
    assert "paused" in web("rollout", "pause", "deployment/web")
    web("set", "env", "deployment/web", "X=1")
    web(
        "wait",
        "--for=jsonpath={.status.observedGeneration}=3",
        "deployment/web",
        "--timeout=120s",
    )
    assert set(web("get", "pods", "-l", "app=web", "-o", "name").split()) == before
    assert "resumed" in web("rollout", "resume", "deployment/web")
    web("rollout", "status", "deployment/web", "--timeout=120s")
    assert "restarted" in web("rollout", "restart", "deployment/web")
    web("rollout", "status", "deployment/web", "--timeout=120s")
    web("wait", "--for=delete", *sorted(before), "--timeout=120s")
    assert web.json("get", "deploy", "web")["status"]["readyReplicas"] == 3


def test_logs_follow_and_tail(kubectl: Kubectl) -> None:
    kubectl("apply", "-f", "-", stdin=SLEEPER)
    kubectl("wait", "--for=condition=Ready", "pod/sleeper", "--timeout=120s")
    follow = kubectl.start("logs", "-f", "sleeper")
    assert follow.stdout is not None
    # It is ready before it has said anything.
    assert follow.stdout.readline() == "started\n"
    assert follow.stdout.readline() == "second line\n"
    assert kubectl("logs", "sleeper") == "started\nsecond line\n"
    assert kubectl("logs", "sleeper", "--tail=1") == "second line\n"
    stamped = kubectl("logs", "sleeper", "--timestamps")
    assert stamped.splitlines()[0].endswith("Z started")
    kubectl("delete", "pod", "sleeper")
    assert follow.stdout.read() == ""
    assert follow.wait() == 0
    follow.stdout.close()


@pytest.mark.parametrize("cascade", ["background", "foreground", "orphan"])
def test_delete_with_each_cascade(kubectl: Kubectl, cascade: str) -> None:
    kubectl("create", "deployment", "app", "--image=kube-actors/web:1")
    kubectl("rollout", "status", "deployment/app", "--timeout=120s")
    kubectl("delete", "deployment", "app", f"--cascade={cascade}")
    assert kubectl("get", "deployments", "-o", "name") == ""
    if cascade == "orphan":
        (left,) = kubectl.json("get", "replicasets")["items"]
        assert "ownerReferences" not in left["metadata"]
        assert left["spec"]["replicas"] == 1
    else:
        kubectl("wait", "--for=delete", "pods", "-l", "app=app", "--timeout=120s")
        assert kubectl("get", "replicasets", "-o", "name") == ""


def test_delete_waits_until_the_pod_is_gone(kubectl: Kubectl) -> None:
    kubectl("apply", "-f", "-", stdin=SLEEPER)
    kubectl("wait", "--for=condition=Ready", "pod/sleeper", "--timeout=120s")
    assert "deleted" in kubectl("delete", "pod", "sleeper")
    assert "NotFound" in kubectl.fails("get", "pod", "sleeper")


def test_diff_shows_what_apply_would_change(web: Kubectl) -> None:
    assert web("diff", "-f", "-", stdin=WEB) == ""
    done = web.run("diff", "-f", "-", stdin=WEB.replace("replicas: 3", "replicas: 5"))
    assert done.returncode == 1
    assert "+  replicas: 5" in done.stdout
    assert web.json("get", "deploy", "web")["spec"]["replicas"] == 3
