"""Which of the nodes that fit is best: each scorer gives 0 to 100, summed with its weight.

Formulas and weights are those of kube-scheduler's default plugins: least allocated, balanced
allocation (1 each), taints (3), node affinity (2), topology spread (2), pod affinity (2). A pod
without spread constraints gets the plugin's default ones, softly: over zones and over nodes, among
the pods of its owner.
"""

import math
from collections.abc import Callable, Sequence

from kube_actors.scheduler.filters import Context
from kube_actors.scheduler.node import DEFAULT_CPU_MILLI, DEFAULT_MEMORY_BYTES, NodeState
from kube_actors.scheduler.pod import PodInfo
from kube_actors.scheduler.topology import matching

MAX_SCORE = 100
HOSTNAME = "kubernetes.io/hostname"
DEFAULT_SPREAD = (("topology.kubernetes.io/zone", 5), (HOSTNAME, 3))

Scorer = Callable[[Context, Sequence[NodeState]], list[float]]


def least_allocated(context: Context, nodes: Sequence[NodeState]) -> list[float]:
    """Prefer room: mean over CPU and memory of the free share after placing the pod."""
    cpu = context.pod.requests.get("cpu") or DEFAULT_CPU_MILLI
    memory = context.pod.requests.get("memory") or DEFAULT_MEMORY_BYTES
    found = []
    for node in nodes:
        have_cpu = node.info.allocatable.get("cpu", 0)
        have_memory = node.info.allocatable.get("memory", 0)
        free_cpu = max(0, have_cpu - node.nonzero_cpu - cpu) / have_cpu if have_cpu else 0
        free_memory = (
            max(0, have_memory - node.nonzero_memory - memory) / have_memory if have_memory else 0
        )
        found.append((free_cpu + free_memory) * MAX_SCORE / 2)
    return found


def balanced_allocation(context: Context, nodes: Sequence[NodeState]) -> list[float]:
    """Prefer nodes whose CPU and memory fill up evenly (1 minus half the difference of shares)."""
    cpu = context.pod.requests.get("cpu", 0)
    memory = context.pod.requests.get("memory", 0)
    found = []
    for node in nodes:
        have_cpu = node.info.allocatable.get("cpu", 0) or 1
        have_memory = node.info.allocatable.get("memory", 0) or 1
        share_cpu = min(1.0, (node.requested.get("cpu", 0) + cpu) / have_cpu)
        share_memory = min(1.0, (node.requested.get("memory", 0) + memory) / have_memory)
        found.append((1 - abs(share_cpu - share_memory) / 2) * MAX_SCORE)
    return found


def _normalized(raw: list[float], *, reverse: bool = False) -> list[float]:
    top = max(raw, default=0)
    if top <= 0:
        return [float(MAX_SCORE if reverse else 0)] * len(raw)
    scaled = [value * MAX_SCORE / top for value in raw]
    return [MAX_SCORE - value for value in scaled] if reverse else scaled


def taint_toleration(context: Context, nodes: Sequence[NodeState]) -> list[float]:
    """Prefer nodes with fewer PreferNoSchedule taints that the pod does not tolerate."""
    raw = [
        float(
            sum(
                1
                for taint in node.info.taints
                if taint.effect == "PreferNoSchedule"
                and not any(t.tolerates(taint) for t in context.pod.tolerations)
            )
        )
        for node in nodes
    ]
    return _normalized(raw, reverse=True)


def node_affinity(context: Context, nodes: Sequence[NodeState]) -> list[float]:
    """Prefer nodes that match more of the preferred terms' weight; 0 for all without terms."""
    terms = context.pod.preferred_terms
    if not terms:
        return [0.0] * len(nodes)
    raw = [
        float(sum(t.weight for t in terms if t.matches(node.info.labels, node.info.name)))
        for node in nodes
    ]
    return _normalized(raw)


def _siblings(pod: PodInfo, node: NodeState) -> int:
    """Count the pods of the same owner; without one, those with the same labels."""
    if pod.owner:
        return node.owned.get((pod.namespace, pod.owner), 0)
    return sum(
        1
        for other in node.pods.values()
        if other.namespace == pod.namespace and not other.deleting and other.labels == pod.labels
    )


