"""The scheduler's picture of the cluster: nodes, the pods on them, and pods it has assumed.

An assumed pod counts on its node from the decision on, before the API server has confirmed the
binding: the next decision must not use the same room twice. Confirmation replaces it; a failed
binding forgets it. A nominated pod waits for room that it has others make on a node: pods less
important than it must not take that room first.
"""

from collections.abc import Mapping

from kube_actors.scheduler.node import NodeInfo, NodeState
from kube_actors.scheduler.pod import PodInfo


class Snapshot:
    """Mutable, owned by one scheduler; every method is synchronous and idempotent."""

    def __init__(self) -> None:
        self.nodes: dict[str, NodeState] = {}
        self.namespaces: dict[str, Mapping[str, str]] = {}
        self._where: dict[str, str] = {}
        self._assumed: dict[str, str] = {}
        self._stray: dict[str, dict[str, PodInfo]] = {}
        self._nominated: dict[str, tuple[PodInfo, str]] = {}
        self.affine_pods: dict[str, PodInfo] = {}

    def set_node(self, info: NodeInfo) -> None:
        """Learn of a node or of its change; pods heard of before it are counted on it now."""
        state = self.nodes.get(info.name)
        if state is not None:
            state.info = info
            return
        state = self.nodes[info.name] = NodeState(info)
        # Pods may be heard of before their node is: they waited here.
        for pod in self._stray.pop(info.name, {}).values():
            state.add(pod)

    def remove_node(self, name: str) -> None:
        """Forget a node; its pods are kept, in case it comes back."""
        state = self.nodes.pop(name, None)
        if state is not None and state.pods:
            self._stray[name] = dict(state.pods)

    def set_pod(self, pod: PodInfo) -> None:
        """Count a pod that the API server shows on a node."""
        if pod.terminal or not pod.node_name:
            if pod.terminal or pod.uid not in self._assumed:
                self.remove_pod(pod.uid)
            return
        self._assumed.pop(pod.uid, None)
        self._nominated.pop(pod.uid, None)
        self._place(pod, pod.node_name)

    def assume(self, pod: PodInfo, node_name: str) -> None:
        """Count a pod on a node before its binding is confirmed."""
        self._assumed[pod.uid] = node_name
        self._place(pod, node_name)

    def forget(self, uid: str) -> None:
        """Take back an assumption whose binding failed; a confirmed pod stays."""
        if self._assumed.pop(uid, None) is not None:
            self._displace(uid)

    def is_assumed(self, uid: str) -> bool:
        """Tell whether a pod's binding is decided and not confirmed yet."""
        return uid in self._assumed

    def nominate(self, pod: PodInfo, node_name: str) -> None:
        """Keep room for a pod on the node where it has others make some; "" gives it up."""
        if node_name:
            self._nominated[pod.uid] = (pod, node_name)
        else:
            self._nominated.pop(pod.uid, None)

    def nomination(self, uid: str) -> str:
        """Name the node where room is kept for a pod, "" for none."""
        known = self._nominated.get(uid)
        return known[1] if known is not None else ""

    def nominated_to(self, node_name: str, pod: PodInfo) -> list[PodInfo]:
        """Return those, at least as important as ``pod``, for whom room on the node is kept."""
        if not self._nominated:
            return []
        return [
            other
            for other, name in self._nominated.values()
            if name == node_name
            and other.priority >= pod.priority
            and other.uid != pod.uid
            and other.uid not in self._where
        ]

    def remove_pod(self, uid: str) -> None:
        """Forget a pod, its assumption and its nomination."""
        self._assumed.pop(uid, None)
        self._nominated.pop(uid, None)
        self._displace(uid)

    def node_of(self, uid: str) -> str:
        """Name the node that a pod is counted on, assumed or confirmed; "" for none."""
        return self._where.get(uid, "")

    def _displace(self, uid: str) -> None:
        self.affine_pods.pop(uid, None)
        name = self._where.pop(uid, None)
        if name is None:
            return
        state = self.nodes.get(name)
        if state is not None:
            state.remove(uid)
        stray = self._stray.get(name)
        if stray is not None:
            stray.pop(uid, None)
            if not stray:
                del self._stray[name]

    def _place(self, pod: PodInfo, node_name: str) -> None:
        before = self._where.get(pod.uid)
        if before is not None and before != node_name:
            self._displace(pod.uid)
        self._where[pod.uid] = node_name
        if pod.affinity or pod.anti_affinity or pod.preferred_affinity:
            self.affine_pods[pod.uid] = pod
        else:
            self.affine_pods.pop(pod.uid, None)
        state = self.nodes.get(node_name)
        if state is not None:
            state.add(pod)
        else:
            self._stray.setdefault(node_name, {})[pod.uid] = pod
