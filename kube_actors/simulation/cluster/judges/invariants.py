"""What must hold after every change in the store: binding, rollouts, owners.

Pure listeners of the history. They judge by what stands in the store, as the controller that acts
could have seen it: a decision on a view that is a moment old is no breach.
"""

import math
from collections import deque
from typing import Any

from kube_actors.simulation.cluster.history import Change, History, Object
from kube_actors.simulation.cluster.promises import Breaches

PODS, SETS, DEPLOYMENTS = "core/pods", "apps/replicasets", "apps/deployments"
DESIRED = "deployment.kubernetes.io/desired-replicas"
STALE_REVISIONS = 200
"""How old a view may be that a controller acts on, in revisions of the store."""


class BoundOnce:
    """``pod-bound-once``."""

    def __init__(self, breaches: Breaches) -> None:
        self._breaches = breaches
        self._nodes: dict[str, str] = {}

    def __call__(self, change: Change) -> None:
        if change.resource != PODS or change.object is None:
            return
        node = (change.object.get("spec") or {}).get("nodeName")
        if not node:
            return
        uid = change.object["metadata"]["uid"]
        before = self._nodes.setdefault(uid, node)
        if before != node:
            text = f"{change.key} was on {before} and is on {node} since {change.revision}"
            self._breaches.found("pod-bound-once", text)


class RolloutAvailability:
    """``rollout-availability``, judged when a ReplicaSet is made smaller.

    What the controller counts are the sets' ``availableReplicas``. Of the sets that it does not
    shrink here it may have seen an older status, so the most that stood there lately counts. A
    deployment that is being scaled is judged by proportion, not by availability: left alone here.
    """

    def __init__(self, history: History, breaches: Breaches) -> None:
        self._history = history
        self._breaches = breaches
        self._seen: dict[str, deque[tuple[int, int]]] = {}
        self._least: dict[str, deque[tuple[int, float]]] = {}

    def __call__(self, change: Change) -> None:
        if change.resource == DEPLOYMENTS and change.object is not None:
            self._remember(self._least, change, _least_available(change.object))
        elif change.resource == SETS and change.object is not None:
            if change.before is not None and change.before["metadata"]["uid"] == _uid(change):
                self._judge(change, change.before, change.object)
            available = int((change.object.get("status") or {}).get("availableReplicas") or 0)
            self._remember(self._seen, change, available)

    def _remember(self, where: dict[str, Any], change: Change, value: float) -> None:
        kept = where.setdefault(_uid(change), deque())
        kept.append((change.revision, value))
        # The oldest that is kept is what stood at the edge of the window.
        while len(kept) > 1 and kept[1][0] < change.revision - STALE_REVISIONS:
            kept.popleft()

    def _judge(self, change: Change, before: Object, after: Object) -> None:
        had, has = _replicas(before), _replicas(after)
        deployment = self._owner(after)
        if has >= had or deployment is None or deployment["metadata"].get("deletionTimestamp"):
            return
        if (deployment["spec"].get("strategy") or {}).get("type") == "Recreate":
            return
        sets = self._sets(deployment)
        wanted = str(deployment["spec"].get("replicas", 1))
        if any(_annotation(obj, DESIRED) not in ("", wanted) for obj in (*sets, before, after)):
            return
        own = int((before.get("status") or {}).get("availableReplicas") or 0)
        total = sum(
            own if obj["metadata"]["uid"] == _uid(change) else self._most(obj) for obj in sets
        )
        kept = self._least.get(deployment["metadata"]["uid"])
        least = min((value for _, value in kept), default=0) if kept else 0
        unavailable = max(0, had - own)
        taken = max(0, had - has - unavailable)
        if taken and total - taken < least:
            name = deployment["metadata"]["name"]
            text = (
                f"{change.key} went from {had} to {has} at revision {change.revision}: {total} pods"
                f" of {name} were available, {least:g} must stay"
            )
            self._breaches.found("rollout-availability", text)

    def _most(self, obj: Object) -> int:
        kept = self._seen.get(obj["metadata"]["uid"])
        return max((value for _, value in kept), default=0) if kept else 0

    def _owner(self, obj: Object) -> Object | None:
        meta = obj["metadata"]
        for owner in meta.get("ownerReferences") or ():
            if owner["kind"] == "Deployment":
                key = f"/registry/{DEPLOYMENTS}/{meta['namespace']}/{owner['name']}"
                found = self._history.objects.get(key)
                if found is not None and found["metadata"]["uid"] == owner["uid"]:
                    return found
        return None

    def _sets(self, deployment: Object) -> list[Object]:
        uid = deployment["metadata"]["uid"]
        return [
            obj
            for obj in self._history.of(SETS).values()
            if any(o["uid"] == uid for o in obj["metadata"].get("ownerReferences") or ())
        ]


def orphans(history: History, exempt_nodes: tuple[str, ...] = ()) -> list[str]:
    """Name every object all of whose owners are gone; pods of dead nodes cannot go."""
    uids = {obj["metadata"]["uid"]: None for obj in history.objects.values() if "metadata" in obj}
    found = []
    for key, obj in history.objects.items():
        owners = (obj.get("metadata") or {}).get("ownerReferences") or ()
        on_dead = (obj.get("spec") or {}).get("nodeName") in exempt_nodes
        if owners and not on_dead and all(owner["uid"] not in uids for owner in owners):
            found.append(key)
    return found


def _uid(change: Change) -> str:
    assert change.object is not None
    uid: str = change.object["metadata"]["uid"]
    return uid


def _replicas(obj: Object) -> int:
    return int((obj.get("spec") or {}).get("replicas", 1))


def _annotation(obj: Object, name: str) -> str:
    return str((obj["metadata"].get("annotations") or {}).get(name, ""))


def _least_available(deployment: Object) -> float:
    """Replicas less maxUnavailable, as Kubernetes rounds them (ResolveFenceposts)."""
    spec = deployment.get("spec") or {}
    replicas = int(spec.get("replicas", 1))
    rolling = (spec.get("strategy") or {}).get("rollingUpdate") or {}
    surge = _share(rolling.get("maxSurge", "25%"), replicas, up=True)
    missing = _share(rolling.get("maxUnavailable", "25%"), replicas, up=False)
    if not surge and not missing:
        missing = 1
    return replicas - min(missing, replicas)


def _share(value: Any, replicas: int, *, up: bool) -> int:
    if isinstance(value, str):
        part = int(value.removesuffix("%")) * replicas / 100
        return math.ceil(part) if up else math.floor(part)
    return int(value)
