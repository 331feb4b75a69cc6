"""What a pod may ask of the pods around it, as frozen values that can be matched.

Pod (anti-)affinity terms and spread constraints, with core/v1's own rules for what matches. What it
may ask of nodes is in ``api.selectors.nodes`` and ``api.taints``, because the DaemonSet controller
asks the same.
"""

from collections.abc import Mapping
from typing import Any

import attrs

from kube_actors.api.selectors import LabelSelector, from_label_selector

Namespaces = Mapping[str, Mapping[str, str]]

NAMESPACE_NAME = "kubernetes.io/metadata.name"


@attrs.frozen
class PodTerm:
    """One pod (anti-)affinity term: whom it means, and within which topology.

    ``namespaces`` are named ones, the pod's own unless others are given; those that
    ``namespace_selector`` matches count as well. Without a selector it means no pod.
    """

    selector: LabelSelector | None
    topology_key: str
    namespaces: tuple[str, ...]
    namespace_selector: LabelSelector | None = None
    weight: int = 0

    def means(self, namespace: str, labels: Mapping[str, str], namespaces: Namespaces) -> bool:
        """Say whether a pod with these labels in this namespace is meant."""
        if self.selector is None or not self.selector.matches(labels):
            return False
        if namespace in self.namespaces:
            return True
        if self.namespace_selector is None:
            return False
        own = namespaces.get(namespace) or {NAMESPACE_NAME: namespace}
        return self.namespace_selector.matches(own)


@attrs.frozen
class SpreadConstraint:
    """``honor_affinity``, ``honor_taints``: which nodes count (KEP-3094's inclusion policies)."""

    max_skew: int
    topology_key: str
    hard: bool
    selector: LabelSelector | None
    min_domains: int = 0
    honor_affinity: bool = True
    honor_taints: bool = False


def _narrowed(
    selector: Any, labels: Mapping[str, str], same: Any, different: Any = ()
) -> LabelSelector | None:
    """Add the pod's own values of ``matchLabelKeys`` and ``mismatchLabelKeys`` to a selector."""
    if selector is None:
        return None
    expressions = list(selector.get("matchExpressions") or ())
    for operator, keys in (("In", same), ("NotIn", different)):
        expressions.extend(
            {"key": key, "operator": operator, "values": [labels[key]]}
            for key in keys or ()
            if key in labels
        )
    return from_label_selector({**selector, "matchExpressions": expressions})


def project_pod_terms(terms: Any, namespace: str, labels: Mapping[str, str]) -> tuple[PodTerm, ...]:
    """Read (anti-)affinity terms, weighted or not, of a pod with this namespace and labels."""
    found = []
    for entry in terms or ():
        term = entry.get("podAffinityTerm", entry)
        named, chosen = term.get("namespaces"), term.get("namespaceSelector")
        own = () if chosen is not None else (namespace,)
        found.append(
            PodTerm(
                _narrowed(
                    term.get("labelSelector"),
                    labels,
                    term.get("matchLabelKeys"),
                    term.get("mismatchLabelKeys"),
                ),
                term["topologyKey"],
                tuple(named or own),
                None if chosen is None else from_label_selector(chosen),
                entry.get("weight", 0),
            )
        )
    return tuple(found)


def project_spread(constraints: Any, labels: Mapping[str, str]) -> tuple[SpreadConstraint, ...]:
    """Read ``topologySpreadConstraints`` of a pod with these labels (core/v1's defaults)."""
    return tuple(
        SpreadConstraint(
            c["maxSkew"],
            c["topologyKey"],
            c.get("whenUnsatisfiable", "DoNotSchedule") == "DoNotSchedule",
            _narrowed(c.get("labelSelector"), labels, c.get("matchLabelKeys")),
            c.get("minDomains") or 0,
            c.get("nodeAffinityPolicy", "Honor") == "Honor",
            c.get("nodeTaintsPolicy", "Ignore") == "Honor",
        )
        for c in constraints or ()
    )
