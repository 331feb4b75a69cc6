"""Where a pod's friends, foes and siblings are: domains counted once per scheduling decision.

A domain is one value of a topology label (a zone, a hostname). Only pods that ask for spreading or
pod affinity pay for the survey of all pods; pods that themselves attract or repel others are kept
apart by the snapshot.
"""

from collections.abc import Iterator, Mapping

import attrs

from kube_actors.api import repelled
from kube_actors.api.selectors import allows
from kube_actors.scheduler.node import NodeState
from kube_actors.scheduler.pod import PodInfo
from kube_actors.scheduler.rules import PodTerm, SpreadConstraint
from kube_actors.scheduler.snapshot import Snapshot

HARD_AFFINITY_WEIGHT = 1

Pair = tuple[str, str]
"""A topology key and one of its values."""


@attrs.frozen
class Domains:
    """How many matching pods each domain of one spread constraint has."""

    counts: Mapping[str, int]

    def skew(self, domain: str, constraint: SpreadConstraint, *, counted: bool) -> int:
        """Return the skew if the pod were placed in ``domain`` (KEP-895's definition)."""
        least = min(self.counts.values(), default=0)
        if len(self.counts) < constraint.min_domains:
            least = 0
        return self.counts.get(domain, 0) + (1 if counted else 0) - least


@attrs.frozen
class Topology:
    """``attracted`` and ``avoided`` count pods per topology pair; ``preferred`` sums weights."""

    hard_spread: tuple[tuple[SpreadConstraint, Domains], ...] = ()
    soft_spread: tuple[tuple[SpreadConstraint, Domains], ...] = ()
    attracted: Mapping[Pair, int] = attrs.field(factory=dict)
    avoided: Mapping[Pair, int] = attrs.field(factory=dict)
    repelled: Mapping[Pair, int] = attrs.field(factory=dict)
    preferred: Mapping[Pair, int] = attrs.field(factory=dict)
    alone: bool = False


def _placed(snapshot: Snapshot) -> Iterator[tuple[PodInfo, Mapping[str, str]]]:
    for state in snapshot.nodes.values():
        for pod in state.pods.values():
            yield pod, state.info.labels


def means(term: PodTerm, pod: PodInfo, snapshot: Snapshot) -> bool:
    """Say whether a term means a pod, by the namespaces' labels in the snapshot."""
    return term.means(pod.namespace, pod.labels, snapshot.namespaces)


def _add(counts: dict[Pair, int], key: str, labels: Mapping[str, str], value: int) -> None:
    domain = labels.get(key)
    if domain is not None:
        counts[(key, domain)] = counts.get((key, domain), 0) + value


def node_counts(pod: PodInfo, constraint: SpreadConstraint, state: NodeState) -> bool:
    """Say whether a constraint looks at this node at all (KEP-3094)."""
    info = state.info
    if constraint.honor_affinity and not allows(
        pod.node_selector, pod.required_terms, info.labels, info.name
    ):
        return False
    return not (constraint.honor_taints and repelled(pod.tolerations, info.taints))


def matching(pod: PodInfo, constraint: SpreadConstraint, state: NodeState) -> int:
    """Count the pods on one node that a constraint counts; those on their way out do not."""
    if constraint.selector is None:
        return 0
    return sum(
        1
        for other in state.pods.values()
        if other.namespace == pod.namespace
        and not other.deleting
        and constraint.selector.matches(other.labels)
    )


def _spread(
    pod: PodInfo, constraints: tuple[SpreadConstraint, ...], snapshot: Snapshot
) -> tuple[tuple[SpreadConstraint, Domains], ...]:
    counts: list[dict[str, int]] = [{} for _ in constraints]
    for state in snapshot.nodes.values():
        labels = state.info.labels
        # A node that lacks one of the keys could not be chosen: it is no domain of the others.
        if not all(c.topology_key in labels for c in constraints):
            continue
        for constraint, found in zip(constraints, counts, strict=True):
            if node_counts(pod, constraint, state):
                domain = labels[constraint.topology_key]
                found[domain] = found.get(domain, 0) + matching(pod, constraint, state)
    return tuple((c, Domains(found)) for c, found in zip(constraints, counts, strict=True))


def _affine(pod: PodInfo, snapshot: Snapshot) -> tuple[dict[Pair, int], dict[Pair, int]]:
    """Count whom the pod must be near (pods that match all terms), and whom it must avoid."""
    near: dict[Pair, int] = {}
    far: dict[Pair, int] = {}
    for other, labels in _placed(snapshot):
        if pod.affinity and all(means(term, other, snapshot) for term in pod.affinity):
            for term in pod.affinity:
                _add(near, term.topology_key, labels, 1)
        for term in pod.anti_affinity:
            if means(term, other, snapshot):
                _add(far, term.topology_key, labels, 1)
    return near, far


def _repelled(pod: PodInfo, snapshot: Snapshot) -> dict[Pair, int]:
    found: dict[Pair, int] = {}
    for other in snapshot.affine_pods.values():
        state = snapshot.nodes.get(snapshot.node_of(other.uid))
        # Preemption asks what if this pod had left: then its node does not hold it.
        if state is None or other.uid not in state.pods:
            continue
        for term in other.anti_affinity:
            if means(term, pod, snapshot):
                _add(found, term.topology_key, state.info.labels, 1)
    return found


def _preferred(pod: PodInfo, snapshot: Snapshot) -> dict[Pair, int]:
    """Sum the weights of what the pod prefers, and of what pods already placed say of it."""
    found: dict[Pair, int] = {}
    if pod.preferred_affinity:
        for other, labels in _placed(snapshot):
            for term in pod.preferred_affinity:
                if means(term, other, snapshot):
                    _add(found, term.topology_key, labels, term.weight)
    for other in snapshot.affine_pods.values():
        state = snapshot.nodes.get(snapshot.node_of(other.uid))
        if state is None:
            continue
        for term in other.affinity:
            if means(term, pod, snapshot):
                _add(found, term.topology_key, state.info.labels, HARD_AFFINITY_WEIGHT)
        for term in other.preferred_affinity:
            if means(term, pod, snapshot):
                _add(found, term.topology_key, state.info.labels, term.weight)
    return found


def survey(pod: PodInfo, snapshot: Snapshot) -> Topology:
    """Count every domain that the pod's rules, or other pods' rules about it, speak of."""
    if not (
        pod.spread
        or pod.affinity
        or pod.anti_affinity
        or pod.preferred_affinity
        or snapshot.affine_pods
    ):
        return Topology()
    near: dict[Pair, int] = {}
    far: dict[Pair, int] = {}
    if pod.affinity or pod.anti_affinity:
        near, far = _affine(pod, snapshot)
    return Topology(
        hard_spread=_spread(pod, tuple(c for c in pod.spread if c.hard), snapshot),
        soft_spread=_spread(pod, tuple(c for c in pod.spread if not c.hard), snapshot),
        attracted=near,
        avoided=far,
        repelled=_repelled(pod, snapshot),
        preferred=_preferred(pod, snapshot),
        # The first of a group that wants its own kind nearby has nobody to be near to.
        alone=not near and all(means(term, pod, snapshot) for term in pod.affinity),
    )