def _crowding(crowds: list[dict[str, int]], skews: Sequence[int]) -> Callable[[list[str]], float]:
    """Sum over the constraints: many domains weigh more, a greater allowed skew weighs less."""
    weighed = [
        (crowd, math.log(len(crowd) + 2), skew) for crowd, skew in zip(crowds, skews, strict=True)
    ]

    def of(domains: list[str]) -> float:
        total = 0.0
        for (crowd, weight, skew), domain in zip(weighed, domains, strict=True):
            if domain:
                total += crowd.get(domain, 0) * weight + skew - 1
        return total

    return of


def _default_spread(pod: PodInfo, nodes: Sequence[NodeState]) -> list[float | None]:
    if not pod.owner and not pod.labels:
        return [None] * len(nodes)
    crowds: list[dict[str, int]] = [{} for _ in DEFAULT_SPREAD]
    places = []
    for node in nodes:
        siblings = _siblings(pod, node)
        domains = [node.info.labels.get(key, "") for key, _ in DEFAULT_SPREAD]
        places.append(domains)
        for crowd, domain in zip(crowds, domains, strict=True):
            if domain:
                crowd[domain] = crowd.get(domain, 0) + siblings
    crowding = _crowding(crowds, [skew for _, skew in DEFAULT_SPREAD])
    return [float(round(crowding(domains))) for domains in places]


def _asked_spread(context: Context, nodes: Sequence[NodeState]) -> list[float | None]:
    constraints = [constraint for constraint, _ in context.topology.soft_spread]
    keys = [c.topology_key for c in constraints]
    labelled = [n for n in nodes if all(key in n.info.labels for key in keys)]
    crowds: list[dict[str, int]] = []
    for constraint, counted in context.topology.soft_spread:
        key = constraint.topology_key
        if key == HOSTNAME:
            counts = {n.info.labels[key]: matching(context.pod, constraint, n) for n in labelled}
        else:
            counts = {n.info.labels[key]: 0 for n in labelled}
            counts = {domain: counted.counts.get(domain, 0) for domain in counts}
        crowds.append(counts)
    crowding = _crowding(crowds, [c.max_skew for c in constraints])
    return [
        float(round(crowding([n.info.labels[key] for key in keys])))
        if all(key in n.info.labels for key in keys)
        else None
        for n in nodes
    ]


def topology_spread(context: Context, nodes: Sequence[NodeState]) -> list[float]:
    """Prefer domains with fewer matching pods; nodes that lack a label are the last choice."""
    if context.pod.spread:
        if not context.topology.soft_spread:
            return [0.0] * len(nodes)
        raw = _asked_spread(context, nodes)
    else:
        raw = _default_spread(context.pod, nodes)
    known = [value for value in raw if value is not None]
    most, least = max(known, default=0.0), min(known, default=0.0)
    if most <= 0:
        return [0.0 if value is None else float(MAX_SCORE) for value in raw]
    return [0.0 if value is None else MAX_SCORE * (most + least - value) / most for value in raw]


def inter_pod_affinity(context: Context, nodes: Sequence[NodeState]) -> list[float]:
    """Prefer domains by what the pod and those placed prefer, from the least liked at 0."""
    preferred = context.topology.preferred
    if not preferred:
        return [0.0] * len(nodes)
    raw = [
        float(
            sum(
                weight
                for (key, value), weight in preferred.items()
                if node.info.labels.get(key) == value
            )
        )
        for node in nodes
    ]
    least = min(raw)
    return _normalized([value - least for value in raw])


SCORERS: tuple[tuple[Scorer, int], ...] = (
    (least_allocated, 1),
    (balanced_allocation, 1),
    (taint_toleration, 3),
    (node_affinity, 2),
    (topology_spread, 2),
    (inter_pod_affinity, 2),
)


def score_nodes(context: Context, nodes: Sequence[NodeState]) -> list[float]:
    """Return the weighted total per node, in the order given."""
    totals = [0.0] * len(nodes)
    for scorer, weight in SCORERS:
        for position, value in enumerate(scorer(context, nodes)):
            totals[position] += weight * value
    return totals
