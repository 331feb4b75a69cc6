"""Decides that a node is dead: how long one may be silent, and what is then said of it.

A node gives a sign of life when its kubelet renews its Lease or posts its status. ``dead_at_s`` is
the one place that says when silence has lasted too long; ``lifecycle`` asks it, writes the
``Unknown`` conditions given here and has the node tainted. Reasons and messages are Kubernetes'
(monitorNodeHealth in pkg/controller/nodelifecycle).
"""

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from kube_actors.api import Object, shared_condition
from kube_actors.controllers.config import (
    NODE_MONITOR_GRACE_S,
    NODE_MONITOR_PERIOD_S,
    NODE_STARTUP_GRACE_S,
)
from kube_actors.controllers.loop import Record, identity, seconds
from kube_actors.controllers.objects import Condition, find_condition

HEARTBEAT_CONDITIONS = ("Ready", "MemoryPressure", "DiskPressure", "PIDPressure")


@frozen
class Grace:
    """How long a node may be silent, and how long one that never spoke may take to begin.

    A node that is not well is looked at every ``monitor_s`` even if nothing happens.
    """

    node_s: float = NODE_MONITOR_GRACE_S
    startup_s: float = NODE_STARTUP_GRACE_S
    monitor_s: float = NODE_MONITOR_PERIOD_S


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
        """When the Ready condition last changed its status, in unix seconds; 0 if unknown."""
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


def dead_at_s(node: NodeRecord, heard_s: float, grace: Grace) -> float | None:
    """Tell when a node counts as dead unless it is heard of before; None once it does.

    ``heard_s`` is when this controller last saw a sign of life, by its own clock. A node whose
    kubelet never posted a Ready condition has ``startup_s`` from its creation.
    """
    if node.ready == "Unknown":
        return None
    due_s = heard_s + grace.node_s
    return due_s if node.ready else max(due_s, node.created_s + grace.startup_s)


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
