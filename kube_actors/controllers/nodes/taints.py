"""The taints that a node's state calls for, put beside those that others gave it.

A node that is not ready is tainted: ``NoSchedule`` at once, ``NoExecute`` unless every node is in
trouble, because then the trouble is probably here. Pressure and cordoning keep new pods away. Keys
are Kubernetes' (k8s.io/api/core/v1, pkg/controller/nodelifecycle).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from kube_actors.api import NOT_READY, UNREACHABLE, UNSCHEDULABLE
from kube_actors.controllers.nodes.liveness import NodeRecord
from kube_actors.controllers.objects import find_condition

OUT_OF_SERVICE = "node.kubernetes.io/out-of-service"
PRESSURE_TAINTS = {
    "MemoryPressure": "node.kubernetes.io/memory-pressure",
    "DiskPressure": "node.kubernetes.io/disk-pressure",
    "PIDPressure": "node.kubernetes.io/pid-pressure",
    "NetworkUnavailable": "node.kubernetes.io/network-unavailable",
}
OUR_TAINTS = frozenset({NOT_READY, UNREACHABLE, UNSCHEDULABLE, *PRESSURE_TAINTS.values()})


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
