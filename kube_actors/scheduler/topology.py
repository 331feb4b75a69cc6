"""Where a pod's friends, foes and siblings are: domains counted once per scheduling decision.

A domain is one value of a topology label (a zone, a hostname). Only pods that ask for spreading or
pod affinity pay for the survey, and pods that repel others are kept apart by the snapshot.
"""

from collections.abc import Iterator

import attrs

from kube_actors.scheduler.pod import PodInfo, PodTerm, SpreadConstraint
from kube_actors.scheduler.snapshot import Snapshot


@attrs.frozen
class Domains:
    """How many matching pods each domain of one spread constraint has."""

    counts: dict[str, int]

    def skew(self, domain: str, constraint: SpreadConstraint, *, counted: bool) -> int:
        """Return the skew if the pod were placed in ``domain`` (KEP-895's definition)."""
        least = min(self.counts.values(), default=0)
        if constraint.min_domains and len(self.counts) < constraint.min_domains:
            least = 0
        return self.counts.get(domain, 0) + (1 if counted else 0) - least


@attrs.frozen
class Topology:
    hard_spread: tuple[tuple[SpreadConstraint, Domains], ...] = ()
    soft_spread: tuple[tuple[SpreadConstraint, Domains], ...] = ()
    attracted: tuple[tuple[PodTerm, frozenset[str]], ...] = ()
    avoided: tuple[tuple[PodTerm, frozenset[str]], ...] = ()
    repelled: tuple[tuple[str, str], ...] = ()
    preferred: tuple[tuple[PodTerm, dict[str, int]], ...] = ()


def _placed(snapshot: Snapshot) -> Iterator[tuple[PodInfo, dict[str, str]]]:
    for state in snapshot.nodes.values():
        labels = dict(state.info.labels)
        for pod in state.pods.values():
            yield pod, labels


def _counts(term: PodTerm, snapshot: Snapshot) -> dict[str, int]:
    found: dict[str, int] = {}
    for other, labels in _placed(snapshot):
        domain = labels.get(term.topology_key)
        if domain is not None and term.matches(other):
            found[domain] = found.get(domain, 0) + 1
    return found


def _spread(pod: PodInfo, constraint: SpreadConstraint, snapshot: Snapshot) -> Domains:
    counts: dict[str, int] = {}
    for state in snapshot.nodes.values():
        labels = state.info.labels
        domain = labels.get(constraint.topology_key)
        if domain is None or not _eligible(pod, labels, state.info.name):
            continue
        counts.setdefault(domain, 0)
        if constraint.selector is None:
            continue
        counts[domain] += sum(
            1
            for other in state.pods.values()
            if other.namespace == pod.namespace
            and not other.deleting
            and constraint.selector.matches(other.labels)
        )
    return Domains(counts)


def _eligible(pod: PodInfo, labels: object, name: str) -> bool:
    assert isinstance(labels, dict)
    if any(labels.get(key) != value for key, value in pod.node_selector.items()):
        return False
    terms = pod.required_terms
    return terms is None or any(term.matches(labels, name) for term in terms)


def _repelled(pod: PodInfo, snapshot: Snapshot) -> tuple[tuple[str, str], ...]:
    found: dict[tuple[str, str], None] = {}
    for other in snapshot.anti_affinity_pods.values():
        state = snapshot.nodes.get(snapshot.node_of(other.uid))
        if state is None:
            continue
        for term in other.anti_affinity:
            value = state.info.labels.get(term.topology_key)
            if value is not None and term.matches(pod):
                found[(term.topology_key, value)] = None
    return tuple(found)


def survey(pod: PodInfo, snapshot: Snapshot) -> Topology:
    """Count every domain that the pod's rules, or other pods' rules about it, speak of."""
    if not (
        pod.spread
        or pod.affinity
        or pod.anti_affinity
        or pod.preferred_affinity
        or snapshot.anti_affinity_pods
    ):
        return Topology()
    spread = tuple((c, _spread(pod, c, snapshot)) for c in pod.spread)
    return Topology(
        hard_spread=tuple(pair for pair in spread if pair[0].hard),
        soft_spread=tuple(pair for pair in spread if not pair[0].hard),
        attracted=tuple((t, frozenset(_counts(t, snapshot))) for t in pod.affinity),
        avoided=tuple((t, frozenset(_counts(t, snapshot))) for t in pod.anti_affinity),
        repelled=_repelled(pod, snapshot),
        preferred=tuple((t, _counts(t, snapshot)) for t in pod.preferred_affinity),
    )
