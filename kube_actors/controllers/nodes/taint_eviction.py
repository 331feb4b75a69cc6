"""Deletes pods from nodes with NoExecute taints, each after as long as it tolerates them.

A pod that does not tolerate a taint goes at once; one that tolerates it for a time goes when that
time has passed since the taint was added. A taint that goes away in time saves the pod: the next
look at it finds nothing to do.
"""

import sys

from attrs import frozen

from kube_actors.api import Object, Taint, Toleration, taints_of, tolerations_of
from kube_actors.controllers.loop import (
    Controller,
    Delete,
    Effect,
    Emit,
    Record,
    Reference,
    RequeueAfter,
    Round,
    View,
    Watch,
    attribute_index,
    identity,
    key_of,
    seconds,
    split_key,
)
from kube_actors.controllers.objects import patch_pod_status


@frozen
class NoExecuteTaint:
    """``since_s`` is None when nobody wrote when the taint was added."""

    taint: Taint
    since_s: float | None


@frozen
class TaintedNode(Record):
    """A node's NoExecute taints."""

    taints: tuple[NoExecuteTaint, ...]


@frozen
class TolerantPod(Record):
    """Where a pod is, "" while it is nowhere, and what it tolerates there."""

    node: str
    tolerations: tuple[Toleration, ...]
    deleting: bool

    @property
    def reference(self) -> Reference:
        """The pod as what an event is about."""
        return Reference("v1", "Pod", self.namespace, self.name, self.uid)


@frozen
class Exposure:
    """A pod and what it is exposed to."""

    pod: TolerantPod
    taints: tuple[NoExecuteTaint, ...]


def tolerant_pod(obj: Object) -> TolerantPod:
    """Keep where a pod is and what it tolerates there."""
    spec = obj.get("spec") or {}
    return TolerantPod(
        *identity(obj),
        node=sys.intern(spec.get("nodeName", "")),
        tolerations=tolerations_of(spec),
        deleting=bool(obj["metadata"].get("deletionTimestamp")),
    )


def tainted_node(obj: Object) -> TaintedNode:
    """Keep a node's NoExecute taints."""
    written = (obj.get("spec") or {}).get("taints") or ()
    taints = tuple(
        NoExecuteTaint(taint, seconds(each.get("timeAdded")))
        for taint, each in zip(taints_of(obj), written, strict=True)
        if taint.effect == "NoExecute"
    )
    return TaintedNode(*identity(obj), taints=taints)


def eviction_due_s(state: Exposure, now_s: float) -> float | None:
    """Tell when the pod has to go: None never, a time in the past at once."""
    due: list[float] = []
    for taint in state.taints:
        fitting = [one for one in state.pod.tolerations if one.tolerates(taint.taint)]
        if not fitting:
            return now_s
        limits = [one.for_s for one in fitting if one.for_s is not None]
        if limits:
            since_s = now_s if taint.since_s is None else taint.since_s
            due.append(since_s + max(0, min(limits)))
    return min(due, default=None)


def reconcile(state: Exposure, round_: Round) -> tuple[Effect, ...]:
    """Delete the pod if its time has come, else wait for that time."""
    pod = state.pod
    due_s = None if pod.deleting else eviction_due_s(state, round_.now_s)
    if due_s is None:
        return ()
    if due_s > round_.now_s:
        return (RequeueAfter(due_s - round_.now_s),)
    condition = {
        "type": "DisruptionTarget",
        "status": "True",
        "lastTransitionTime": round_.timestamp,
        "reason": "DeletionByTaintManager",
        "message": "Taint manager: deleting due to NoExecute taint",
    }
    return (
        Emit(
            pod.reference,
            "TaintManagerEviction",
            f"Marking for deletion Pod {pod.namespace}/{pod.name}",
        ),
        patch_pod_status(pod, {"conditions": [condition]}),
        Delete("Pod", pod.namespace, pod.name, pod.uid),
    )


def gather(view: View, key: str) -> Exposure | None:
    """Find a pod's taints; None when it is on no tainted node."""
    pod: TolerantPod | None = view.get("pods", *split_key(key))
    if pod is None or not pod.node:
        return None
    node: TaintedNode | None = view.get("nodes", "", pod.node)
    if node is None or not node.taints:
        return None
    return Exposure(pod, node.taints)


def _pod_keys(view: View, old: TolerantPod | None, new: TolerantPod | None) -> tuple[str, ...]:
    if new is None or old == new or new.deleting or not new.node:
        return ()
    node = view.get("nodes", "", new.node)
    return (key_of(new.namespace, new.name),) if node is not None and node.taints else ()


def _node_keys(view: View, old: TaintedNode | None, new: TaintedNode | None) -> tuple[str, ...]:
    if new is None or old == new or not (new.taints or (old is not None and old.taints)):
        return ()
    return tuple(key_of(pod.namespace, pod.name) for pod in view.indexed("pods", "node", new.name))


TAINT_EVICTION: Controller[Exposure] = Controller(
    name="taint-eviction",
    watches=(
        Watch("nodes", tainted_node, _node_keys),
        Watch("pods", tolerant_pod, _pod_keys, {"node": attribute_index("node")}),
    ),
    gather=gather,
    reconcile=reconcile,
    workers=8,
)
