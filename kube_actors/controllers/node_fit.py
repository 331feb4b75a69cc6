"""Whether a pod template may be on a node: selector, required affinity, taints.

Only what a DaemonSet must know before it makes a pod; resources and ports are the scheduler's.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def fits(spec: Mapping[str, Any], node: str, labels: Mapping[str, str]) -> bool:
    """Tell whether node name, node selector and required node affinity allow this node."""
    if spec.get("nodeName", node) not in ("", node):
        return False
    if not (spec.get("nodeSelector") or {}).items() <= labels.items():
        return False
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    if required is None:
        return True
    return any(_term(term, node, labels) for term in required.get("nodeSelectorTerms") or ())


def _term(term: Mapping[str, Any], node: str, labels: Mapping[str, str]) -> bool:
    expressions = term.get("matchExpressions") or ()
    fields = term.get("matchFields") or ()
    if not expressions and not fields:
        return False
    name = {"metadata.name": node}
    return all(_holds(one, labels) for one in expressions) and all(
        _holds(one, name) for one in fields
    )


def _holds(one: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    value, values = labels.get(one.get("key", "")), list(one.get("values") or ())
    operator = one.get("operator")
    if operator == "In":
        return bool(value in values)
    if operator == "NotIn":
        return bool(value not in values)
    if operator in ("Exists", "DoesNotExist"):
        return bool((value is not None) == (operator == "Exists"))
    if value is None or len(values) != 1 or not (_is_integer(value) and _is_integer(values[0])):
        return False
    return int(value) > int(values[0]) if operator == "Gt" else int(value) < int(values[0])


def _is_integer(text: str) -> bool:
    return text.lstrip("-").isdigit()


def tolerates_all(
    tolerations: Sequence[Mapping[str, Any]], taints: Iterable[Mapping[str, Any]]
) -> bool:
    """Tell whether every NoSchedule and NoExecute taint is tolerated."""
    return all(
        taint.get("effect") == "PreferNoSchedule"
        or any(_tolerates(toleration, taint) for toleration in tolerations)
        for taint in taints
    )


def _tolerates(toleration: Mapping[str, Any], taint: Mapping[str, Any]) -> bool:
    if toleration.get("effect", "") not in ("", taint.get("effect")):
        return False
    if toleration.get("key", "") not in ("", taint.get("key")):
        return False
    if toleration.get("operator", "Equal") == "Exists":
        return True
    return bool(toleration.get("value", "") == taint.get("value", ""))
