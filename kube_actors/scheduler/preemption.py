"""Who must leave so that a more important pod can run, decided as kube-scheduler does.

Only pods of lower priority may be victims, only on nodes whose misfit evictions could cure; as
many victims as possible are reprieved, most important first; the node with the least important
victims, then the fewest, then those started last, wins. Disruption budgets are not weighed.
"""

import attrs

from kube_actors.scheduler.cycle import count_reasons, fits_beside_nominated
from kube_actors.scheduler.filters import Misfit, prepare
from kube_actors.scheduler.node import NodeState
from kube_actors.scheduler.pod import PodInfo
from kube_actors.scheduler.snapshot import Snapshot

NOT_HELPFUL = "Preemption is not helpful for scheduling"
NO_VICTIMS = "No preemption victims found for incoming pod"
NEVER = "not eligible due to preemptionPolicy=Never."
UNDER_WAY = "not eligible due to a terminating pod on the nominated node."


@attrs.frozen
class Preemption:
    """The node to make room on and the pods to evict there, at least one."""

    node_name: str
    victims: tuple[PodInfo, ...]


@attrs.frozen
class NoPreemption:
    """Why nobody's leaving would help now; ``keep``: the pod's nomination stays."""

    message: str
    keep: bool = False


def _misfit(pod: PodInfo, snapshot: Snapshot, node: NodeState) -> Misfit | None:
    name = node.info.name
    before = snapshot.nodes[name]
    # Topology counts look at the whole snapshot, so the what-if node takes its place there.
    snapshot.nodes[name] = node
    try:
        return fits_beside_nominated(pod, snapshot, prepare(pod, snapshot), node)
    finally:
        snapshot.nodes[name] = before


def _victims(
    pod: PodInfo, snapshot: Snapshot, node: NodeState
) -> "tuple[PodInfo, ...] | tuple[str, ...]":
    """Return the pods that must leave this node, or the reasons why their leaving is no use."""
    lower = {uid: p for uid, p in node.pods.items() if p.priority < pod.priority}
    if not lower:
        return (NO_VICTIMS,)
    trial = node.without(lower)
    misfit = _misfit(pod, snapshot, trial)
    if misfit is not None:
        return misfit.reasons
    victims = []
    for other in sorted(lower.values(), key=lambda p: (-p.priority, p.started or "~", p.uid)):
        trial.add(other)
        if _misfit(pod, snapshot, trial) is not None:
            trial.remove(other.uid)
            victims.append(other)
    return tuple(victims)


def _not_eligible(pod: PodInfo, snapshot: Snapshot, misfits: dict[str, Misfit]) -> str:
    if pod.preemption_policy == "Never":
        return NEVER
    nominated = snapshot.nomination(pod.uid) or pod.nominated_node
    node = snapshot.nodes.get(nominated)
    hopeless = nominated in misfits and not misfits[nominated].resolvable
    if node is not None and not hopeless:
        for other in node.pods.values():
            if other.deleting and other.preempted and other.priority < pod.priority:
                return UNDER_WAY
    return ""


def preempt(
    pod: PodInfo, snapshot: Snapshot, misfits: dict[str, Misfit]
) -> Preemption | NoPreemption:
    """Choose a node and its victims; ``misfits`` is why each node refused the pod."""
    refusal = _not_eligible(pod, snapshot, misfits)
    if refusal:
        return NoPreemption(refusal, keep=refusal == UNDER_WAY)
    best: tuple[tuple[int, int, int, str, str], Preemption] | None = None
    reasons: list[tuple[str, ...]] = []
    for name, misfit in misfits.items():
        if not misfit.resolvable or name not in snapshot.nodes:
            reasons.append((NOT_HELPFUL,))
            continue
        found = _victims(pod, snapshot, snapshot.nodes[name])
        victims = tuple(v for v in found if isinstance(v, PodInfo))
        if not victims:
            reasons.append(tuple(r for r in found if isinstance(r, str)))
            continue
        top = max(v.priority for v in victims)
        since = min((v.started for v in victims if v.priority == top), default="")
        rank = (top, sum(v.priority + (1 << 31) for v in victims), len(victims), since, name)
        if best is None or _better(rank, best[0]):
            best = (rank, Preemption(name, victims))
    if best is not None:
        return best[1]
    return NoPreemption(count_reasons(reasons, len(misfits)))


def _better(rank: tuple[int, int, int, str, str], than: tuple[int, int, int, str, str]) -> bool:
    if rank[:3] != than[:3]:
        return rank[:3] < than[:3]
    if rank[3] != than[3]:
        # Whoever started later has less to lose.
        return rank[3] > than[3]
    return rank[4] < than[4]
