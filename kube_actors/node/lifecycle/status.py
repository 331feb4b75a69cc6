"""The status a kubelet reports for a pod: phase, conditions, addresses and its containers.

``compute`` starts from the status the API has, so what others wrote (readiness gates, scheduler
conditions) stays, and a condition keeps its transition time while its status is the same. A pod
that has reached Succeeded or Failed never leaves it.
"""

from typing import Any

from kube_actors.api import Object
from kube_actors.node.lifecycle.actions import (
    TERMINAL,
    Containers,
    assess_all,
    deadline_at,
    is_initialized,
    is_over,
)
from kube_actors.node.lifecycle.assessment import Assessment, Need, Patience, is_sidecar
from kube_actors.node.lifecycle.container_status import container_status, is_ready
from kube_actors.node.lifecycle.observation import Observed
from kube_actors.node.lifecycle.qos import qos_class
from kube_actors.node.runtimes import SandboxState
from kube_actors.node.timestamps import format_timestamp

Status = dict[str, Any]


def compute_status(pod: Object, observed: Observed, patience: Patience, now: float) -> Status:
    """Return the whole ``status`` to report. Pure: the pod is not changed."""
    old: Status = pod.get("status") or {}
    status: Status = dict(old)
    status["observedGeneration"] = pod["metadata"].get("generation", 1)
    status.setdefault("startTime", format_timestamp(observed.accepted_at))
    status["qosClass"] = old.get("qosClass") or qos_class(pod)
    if observed.rejection is not None:
        status["phase"] = "Failed"
        status["reason"] = observed.rejection.reason
        status["message"] = f"Pod was rejected: {observed.rejection.message}"
        return status
    containers = assess_all(pod, observed, patience, now)
    phase = _phase(pod, containers, observed, old, now)
    if phase == "Failed" and old.get("phase") != "Failed" and now >= deadline_at(pod, observed):
        status["reason"] = "DeadlineExceeded"
        status["message"] = "Pod was active on the node longer than the specified deadline"
    status["phase"] = phase
    _addresses(status, observed)
    _containers(status, pod, containers, observed, phase)
    status["conditions"] = _conditions(pod, status, containers, observed, now)
    return status


def _addresses(status: Status, observed: Observed) -> None:
    status["hostIP"] = observed.host_ip
    status["hostIPs"] = [{"ip": observed.host_ip}]
    if observed.ip:
        status["podIP"] = observed.ip
        status["podIPs"] = [{"ip": observed.ip}]


def _containers(
    status: Status, pod: Object, containers: Containers, observed: Observed, phase: str
) -> None:
    waiting = "PodInitializing" if containers.init else "ContainerCreating"
    old = {
        entry["name"]: entry
        for key in ("initContainerStatuses", "containerStatuses")
        for entry in status.get(key) or ()
    }
    for key, group, init in (
        ("initContainerStatuses", containers.init, True),
        ("containerStatuses", containers.apps, False),
    ):
        if group:
            status[key] = [
                container_status(container, found, observed, waiting, old, init=init)
                for container, found in group
            ]


def _phase(pod: Object, containers: Containers, observed: Observed, old: Status, now: float) -> str:
    """Apply Kubernetes' rules (getPhase of its kubelet) to the assessments."""
    if old.get("phase") in TERMINAL:
        return str(old["phase"])
    alive = any(found.alive for _, found in containers.every)
    ending = observed.gone or bool(pod["metadata"].get("deletionTimestamp"))
    overdue = now >= deadline_at(pod, observed)
    if (ending or overdue) and not alive:
        ended = [found.run for _, found in containers.apps]
        well = all(run is not None and run.exit_code == 0 for run in ended)
        return "Succeeded" if well and not overdue else "Failed"
    if any(
        found.need is Need.DONE and not found.succeeded
        for container, found in containers.init
        if not is_sidecar(container)
    ):
        return "Failed"
    apps = [found for _, found in containers.apps]
    if not is_initialized(containers) and all(found.run is None for found in apps):
        return "Pending"
    if any(found.run is None or _is_fresh(found) for found in apps):
        return "Pending"
    if any(found.alive for found in apps) or not is_over(pod, containers):
        return "Running"
    if alive:
        return "Running"
    return "Succeeded" if all(found.succeeded for found in apps) else "Failed"


