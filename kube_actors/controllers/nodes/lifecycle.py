"""Says on a node that it is dead, taints it, and marks its pods not ready.

That it is dead is decided in ``liveness``. Signs of life are timed by when *this* controller saw
them: clocks of nodes do not matter, and a controller that has just taken over gives every node its
full grace period. Evicting the pods is ``taint_eviction``'s, cleaning up after deleted nodes
``pod_garbage``'s.
"""

from collections.abc import Sequence

from attrs import frozen

from kube_actors.controllers.loop import (
    Controller,
    Effect,
    Emit,
    Patch,
    Reference,
    RequeueAfter,
    Round,
    Together,
    View,
    Watch,
)
from kube_actors.controllers.nodes.liveness import (
    Grace,
    NodeLeaseRecord,
    NodeRecord,
    dead_at_s,
    node_lease_record,
    node_record,
    silent_conditions,
)
from kube_actors.controllers.nodes.taints import retainted, wanted_taints
from kube_actors.controllers.objects import PodRecord, patch_pod_status, pod_record

LEASE_NAMESPACE = "kube-node-lease"


@frozen
class NodeState:
    """A node, when it was last heard of, whether all nodes are in trouble, its ready pods."""

    node: NodeRecord
    heard_s: float
    all_in_trouble: bool
    ready_pods: Sequence[PodRecord]
    grace: Grace


def reconcile(state: NodeState, round_: Round) -> tuple[Effect, ...]:
    """Declare a silent node dead; else keep its taints, and its pods' readiness, to its state."""
    node = state.node
    if node.deleting:
        return ()
    dead_s = dead_at_s(node, state.heard_s, state.grace)
    effects: list[Effect] = []
    if dead_s is not None:
        if dead_s <= round_.now_s:
            return _declare_dead(node, round_)
        effects.append(RequeueAfter(dead_s - round_.now_s))
    wanted = wanted_taints(node, state.all_in_trouble)
    taints = retainted(node.taints, wanted, round_.timestamp)
    if taints is not None:
        body = {"metadata": node.guard, "spec": {"taints": taints}}
        effects.append(Patch("Node", "", node.name, body, gone_ok=True))
    if node.ready in ("False", "Unknown"):
        effects += _mark_pods(state, round_)
        effects.append(RequeueAfter(state.grace.monitor_s))
    return tuple(effects)


def _declare_dead(node: NodeRecord, round_: Round) -> tuple[Effect, ...]:
    status = {"conditions": silent_conditions(node, round_.timestamp)}
    body = {"metadata": node.guard, "status": status}
    patch = Patch("Node", "", node.name, body, subresource="status", gone_ok=True)
    if node.ready != "True":
        return (patch,)
    reference = Reference("v1", "Node", "", node.name, node.uid)
    text = f"Node {node.name} status is now: NodeNotReady"
    return (patch, Emit(reference, "NodeNotReady", text))


def _mark_pods(state: NodeState, round_: Round) -> list[Effect]:
    """Take readiness from pods that were ready before their node was lost."""
    lost_s = state.node.ready_changed_s
    lost = [
        pod
        for pod in state.ready_pods
        if pod.ready_since_s is not None and pod.ready_since_s <= lost_s
    ]
    if not lost:
        return []
    condition = {"type": "Ready", "status": "False", "lastTransitionTime": round_.timestamp}
    patches = tuple(patch_pod_status(pod, {"conditions": [condition]}) for pod in lost)
    events = [Emit(pod.reference, "NodeNotReady", "Node is not ready", "Warning") for pod in lost]
    return [Together(patches), *events]


def _node_keys(view: View, old: NodeRecord | None, new: NodeRecord | None) -> tuple[str, ...]:
    """Wake the node; whether all are in trouble concerns all of them."""
    before, after = (None if node is None else node.ready for node in (old, new))
    if before != after:
        return tuple(node.name for node in view.values("nodes"))
    return () if new is None or old == new else (new.name,)


def _lease_keys(
    view: View, _old: NodeLeaseRecord | None, new: NodeLeaseRecord | None
) -> tuple[str, ...]:
    """Wake only a node that is not well: others are looked at when their grace has passed."""
    if new is None:
        return ()
    node = view.get("nodes", "", new.name)
    return (new.name,) if node is not None and node.ready != "True" else ()


def _ready_on(pod: PodRecord) -> tuple[str, ...]:
    return (pod.node,) if pod.ready and pod.node else ()


def _pod_keys(view: View, old: PodRecord | None, new: PodRecord | None) -> tuple[str, ...]:
    """Wake the node of a ready pod if that node is lost."""
    if new is None or old == new or not new.ready or not new.node:
        return ()
    node = view.get("nodes", "", new.node)
    return (new.node,) if node is not None and node.ready != "True" else ()


def node_lifecycle(grace: Grace) -> Controller[NodeState]:
    """Make the controller with its grace periods."""

    def gather(view: View, key: str) -> NodeState | None:
        node: NodeRecord | None = view.get("nodes", "", key)
        if node is None:
            return None
        signs = (
            view.changed_at_s("nodes", "", key),
            view.changed_at_s("leases", LEASE_NAMESPACE, key),
        )
        heard_s = max((sign for sign in signs if sign is not None), default=node.created_s)
        in_trouble = all(other.ready != "True" for other in view.values("nodes"))
        pods = view.indexed("pods", "ready_on", key) if node.ready != "True" else ()
        return NodeState(node, heard_s, in_trouble, tuple(pods), grace)

    return Controller(
        name="node-lifecycle",
        watches=(
            Watch("nodes", node_record, _node_keys, timed=True),
            Watch(
                "leases",
                node_lease_record,
                _lease_keys,
                namespace=LEASE_NAMESPACE,
                timed=True,
            ),
            Watch("pods", pod_record, _pod_keys, {"ready_on": _ready_on}),
        ),
        gather=gather,
        reconcile=reconcile,
    )
