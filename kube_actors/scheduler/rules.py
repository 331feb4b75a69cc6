"""What a pod may ask of the nodes and pods around it, as frozen values that can be matched.

Tolerations and taints, node selector requirements, pod (anti-)affinity terms and spread
constraints, each with core/v1's own rules for what matches. Pure.
"""

import re
from collections.abc import Mapping
from typing import Any

import attrs

from kube_actors.api.selectors import LabelSelector, from_label_selector

Object = dict[str, Any]
Namespaces = Mapping[str, Mapping[str, str]]

NAMESPACE_NAME = "kubernetes.io/metadata.name"
_INTEGER = re.compile(r"[+-]?[0-9]+")


@attrs.frozen
class Toleration:
    key: str = ""
    operator: str = "Equal"
    value: str = ""
    effect: str = ""

    def tolerates(self, taint: "Taint") -> bool:
        """Say whether this toleration matches the taint (core/v1 ``ToleratesTaint``)."""
        if self.effect and self.effect != taint.effect:
            return False
        if self.key and self.key != taint.key:
            return False
        if self.operator == "Exists":
            return True
        return bool(self.key) and self.value == taint.value


@attrs.frozen
class Taint:
    key: str
    value: str
    effect: str

    def __str__(self) -> str:
        return f"{self.key}: {self.value}"


@attrs.frozen
class Requirement:
    """One node selector requirement: ``key operator values``."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        have = labels.get(self.key)
        match self.operator:
            case "In":
                return have is not None and have in self.values
            case "NotIn":
                return have is None or have not in self.values
            case "Exists":
                return have is not None
            case "DoesNotExist":
                return have is None
        bound = self.values[0] if self.values else ""
        if have is None or not _INTEGER.fullmatch(have) or not _INTEGER.fullmatch(bound):
            return False
        return int(have) > int(bound) if self.operator == "Gt" else int(have) < int(bound)


@attrs.frozen
class NodeTerm:
    """All expressions and all fields must hold; an empty term matches nothing."""

    expressions: tuple[Requirement, ...] = ()
    fields: tuple[Requirement, ...] = ()
    weight: int = 0

    def matches(self, labels: Mapping[str, str], name: str) -> bool:
        if not self.expressions and not self.fields:
            return False
        fields = {"metadata.name": name}
        return all(r.matches(labels) for r in self.expressions) and all(
            r.matches(fields) for r in self.fields
        )


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


def project_tolerations(tolerations: Any) -> tuple[Toleration, ...]:
    return tuple(
        Toleration(
            t.get("key") or "",
            t.get("operator") or "Equal",
            t.get("value") or "",
            t.get("effect") or "",
        )
        for t in tolerations or ()
    )


def _requirements(expressions: Any) -> tuple[Requirement, ...]:
    return tuple(
        Requirement(e["key"], e["operator"], tuple(e.get("values") or ()))
        for e in expressions or ()
    )


def project_node_term(term: Object, weight: int = 0) -> NodeTerm:
    return NodeTerm(
        _requirements(term.get("matchExpressions")), _requirements(term.get("matchFields")), weight
    )


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
