"""One scheduling decision: filter the nodes, score those that fit, choose.

Pure: pod, snapshot, a rotating start and a random source in; a ``Placement`` or an
``Unschedulable`` with the message of kube-scheduler's FailedScheduling event out.
"""

from collections.abc import Iterable
from random import Random

import attrs

from kube_actors.scheduler.filters import Context, Misfit, filter_node, prepare
from kube_actors.scheduler.node import NodeState
from kube_actors.scheduler.pod import PodInfo
from kube_actors.scheduler.scores import score_nodes
from kube_actors.scheduler.snapshot import Snapshot

MIN_FEASIBLE_NODES = 100


@attrs.frozen
class Placement:
    """The node chosen; of how many looked at (``evaluated``) and found fitting (``feasible``)."""

    node_name: str
    evaluated: int
    feasible: int


@attrs.frozen
class Unschedulable:
    """``misfits`` per node name, in the order the nodes were looked at."""

    message: str
    misfits: dict[str, Misfit]


def feasible_nodes_wanted(nodes: int) -> int:
    """How many fitting nodes are enough to score (kube-scheduler's adaptive percentage).

    Up to 100 nodes, all; beyond, 50 % less one point per 125 nodes, at least 5 % and 100 nodes.
    """
    if nodes <= MIN_FEASIBLE_NODES:
        return nodes
    percentage = max(5, 50 - nodes // 125)
    return max(MIN_FEASIBLE_NODES, nodes * percentage // 100)


def schedule(
    pod: PodInfo, snapshot: Snapshot, *, start: int, random: Random
) -> Placement | Unschedulable:
    """Choose a node; ``start`` rotates so that every node gets its turn to be looked at."""
    states = list(snapshot.nodes.values())
    if not states:
        return Unschedulable("no nodes available to schedule pods", {})
    context = prepare(pod, snapshot)
    wanted = feasible_nodes_wanted(len(states))
    feasible: list[NodeState] = []
    misfits: dict[str, Misfit] = {}
    evaluated = 0
    for offset in range(len(states)):
        node = states[(start + offset) % len(states)]
        evaluated += 1
        misfit = fits_beside_nominated(pod, snapshot, context, node)
        if misfit is None:
            feasible.append(node)
            if len(feasible) >= wanted:
                break
        else:
            misfits[node.info.name] = misfit
    if not feasible:
        return Unschedulable(explain(misfits, len(states)), misfits)
    if len(feasible) == 1:
        return Placement(feasible[0].info.name, evaluated, 1)
    totals = score_nodes(context, feasible)
    best = max(totals)
    winners = [n for n, total in zip(feasible, totals, strict=True) if total >= best - 1e-9]
    return Placement(random.choice(winners).info.name, evaluated, len(feasible))


def fits_beside_nominated(
    pod: PodInfo, snapshot: Snapshot, context: Context, node: NodeState
) -> Misfit | None:
    """Filter a node as it is, and as it will be with those for whom its room is kept."""
    nominated = snapshot.nominated_to(node.info.name, pod)
    if nominated:
        crowded = node.without({})
        for other in nominated:
            crowded.add(other)
        misfit = filter_node(context, crowded)
        if misfit is not None:
            return misfit
    return filter_node(context, node)


def explain(misfits: dict[str, Misfit], nodes: int) -> str:
    """Say per reason how many nodes it refused: ``0/3 nodes are available: 2 Insufficient cpu.``"""
    return count_reasons([misfit.reasons for misfit in misfits.values()], nodes)


def count_reasons(refusals: Iterable[tuple[str, ...]], nodes: int) -> str:
    """Lay out what each node refused with, as kube-scheduler does: sorted as text."""
    counts: dict[str, int] = {}
    for reasons in refusals:
        for reason in reasons:
            counts[reason] = counts.get(reason, 0) + 1
    parts = sorted(f"{count} {reason}" for reason, count in counts.items())
    return f"0/{nodes} nodes are available: {', '.join(parts)}."
