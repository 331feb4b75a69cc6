"""Which nodes a pod may be on by their labels and name: node selector and required node affinity.

The rules are core/v1's (``nodeaffinity`` in k8s.io/component-helpers): everything in a term must
hold, one term is enough, and a term that is empty or cannot be read matches no node.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import frozen

from kube_actors.api.errors import StatusError
from kube_actors.api.selectors.labels import (
    NOTHING,
    LabelSelector,
    Operator,
    Requirement,
    requirement,
)

NAME_FIELD = "metadata.name"
_OPERATORS = {
    "In": Operator.IN,
    "NotIn": Operator.NOT_IN,
    "Exists": Operator.EXISTS,
    "DoesNotExist": Operator.DOES_NOT_EXIST,
    "Gt": Operator.GREATER_THAN,
    "Lt": Operator.LESS_THAN,
}


@frozen
class NodeTerm:
    """``weight`` is that of a preference, 0 for what is required."""

    expressions: LabelSelector
    fields: tuple[Requirement, ...] = ()
    weight: int = 0

    def matches(self, labels: Mapping[str, str], name: str) -> bool:
        """Whether a node with these labels and this name is meant."""
        if not self.expressions.matches(labels):
            return False
        return all(field.matches({NAME_FIELD: name}) for field in self.fields)


def node_term(term: Mapping[str, Any], weight: int = 0) -> NodeTerm:
    """Read a ``NodeSelectorTerm``."""
    expressions, fields = term.get("matchExpressions") or (), term.get("matchFields") or ()
    if not expressions and not fields:
        return NodeTerm(NOTHING, (), weight)
    try:
        read = [
            requirement(each["key"], _OPERATORS[each["operator"]], each.get("values") or ())
            for each in expressions
        ]
        # A node's name is no label value: it may be longer.
        named = [
            Requirement(each["key"], _OPERATORS[each["operator"]], tuple(each.get("values") or ()))
            for each in fields
        ]
    except (StatusError, KeyError):
        return NodeTerm(NOTHING, (), weight)
    return NodeTerm(LabelSelector(tuple(read)), tuple(named), weight)


def required_terms(spec: Mapping[str, Any]) -> tuple[NodeTerm, ...] | None:
    """Read the terms of which a pod requires one; None when it requires none."""
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    if required is None:
        return None
    return tuple(node_term(term) for term in required.get("nodeSelectorTerms") or ())


def allows(
    node_selector: Mapping[str, str],
    terms: Sequence[NodeTerm] | None,
    labels: Mapping[str, str],
    name: str,
) -> bool:
    """Tell whether node selector and required terms let a pod be on this node."""
    if any(labels.get(key) != value for key, value in node_selector.items()):
        return False
    return terms is None or any(term.matches(labels, name) for term in terms)
