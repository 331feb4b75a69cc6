"""What the scheduler remembers of a node, and the running sums of the pods placed on it.

``NodeInfo`` is the frozen projection of the API object; ``NodeState`` adds the pods that are
bound or assumed there. A pod is added and removed by uid, so hearing twice of one pod is safe.
"""

import sys
from collections.abc import Mapping

import attrs

from kube_actors.api import Object, Taint, shared_labels, taints_of
from kube_actors.scheduler.pod import PodInfo, amounts

DEFAULT_CPU_MILLI = 100
DEFAULT_MEMORY_BYTES = 200 * 1024 * 1024


@attrs.frozen
class NodeInfo:
    """A node without its pods; ``allocatable`` is counted as in ``PodInfo.requests``."""

    name: str
    labels: Mapping[str, str]
    taints: tuple[Taint, ...]
    unschedulable: bool
    allocatable: Mapping[str, int]


def project_node(node: Object) -> NodeInfo:
    """Keep of a core/v1 Node what scheduling needs."""
    spec, status = node.get("spec") or {}, node.get("status") or {}
    return NodeInfo(
        name=sys.intern(node["metadata"]["name"]),
        labels=shared_labels(node["metadata"].get("labels")),
        taints=taints_of(node),
        unschedulable=bool(spec.get("unschedulable")),
        allocatable=amounts(status.get("allocatable") or status.get("capacity")),
    )


class NodeState:
    """One node with its pods; ``requested`` and ``nonzero`` are kept as running sums.

    ``nonzero`` (CPU, memory) counts 100m and 200 MiB for pods that ask for nothing, so that
    scoring still spreads them, as kube-scheduler's ``NonZeroRequested`` does. ``owned`` counts the
    pods that stay by namespace and owner, which spreading asks of every node for every pod.
    """

    __slots__ = ("info", "nonzero_cpu", "nonzero_memory", "owned", "pods", "ports", "requested")

    def __init__(self, info: NodeInfo) -> None:
        self.info = info
        self.pods: dict[str, PodInfo] = {}
        self.requested: dict[str, int] = {}
        self.owned: dict[tuple[str, str], int] = {}
        self.ports: dict[tuple[str, str, int], int] = {}
        self.nonzero_cpu = 0
        self.nonzero_memory = 0

    def add(self, pod: PodInfo) -> None:
        """Count a pod here; one already counted under its uid is replaced."""
        if pod.uid in self.pods:
            self.remove(pod.uid)
        self.pods[pod.uid] = pod
        self._count(pod, 1)

    def remove(self, uid: str) -> PodInfo | None:
        """Stop counting a pod; gives it, or None if it was not counted here."""
        pod = self.pods.pop(uid, None)
        if pod is not None:
            self._count(pod, -1)
        return pod

    def without(self, uids: Mapping[str, PodInfo]) -> "NodeState":
        """Copy this node as if the given pods had left (preemption's what-if)."""
        copy = NodeState(self.info)
        for uid, pod in self.pods.items():
            if uid not in uids:
                copy.add(pod)
        return copy

    def _count(self, pod: PodInfo, sign: int) -> None:
        for name, value in pod.requests.items():
            self.requested[name] = self.requested.get(name, 0) + sign * value
        for port in pod.host_ports:
            left = self.ports.get(port, 0) + sign
            if left:
                self.ports[port] = left
            else:
                self.ports.pop(port, None)
        if pod.owner and not pod.deleting:
            owned = (pod.namespace, pod.owner)
            left = self.owned.get(owned, 0) + sign
            if left:
                self.owned[owned] = left
            else:
                self.owned.pop(owned, None)
        self.nonzero_cpu += sign * (pod.requests.get("cpu") or DEFAULT_CPU_MILLI)
        self.nonzero_memory += sign * (pod.requests.get("memory") or DEFAULT_MEMORY_BYTES)
