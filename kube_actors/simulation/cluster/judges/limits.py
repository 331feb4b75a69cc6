"""Limits that no moment may exceed: pods of a rollout, pods of a Job, a node's load, addresses.

Pure listeners of the history. Where a controller may act on a view that is a moment old, the most
that it may have been asked for lately counts.
"""

import math
from collections import deque
from typing import Any

from kube_actors.api import parse_quantity
from kube_actors.simulation.cluster.history import Change, History, Object
from kube_actors.simulation.cluster.judges.invariants import (
    DEPLOYMENTS,
    PODS,
    SETS,
    STALE_REVISIONS,
)
from kube_actors.simulation.cluster.promises import Breaches

JOBS, SERVICES, NODES = "batch/jobs", "core/services", "core/nodes"
_OVER = ("Succeeded", "Failed")


class Lately:
    """What numbers were, by uid, as far back as a view may be behind."""

    def __init__(self) -> None:
        self._kept: dict[str, deque[tuple[int, int]]] = {}

    def note(self, uid: str, revision: int, number: int) -> None:
        """Note a number as of a revision, not before the last; forget what nobody can see."""
        kept = self._kept.setdefault(uid, deque())
        kept.append((revision, number))
        while len(kept) > 1 and kept[1][0] < revision - STALE_REVISIONS:
            kept.popleft()

    def most(self, uid: str, revision: int) -> int:
        """Say the largest that somebody may still have seen; 0 if nothing was noted."""
        kept = self._kept.get(uid) or deque()
        while len(kept) > 1 and kept[1][0] < revision - STALE_REVISIONS:
            kept.popleft()
        return max((number for _, number in kept), default=0)


class RolloutSurge:
    """``rollout-surge``: judged when a ReplicaSet is asked for more pods, as Kubernetes counts.

    What a ReplicaSet makes is not judged: a leader that has just taken over may not have seen the
    last pod of its predecessor, and takes one away again.
    """

    def __init__(self, history: History, breaches: Breaches) -> None:
        self._history = history
        self._breaches = breaches
        self._asked = Lately()

    def __call__(self, change: Change) -> None:
        obj = change.object
        if obj is None:
            return
        if change.resource == DEPLOYMENTS:
            self._asked.note(_uid(obj), change.revision, most_pods(obj))
        elif change.resource == SETS:
            before = change.before if change.before and _uid(change.before) == _uid(obj) else None
            self._asked.note(_uid(obj), change.revision, _replicas(obj))
            if _replicas(obj) > (0 if before is None else _replicas(before)):
                self._judge_set(change, obj)

    def _judge_set(self, change: Change, obj: Object) -> None:
        owner = _controller(obj)
        if owner.get("kind") != "Deployment":
            return
        total = sum(
            _replicas(other)
            for other in self._history.of(SETS).values()
            if _controller(other).get("uid") == owner["uid"]
        )
        most = self._asked.most(owner["uid"], change.revision)
        if total > most:
            text = (
                f"{change.key} was asked for {_replicas(obj)} at revision {change.revision}: the"
                f" sets of {owner['name']} are asked for {total} pods together, {most} may be"
            )
            self._breaches.found("rollout-surge", text)


class JobParallelism:
    """``job-parallelism``: judged when a Job makes a pod."""

    def __init__(self, history: History, breaches: Breaches) -> None:
        self._history = history
        self._breaches = breaches
        self._asked = Lately()

    def __call__(self, change: Change) -> None:
        obj = change.object
        if obj is None:
            return
        if change.resource == JOBS:
            parallelism = int((obj.get("spec") or {}).get("parallelism", 1))
            self._asked.note(_uid(obj), change.revision, parallelism)
        elif change.resource == PODS and change.before is None:
            self._judge(change, obj)

    def _judge(self, change: Change, obj: Object) -> None:
        owner = _controller(obj)
        space = obj["metadata"]["namespace"]
        job = self._history.objects.get(f"/registry/{JOBS}/{space}/{owner.get('name')}")
        if owner.get("kind") != "Job" or job is None or _uid(job) != owner["uid"]:
            return
        living = len(_living(self._history, owner["uid"]))
        most = self._asked.most(owner["uid"], change.revision)
        wanted = job["spec"].get("completions")
        done = int((job.get("status") or {}).get("succeeded") or 0)
        where = f"{change.key} is pod {living} of job {owner['name']} at revision {change.revision}"
        if living > most:
            self._breaches.found("job-parallelism", f"{where}, {most} may run at a time")
        elif wanted is not None and living + done > wanted:
            text = f"{where}: {done} have succeeded, {wanted} are wanted"
            self._breaches.found("job-parallelism", text)


