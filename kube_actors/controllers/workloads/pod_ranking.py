"""Which pods to delete first when there are too many.

The order is Kubernetes' (ActivePodsWithRanks in pkg/controller/controller_utils.go): unassigned,
pending, unknown, not ready, cheap by annotation, crowded on one node, ready for a shorter time,
often restarted, young. Ages are compared by powers of two, so that the youngest are not always the
victims and a scale-down spreads over failure domains.
"""

from collections.abc import Mapping, Sequence
from math import floor, log2

from kube_actors.controllers.objects import PodRecord

_PHASES = {"Pending": 0, "Unknown": 1, "Running": 2}


def _age_class(since_s: float, now_s: float) -> int:
    """Put an age into its power-of-two class; the shortest ages come first."""
    age_ns = (now_s - since_s) * 1e9
    return -1 if age_ns <= 0 else floor(log2(age_ns)) if age_ns >= 1 else 0


def deletion_rank(
    pod: PodRecord, related_on_node: int, now_s: float
) -> tuple[bool, int, bool, int, int, int, int, int, str]:
    """Give a sort key: the smallest is deleted first."""
    ready_class = 0 if pod.ready_since_s is None else _age_class(pod.ready_since_s, now_s)
    return (
        bool(pod.node),
        _PHASES.get(pod.phase, 0),
        pod.ready,
        pod.deletion_cost,
        -related_on_node,
        ready_class,
        -pod.restarts,
        _age_class(pod.created_s, now_s),
        pod.uid,
    )


def choose_for_deletion(
    pods: Sequence[PodRecord], related_on_node: Mapping[str, int], count: int, now_s: float
) -> list[PodRecord]:
    """Choose ``count`` of ``pods``; ``related_on_node`` counts active pods of siblings per node."""
    ranked = sorted(
        pods, key=lambda pod: deletion_rank(pod, related_on_node.get(pod.node, 0), now_s)
    )
    return ranked[:count]
