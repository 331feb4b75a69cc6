"""Pods and runs for tests, short to write."""

from typing import Any

from kube_actors.api import Object
from kube_actors.node.backoff import BackoffPolicy
from kube_actors.node.lifecycle import Patience
from kube_actors.node.lifecycle.observation import Observed
from kube_actors.node.probes import ProbeView
from kube_actors.node.runtimes import (
    ContainerState,
    ContainerStatus,
    ImageState,
    ImageStatus,
    SandboxState,
    SandboxStatus,
)

UID = "11111111-1111-4111-8111-111111111111"
NOW = 1_800_000_000.0
PATIENCE = Patience(BackoffPolicy(10, 300), BackoffPolicy(10, 300))
READY = SandboxStatus(UID, "default", "web", "10.0.0.2", SandboxState.READY, NOW - 100)
PRESENT = ImageStatus(ImageState.PRESENT, "ref")


def a_pod(
    *names: str,
    init: tuple[dict[str, Any], ...] = (),
    node: str = "n1",
    name: str = "web",
    **spec: Any,
) -> Object:
    """A pod with one container per name (default ``web``); ``spec`` is merged into its spec."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "default", "uid": UID, "generation": 1},
        "spec": {
            "nodeName": node,
            "restartPolicy": "Always",
            "containers": [{"name": n, "image": "img"} for n in names or ("web",)],
            **({"initContainers": list(init)} if init else {}),
            **spec,
        },
        "status": {"phase": "Pending"},
    }


def deleted(pod: Object, grace_s: int = 30) -> Object:
    meta = {
        **pod["metadata"],
        "deletionTimestamp": "2027-01-15T08:00:30Z",
        "deletionGracePeriodSeconds": grace_s,
    }
    return {**pod, "metadata": meta}


def a_run(
    name: str = "web",
    state: ContainerState = ContainerState.RUNNING,
    *,
    attempt: int = 0,
    code: int = 0,
    ended_s: float = 1.0,
) -> ContainerStatus:
    """A run that started 60 s ago; one that EXITED did so ``ended_s`` ago."""
    exited = state is ContainerState.EXITED
    return ContainerStatus(
        f"test://{name}-{attempt}",
        UID,
        name,
        attempt,
        state,
        "img",
        "ref",
        created_at=NOW - 60,
        started_at=0.0 if state is ContainerState.CREATED else NOW - 60,
        finished_at=NOW - ended_s if exited else 0.0,
        exit_code=code,
    )


def exited(name: str = "web", code: int = 0, **more: Any) -> ContainerStatus:
    return a_run(name, ContainerState.EXITED, code=code, **more)


def seen(*runs: ContainerStatus, **more: Any) -> Observed:
    """An observation with a ready sandbox and present images; running containers are ready."""
    by_name: dict[str, list[ContainerStatus]] = {}
    for run in runs:
        by_name.setdefault(run.name, []).append(run)
    running = [run.name for run in runs if run.state is ContainerState.RUNNING]
    given: dict[str, Any] = {
        "accepted_at": NOW - 100,
        "host_ip": "127.0.0.1",
        "ip": "10.0.0.2",
        "sandbox": READY,
        "runs": by_name,
        "images": dict.fromkeys(("web", "side", "first", "second", "a", "b"), PRESENT),
        "probes": {name: ProbeView(True, True) for name in running},
    }
    return Observed(**{**given, **more})
