"""Takes away pods that nobody else will: on nodes that no longer exist, never bound, long finished.

A node that disappears is given ``NODE_QUARANTINE_S`` to come back and is then looked for live
before its pods are failed and force-deleted. A pod that is being deleted but was never bound has no
kubelet to finish it. Pods on a node tainted out-of-service are known to be dead. Of finished pods
the oldest beyond a threshold go.
"""

import sys
from collections.abc import Sequence

from attrs import frozen

from kube_actors.api import Object
from kube_actors.controllers.config import NODE_QUARANTINE_S, TERMINATED_PODS_MAX
from kube_actors.controllers.loop import (
    Controller,
    Delete,
    Effect,
    Look,
    Patch,
    Record,
    RequeueAfter,
    Round,
    Together,
    View,
    Watch,
    identity,
    seconds,
)
from kube_actors.controllers.nodes.liveness import NodeRecord, node_record
from kube_actors.controllers.nodes.taints import OUT_OF_SERVICE
from kube_actors.controllers.objects import FINISHED_PHASES, patch_pod_status

FINISHED = "finished"
UNBOUND = "unbound"


@frozen
class GarbagePod(Record):
    """Where a pod is and whether it is over."""

    node: str
    finished: bool
    deleting: bool
    created_s: float


@frozen
class GarbageState:
    """Pods under one heading: a lost node's, the unbound, or the finished ones."""

    heading: str
    pods: Sequence[GarbagePod]
    node: NodeRecord | None = None
    gone_s: float | None = None
    terminated_max: int = TERMINATED_PODS_MAX
    quarantine_s: float = NODE_QUARANTINE_S


def garbage_pod(obj: Object) -> GarbagePod:
    """Keep what tells garbage."""
    meta = obj["metadata"]
    return GarbagePod(
        *identity(obj),
        node=sys.intern((obj.get("spec") or {}).get("nodeName", "")),
        finished=(obj.get("status") or {}).get("phase") in FINISHED_PHASES,
        deleting=bool(meta.get("deletionTimestamp")),
        created_s=seconds(meta.get("creationTimestamp")) or 0.0,
    )


def headings(pod: GarbagePod) -> tuple[str, ...]:
    """Give the headings a pod stands under."""
    found = [f"node/{pod.node}"] if pod.node else []
    if pod.deleting and not pod.node:
        found.append(UNBOUND)
    if pod.finished:
        found.append(FINISHED)
    return tuple(found)


def reconcile(state: GarbageState, round_: Round) -> tuple[Effect, ...]:
    """Take away what is garbage under this heading."""
    if state.heading == FINISHED:
        surplus = len(state.pods) - state.terminated_max
        oldest = sorted(state.pods, key=lambda pod: (pod.created_s, pod.namespace, pod.name))
        return _remove(oldest[: max(0, surplus)])
    if state.heading == UNBOUND:
        return _remove(state.pods)
    if state.node is not None:
        keys = [taint["key"] for taint in state.node.taints]
        dead = OUT_OF_SERVICE in keys and state.node.ready != "True"
        return _remove([pod for pod in state.pods if pod.deleting]) if dead else ()
    # A pod may have been bound before its node could be seen: it has its own quarantine.
    since_s = state.gone_s or 0.0
    due_s = {pod.uid: max(since_s, pod.created_s) + state.quarantine_s for pod in state.pods}
    over = [pod for pod in state.pods if due_s[pod.uid] <= round_.now_s]
    waits = [due - round_.now_s for due in due_s.values() if due > round_.now_s]
    later = (RequeueAfter(min(waits)),) if waits else ()
    if not over:
        return later
    question = Look("Node", "", state.heading.removeprefix("node/"))
    if not round_.asked(question):
        return (question,)
    if round_.answers[question] is not None:
        return later
    failing = tuple(_fail(pod, round_) for pod in over if not pod.finished)
    failed = (Together(failing),) if failing else ()
    return (*failed, *_remove(over), *later)


def _remove(pods: Sequence[GarbagePod]) -> tuple[Effect, ...]:
    if not pods:
        return ()
    deletes = (Delete("Pod", pod.namespace, pod.name, pod.uid, grace_period_s=0) for pod in pods)
    return (Together(tuple(deletes)),)


def _fail(pod: GarbagePod, round_: Round) -> Patch:
    condition = {
        "type": "DisruptionTarget",
        "status": "True",
        "lastTransitionTime": round_.timestamp,
        "reason": "DeletionByPodGC",
        "message": "PodGC: node no longer exists",
    }
    return patch_pod_status(pod, {"phase": "Failed", "conditions": [condition]})


def _pod_keys(view: View, old: GarbagePod | None, new: GarbagePod | None) -> tuple[str, ...]:
    if new is None or old == new:
        return ()
    return tuple(
        heading
        for heading in headings(new)
        if heading in (FINISHED, UNBOUND)
        or view.get("nodes", "", new.node) is None
        or (new.deleting and _out_of_service(view.get("nodes", "", new.node)))
    )


def _out_of_service(node: NodeRecord) -> bool:
    return any(taint["key"] == OUT_OF_SERVICE for taint in node.taints)


def _node_keys(_view: View, old: NodeRecord | None, new: NodeRecord | None) -> tuple[str, ...]:
    if new is None:
        assert old is not None
        return (f"node/{old.name}",)
    return (f"node/{new.name}",) if old != new and _out_of_service(new) else ()


def pod_garbage_collector(
    terminated_max: int = TERMINATED_PODS_MAX, quarantine_s: float = NODE_QUARANTINE_S
) -> Controller[GarbageState]:
    """Make the controller; ``terminated_max`` finished pods may stay."""

    def gather(view: View, key: str) -> GarbageState | None:
        pods = tuple(view.indexed("pods", "heading", key))
        if key in (FINISHED, UNBOUND):
            return GarbageState(key, pods, terminated_max=terminated_max)
        name = key.removeprefix("node/")
        gone_s = view.changed_at_s("nodes", "", name)
        node = view.get("nodes", "", name)
        return GarbageState(key, pods, node, gone_s, quarantine_s=quarantine_s)

    return Controller(
        name="pod-garbage-collector",
        watches=(
            Watch("nodes", node_record, _node_keys, timed=True),
            Watch("pods", garbage_pod, _pod_keys, {"heading": headings}),
        ),
        gather=gather,
        reconcile=reconcile,
        interval_s=1.0,
    )
