"""Who must leave so that a more important pod can run, decided as kube-scheduler does.

Only pods of lower priority may be victims, only on nodes whose misfit evictions could cure; as
many victims as possible are reprieved, most important first; the node with the least important
victims, then the fewest, wins.
"""

import attrs

from kube_actors.scheduler.filters import Misfit, filter_node, prepare
from kube_actors.scheduler.node import NodeState
from kube_actors.scheduler.pod import PodInfo
from kube_actors.scheduler.snapshot import Snapshot


@attrs.frozen
class Preemption:
    node_name: str
    victims: tuple[PodInfo, ...]


def _fits(pod: PodInfo, snapshot: Snapshot, node: NodeState) -> bool:
    name = node.info.name
    before = snapshot.nodes[name]
    # Topology counts look at the whole snapshot, so the what-if node takes its place there.
    snapshot.nodes[name] = node
    try:
        return filter_node(prepare(pod, snapshot), node) is None
    finally:
        snapshot.nodes[name] = before


def _victims(pod: PodInfo, snapshot: Snapshot, node: NodeState) -> tuple[PodInfo, ...] | None:
    lower = {uid: p for uid, p in node.pods.items() if p.priority < pod.priority}
    if not lower:
        return None
    trial = node.without(lower)
    if not _fits(pod, snapshot, trial):
        return None
    victims = []
    for other in sorted(lower.values(), key=lambda p: (-p.priority, p.uid)):
        trial.add(other)
        if not _fits(pod, snapshot, trial):
            trial.remove(other.uid)
            victims.append(other)
    return tuple(victims)


def preempt(pod: PodInfo, snapshot: Snapshot, misfits: dict[str, Misfit]) -> Preemption | None:
    """Choose a node and its victims, or None when nobody's leaving would help."""
    if pod.preemption_policy == "Never" or pod.priority <= 0:
        return None
    best: tuple[tuple[int, int, int, str], Preemption] | None = None
    for name, misfit in misfits.items():
        if not misfit.resolvable or name not in snapshot.nodes:
            continue
        victims = _victims(pod, snapshot, snapshot.nodes[name])
        if not victims:
            continue
        rank = (
            max(v.priority for v in victims),
            sum(v.priority for v in victims),
            len(victims),
            name,
        )
        if best is None or rank < best[0]:
            best = (rank, Preemption(name, victims))
    return best[1] if best else None
