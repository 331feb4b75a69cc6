"""Pods as controllers that count them see them, and the words Kubernetes has for their states.

*Active* is neither finished nor being deleted; *ready* is the Ready condition; *available* is
ready for at least ``minReadySeconds`` (pkg/controller/controller_utils.go, api/v1/pod/util.go).
"""

import sys
from collections.abc import Iterable, Mapping
from typing import Any

from attrs import frozen

from kube_actors.api import Object
from kube_actors.controllers.loop import (
    Patch,
    Record,
    Reference,
    RequeueAfter,
    controller_uid,
    identity,
    labels_of,
    seconds,
)
from kube_actors.controllers.objects.conditions import find_condition

DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
FINISHED_PHASES = ("Succeeded", "Failed")


@frozen
class PodRecord(Record):
    """``ready_since_s`` is None unless ready; ``owner_uid`` is the controlling owner's or ""."""

    labels: Mapping[str, str]
    owner_uid: str
    phase: str
    node: str
    ready_since_s: float | None
    created_s: float
    deleting: bool
    restarts: int
    deletion_cost: int

    @property
    def reference(self) -> Reference:
        """The pod as what an event is about."""
        return Reference("v1", "Pod", self.namespace, self.name, self.uid)

    @property
    def finished(self) -> bool:
        """Whether every container has ended for good: phase Succeeded or Failed."""
        return self.phase in FINISHED_PHASES

    @property
    def active(self) -> bool:
        """Whether it counts as a replica: neither finished nor being deleted."""
        return not self.deleting and not self.finished

    @property
    def terminating(self) -> bool:
        """Being deleted and not finished yet."""
        return self.deleting and not self.finished

    @property
    def ready(self) -> bool:
        """Whether the Ready condition is True; a pod that is being deleted may still be ready."""
        return self.ready_since_s is not None

    def available_at_s(self, min_ready_s: float) -> float | None:
        """Tell from when it is available if nothing happens; None while it is not ready."""
        return None if self.ready_since_s is None else self.ready_since_s + min_ready_s

    def available(self, min_ready_s: float, now_s: float) -> bool:
        """Tell whether it has been ready for ``min_ready_s``; 0 asks for readiness alone."""
        since = self.available_at_s(min_ready_s)
        return since is not None and (min_ready_s == 0 or since <= now_s)


def ready_since_s(obj: Object) -> float | None:
    """Tell since when the pod's Ready condition is True; None if it is not."""
    ready = find_condition((obj.get("status") or {}).get("conditions"), "Ready")
    if ready is None or ready.get("status") != "True":
        return None
    return seconds(ready.get("lastTransitionTime")) or 0.0


def availability_wait(
    pods: Iterable[PodRecord], min_ready_s: float, now_s: float
) -> tuple[RequeueAfter, ...]:
    """Ask again when the next of these pods has been ready long enough; no effect without one."""
    waits = [
        since_s - now_s
        for pod in pods
        if (since_s := pod.available_at_s(min_ready_s)) is not None and since_s > now_s
    ]
    return (RequeueAfter(min(waits)),) if waits and min_ready_s else ()


def patch_pod_status(pod: Record, status: Mapping[str, Any]) -> Patch:
    """Merge into a pod's status by its uid alone: the kubelet writes it meanwhile."""
    body = {"metadata": {"uid": pod.uid}, "status": status}
    return Patch(
        "Pod",
        pod.namespace,
        pod.name,
        body,
        type="strategic",
        subresource="status",
        gone_ok=True,
    )


def _deletion_cost(meta: Mapping[str, Any]) -> int:
    try:
        return int((meta.get("annotations") or {}).get(DELETION_COST, 0))
    except ValueError:
        return 0


def pod_record(obj: Object) -> PodRecord:
    """Keep what replica counting needs of a pod."""
    meta, status = obj["metadata"], obj.get("status") or {}
    containers = status.get("containerStatuses") or ()
    return PodRecord(
        *identity(obj),
        labels=labels_of(obj),
        owner_uid=controller_uid(obj),
        phase=sys.intern(status.get("phase", "")),
        node=sys.intern((obj.get("spec") or {}).get("nodeName", "")),
        ready_since_s=ready_since_s(obj),
        created_s=seconds(meta.get("creationTimestamp")) or 0.0,
        deleting=bool(meta.get("deletionTimestamp")),
        restarts=max((status.get("restartCount", 0) for status in containers), default=0),
        deletion_cost=_deletion_cost(meta),
    )