class ServiceAddresses:
    """``service-address-unique``: judged whenever a Service has an address."""

    def __init__(self, breaches: Breaches) -> None:
        self._breaches = breaches
        self._holders: dict[str, str] = {}

    def __call__(self, change: Change) -> None:
        if change.resource != SERVICES:
            return
        for ip in _addresses(change.before):
            if self._holders.get(ip) == change.key:
                del self._holders[ip]
        for ip in _addresses(change.object):
            holder = self._holders.setdefault(ip, change.key)
            if holder != change.key:
                text = f"{change.key} has {ip} since revision {change.revision}, as {holder} has"
                self._breaches.found("service-address-unique", text)


class NodeLoad:
    """``node-not-overcommitted``: judged when a pod is bound.

    Pods that were made with a node were not bound by a scheduler: they count, and are not judged.
    """

    def __init__(self, history: History, breaches: Breaches) -> None:
        self._history = history
        self._breaches = breaches

    def __call__(self, change: Change) -> None:
        if change.resource != PODS or change.object is None or change.before is None:
            return
        name = node_of(change.object)
        if not name or node_of(change.before):
            return
        node = self._history.objects.get(f"/registry/{NODES}/-/{name}")
        if node is None:
            return
        for resource, (asked, there) in load(self._history, node).items():
            if asked > there:
                text = (
                    f"{change.key} was bound at revision {change.revision}: the pods of {name} ask"
                    f" for {asked:g} {resource}, it has {there:g}"
                )
                self._breaches.found("node-not-overcommitted", text)


def load(history: History, node: Object) -> dict[str, tuple[float, float]]:
    """Give what a node's pods ask for and what it has, by resource; cpu in cores, pods as one."""
    there = (node.get("status") or {}).get("allocatable") or {}
    name = node["metadata"]["name"]
    pods = [p for p in history.of(PODS).values() if node_of(p) == name and not _is_over(p)]
    asked: dict[str, float] = {"pods": len(pods)}
    for pod in pods:
        for resource, amount in requests(pod).items():
            asked[resource] = asked.get(resource, 0.0) + amount
    return {
        resource: (round(amount, 6), _number(there[resource]))
        for resource, amount in asked.items()
        if resource in there
    }


def requests(pod: Object) -> dict[str, float]:
    """Give what the containers of a pod ask for together, by resource."""
    asked: dict[str, float] = {}
    for container in pod["spec"]["containers"]:
        for resource, text in ((container.get("resources") or {}).get("requests") or {}).items():
            asked[resource] = asked.get(resource, 0.0) + _number(text)
    return asked


def most_pods(deployment: Object) -> int:
    """Replicas and maxSurge, as Kubernetes rounds it; nothing at all for no replicas."""
    spec = deployment.get("spec") or {}
    replicas = int(spec.get("replicas", 1))
    strategy = spec.get("strategy") or {}
    if not replicas or strategy.get("type") == "Recreate":
        return replicas
    surge = (strategy.get("rollingUpdate") or {}).get("maxSurge", "25%")
    if isinstance(surge, str):
        surge = math.ceil(int(surge.removesuffix("%")) * replicas / 100)
    return replicas + int(surge)


def node_of(pod: Object) -> str:
    """Name the node that a pod is bound to; empty before it is."""
    return str((pod.get("spec") or {}).get("nodeName") or "")


def _living(history: History, uid: str) -> list[Object]:
    """Collect an owner's pods that have not ended and are not going to, as controllers count."""
    return [
        pod
        for pod in history.of(PODS).values()
        if _controller(pod).get("uid") == uid
        and not pod["metadata"].get("deletionTimestamp")
        and not _is_over(pod)
    ]


def _is_over(pod: Object) -> bool:
    return (pod.get("status") or {}).get("phase") in _OVER


def _controller(obj: Object) -> dict[str, Any]:
    owners = obj["metadata"].get("ownerReferences") or ()
    return next((owner for owner in owners if owner.get("controller")), {})


def _addresses(service: Object | None) -> list[str]:
    spec = (service or {}).get("spec") or {}
    given = spec.get("clusterIPs") or [spec.get("clusterIP")]
    return [ip for ip in given if ip and ip != "None"]


def _number(text: Any) -> float:
    return float(parse_quantity(text).milli()) / 1000


def _replicas(obj: Object) -> int:
    return int((obj.get("spec") or {}).get("replicas", 1))


def _uid(obj: Object) -> str:
    return str(obj["metadata"]["uid"])
