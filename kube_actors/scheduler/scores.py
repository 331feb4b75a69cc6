"""Which of the nodes that fit is best: each scorer gives 0 to 100, summed with its weight.

Formulas and weights are those of kube-scheduler's default plugins: least allocated, balanced
allocation (1 each), taints (3), node affinity (2), topology spread (2), pod affinity (2). Pods of
one owner are also spread over nodes softly, as the default constraints of PodTopologySpread do.
"""

from collections.abc import Callable, Sequence

from kube_actors.scheduler.filters import Context
from kube_actors.scheduler.node import DEFAULT_CPU_MILLI, DEFAULT_MEMORY_BYTES, NodeState

MAX_SCORE = 100

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
    terms = context.pod.preferred_terms
    if not terms:
        return [0.0] * len(nodes)
    raw = [
        float(sum(t.weight for t in terms if t.matches(node.info.labels, node.info.name)))
        for node in nodes
    ]
    return _normalized(raw)


def topology_spread(context: Context, nodes: Sequence[NodeState]) -> list[float]:
    """Prefer domains with fewer matching pods; without constraints, nodes with fewer siblings."""
    pod = context.pod
    if not context.topology.soft_spread:
        if not pod.labels:
            return [0.0] * len(nodes)
        raw = [
            float(
                sum(
                    1
                    for other in node.pods.values()
                    if other.namespace == pod.namespace and other.labels == pod.labels
                )
            )
            for node in nodes
        ]
        return _normalized(raw, reverse=True)
    raw = []
    for node in nodes:
        total = 0.0
        for constraint, domains in context.topology.soft_spread:
            domain = node.info.labels.get(constraint.topology_key)
            if domain is not None:
                total += domains.counts.get(domain, 0) + constraint.max_skew - 1
        raw.append(total)
    return _normalized(raw, reverse=True)


def inter_pod_affinity(context: Context, nodes: Sequence[NodeState]) -> list[float]:
    preferred = context.topology.preferred
    if not preferred:
        return [0.0] * len(nodes)
    raw = [
        float(
            sum(
                term.weight * counts.get(node.info.labels.get(term.topology_key, ""), 0)
                for term, counts in preferred
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
