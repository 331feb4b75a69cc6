"""What the control plane makes of a node's silence: conditions, taints, and pods that cannot be.

A node that has not been heard of for its grace period gets ``Unknown`` conditions. A node that is
not ready is tainted: ``NoSchedule`` at once, ``NoExecute`` unless every node is in trouble, because
then the trouble is probably here. Reasons, messages and taint keys are Kubernetes'
(pkg/controller/nodelifecycle, k8s.io/api/core/v1).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import frozen

from kube_actors.api import NOT_READY, UNREACHABLE, UNSCHEDULABLE, Object, shared_condition
from kube_actors.controllers.loop import Record, identity, seconds
from kube_actors.controllers.objects import Condition, find_condition

OUT_OF_SERVICE = "node.kubernetes.io/out-of-service"
PRESSURE_TAINTS = {
    "MemoryPressure": "node.kubernetes.io/memory-pressure",
    "DiskPressure": "node.kubernetes.io/disk-pressure",
    "PIDPressure": "node.kubernetes.io/pid-pressure",
    "NetworkUnavailable": "node.kubernetes.io/network-unavailable",
}
HEARTBEAT_CONDITIONS = ("Ready", "MemoryPressure", "DiskPressure", "PIDPressure")
OUR_TAINTS = frozenset({NOT_READY, UNREACHABLE, UNSCHEDULABLE, *PRESSURE_TAINTS.values()})


@frozen
class NodeRecord(Record):
    """``heartbeat`` changes whenever the kubelet posts its status."""

    conditions: tuple[Condition, ...]
    taints: tuple[Mapping[str, Any], ...]
    unschedulable: bool
    created_s: float
    created: str
    heartbeat: str
    deleting: bool

    @property
    def ready(self) -> str:
        """The Ready condition's status, "" while there is none."""
        found = find_condition(self.conditions, "Ready")
        return "" if found is None else str(found.get("status", ""))

    @property
    def ready_changed_s(self) -> float:
        found = find_condition(self.conditions, "Ready") or {}
        return seconds(found.get("lastTransitionTime")) or 0.0


@frozen
class NodeLeaseRecord(Record):
    """A node's Lease; ``heartbeat`` is its renew time."""

    heartbeat: str


def node_record(obj: Object) -> NodeRecord:
    """Keep what judging a node needs."""
    meta, spec = obj["metadata"], obj.get("spec") or {}
    reported = (obj.get("status") or {}).get("conditions") or ()
    conditions = tuple(shared_condition(condition) for condition in reported)
    ready = find_condition(conditions, "Ready") or {}
    return NodeRecord(
        *identity(obj),
        conditions=conditions,
        taints=tuple(spec.get("taints") or ()),
        unschedulable=bool(spec.get("unschedulable")),
        created_s=seconds(meta.get("creationTimestamp")) or 0.0,
        created=meta.get("creationTimestamp", ""),
        heartbeat=ready.get("lastHeartbeatTime") or "",
        deleting=bool(meta.get("deletionTimestamp")),
    )


def node_lease_record(obj: Object) -> NodeLeaseRecord:
    """Keep a node's last sign of life."""
    return NodeLeaseRecord(*identity(obj), heartbeat=(obj.get("spec") or {}).get("renewTime") or "")


def silent_conditions(node: NodeRecord, timestamp: str) -> list[Condition]:
    """Give the conditions of a node that is not heard of any more."""
    result = list(node.conditions)
    for type_ in HEARTBEAT_CONDITIONS:
        old = find_condition(result, type_)
        if old is None:
            result.append(
                {
                    "type": type_,
                    "status": "Unknown",
                    "lastHeartbeatTime": node.created,
                    "lastTransitionTime": timestamp,
                    "reason": "NodeStatusNeverUpdated",
                    "message": "Kubelet never posted node status.",
                }
            )
        elif old.get("status") != "Unknown":
            unknown = {
                **old,
                "status": "Unknown",
                "lastTransitionTime": timestamp,
                "reason": "NodeStatusUnknown",
                "message": "Kubelet stopped posting node status.",
            }
            result[result.index(old)] = unknown
    return result


def wanted_taints(node: NodeRecord, all_in_trouble: bool) -> list[tuple[str, str]]:
    """Give the (key, effect) of the taints that a node's state calls for."""
    wanted: list[tuple[str, str]] = []
    key = {"True": "", "Unknown": UNREACHABLE}.get(node.ready, NOT_READY)
    if key:
        wanted.append((key, "NoSchedule"))
        if node.ready and not all_in_trouble:
            wanted.append((key, "NoExecute"))
    for type_, pressure in PRESSURE_TAINTS.items():
        found = find_condition(node.conditions, type_)
        if found is not None and found.get("status") == "True":
            wanted.append((pressure, "NoSchedule"))
    if node.unschedulable:
        wanted.append((UNSCHEDULABLE, "NoSchedule"))
    return wanted


def retainted(
    taints: Sequence[Mapping[str, Any]], wanted: Sequence[tuple[str, str]], timestamp: str
) -> list[dict[str, Any]] | None:
    """Give the taints with ours as wanted and others untouched; None when nothing changes."""
    kept = [
        dict(taint)
        for taint in taints
        if taint["key"] not in OUR_TAINTS or (taint["key"], taint["effect"]) in wanted
    ]
    have = {(taint["key"], taint["effect"]) for taint in kept}
    new = [
        {"key": key, "effect": effect, "timeAdded": timestamp}
        for key, effect in wanted
        if (key, effect) not in have
    ]
    return None if not new and len(kept) == len(taints) else kept + new