def _is_fresh(found: Assessment) -> bool:
    """Created for the first time and not yet running."""
    return found.alive and not found.running and found.attempt == 0


def _conditions(
    pod: Object, status: Status, containers: Containers, observed: Observed, now: float
) -> list[dict[str, Any]]:
    old = {entry["type"]: entry for entry in status.get("conditions") or ()}
    phase = status["phase"]
    sandbox = observed.sandbox
    has_place = sandbox is not None and sandbox.state is SandboxState.READY and bool(observed.ip)
    waiting_init = [
        found.name
        for container, found in containers.init
        if not (is_sidecar(container) or found.succeeded)
    ]
    unready = [
        found.name
        for container, found in containers.every
        if not is_ready(container, found, observed)
        and (is_sidecar(container) or any(found is app for _, app in containers.apps))
    ]
    ready = _readiness(phase, unready)
    wanted: dict[str, tuple[bool, str, str]] = {
        "PodReadyToStartContainers": (has_place, "", ""),
        "Initialized": _initialized(phase, containers, waiting_init),
        "Ready": _gates(pod, old, ready),
        "ContainersReady": ready,
        "PodScheduled": (True, "", ""),
    }
    generation = status["observedGeneration"]
    result = [_condition(old.get(t), t, *w, generation, now) for t, w in wanted.items()]
    return result + [entry for t, entry in old.items() if t not in wanted]


def _initialized(phase: str, containers: Containers, waiting: list[str]) -> tuple[bool, str, str]:
    if phase == "Succeeded":
        return True, "PodCompleted", ""
    begun = any(found.run is not None for _, found in containers.apps)
    if waiting and not begun:
        names = " ".join(waiting)
        message = f"containers with incomplete status: [{names}]"
        return False, "ContainersNotInitialized", message
    return True, "", ""


def _readiness(phase: str, unready: list[str]) -> tuple[bool, str, str]:
    if phase == "Succeeded":
        return False, "PodCompleted", ""
    if phase == "Failed":
        return False, "PodFailed", ""
    if unready:
        names = " ".join(unready)
        return False, "ContainersNotReady", f"containers with unready status: [{names}]"
    return True, "", ""


def _gates(
    pod: Object, old: dict[str, dict[str, Any]], ready: tuple[bool, str, str]
) -> tuple[bool, str, str]:
    """Ready also asks the pod's readiness gates, which others report as conditions."""
    if not ready[0]:
        return ready
    for gate in pod["spec"].get("readinessGates") or ():
        name = gate["conditionType"]
        found = old.get(name)
        if found is None:
            text = f'corresponding condition of pod readiness gate "{name}" does not exist.'
            return False, "ReadinessGatesNotReady", text
        if found.get("status") != "True":
            text = f'the status of pod readiness gate "{name}" is not "True", but {found["status"]}'
            return False, "ReadinessGatesNotReady", text
    return ready


def _condition(
    old: dict[str, Any] | None,
    kind: str,
    holds: bool,
    reason: str,
    message: str,
    generation: int,
    now: float,
) -> dict[str, Any]:
    value = "True" if holds else "False"
    same = old is not None and old.get("status") == value
    condition: dict[str, Any] = {
        "type": kind,
        "observedGeneration": generation,
        "status": value,
        "lastProbeTime": None,
        "lastTransitionTime": (old or {}).get("lastTransitionTime") if same else None,
    }
    condition["lastTransitionTime"] = condition["lastTransitionTime"] or format_timestamp(now)
    if reason:
        condition["reason"] = reason
    if message:
        condition["message"] = message
    return condition
