"""Checks of where a pod may run: tolerations, affinity, spreading, taints."""

from kube_actors.api import names
from kube_actors.api.causes import Cause
from kube_actors.api.validation.metadata import label_selector, set_operator
from kube_actors.api.validation.numbers import POSITIVE, Causes, Tree, one_of

EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_EMPTY_KEY = (
    'operator must be Exists when `key` is empty, which means "match all values and all keys"'
)


def tolerations(found: list[Tree], path: str) -> Causes:
    """Apply ``ValidateTolerations``: only Exists goes without a key."""
    for index, each in enumerate(found):
        here = f"{path}[{index}]"
        key, operator = each.get("key"), each.get("operator") or ""
        value, effect = each.get("value") or "", each.get("effect") or ""
        if key:
            for fault in names.qualified_name(key):
                yield Cause.invalid(f"{here}.key", key, fault)
        elif operator != "Exists":
            yield Cause.invalid(f"{here}.operator", operator, _EMPTY_KEY)
        if each.get("tolerationSeconds") is not None and effect != "NoExecute":
            detail = "effect must be 'NoExecute' when `tolerationSeconds` is set"
            yield Cause.invalid(f"{here}.effect", effect, detail)
        if operator in {"", "Equal"}:
            faults = names.label_value(value)
            if faults:
                yield Cause.invalid(f"{here}.operator", value, ";".join(faults))
        elif operator == "Exists":
            if value:
                detail = "value must be empty when `operator` is 'Exists'"
                yield Cause.invalid(f"{here}.operator", each, detail)
        else:
            yield Cause.not_supported(f"{here}.operator", operator, ("Equal", "Exists"))
        yield from one_of(each, "effect", here, EFFECTS)


def taints(found: list[Tree], path: str) -> Causes:
    """Apply ``validateNodeTaints``: an effect each, and no key and effect twice."""
    seen: set[tuple[str, str]] = set()
    for index, taint in enumerate(found):
        here = f"{path}[{index}]"
        key, value, effect = taint.get("key", ""), taint.get("value", ""), taint.get("effect", "")
        for fault in names.qualified_name(key):
            yield Cause.invalid(f"{here}.key", key, fault)
        faults = names.label_value(value)
        if faults:
            yield Cause.invalid(f"{here}.value", value, ";".join(faults))
        yield from one_of(taint, "effect", here, EFFECTS, required=True)
        if (key, effect) in seen:
            shown = {name: taint[name] for name in ("key", "value", "effect") if taint.get(name)}
            yield Cause.duplicate(here, shown)
        seen.add((key, effect))


def affinity(tree: Tree, path: str) -> Causes:
    """Apply ``validateAffinity``: to nodes, to pods and away from pods."""
    if "nodeAffinity" in tree:
        yield from _node_affinity(tree["nodeAffinity"], f"{path}.nodeAffinity")
    for key in ("podAffinity", "podAntiAffinity"):
        for index, term in enumerate((tree.get(key) or {}).get(_REQUIRED) or ()):
            yield from _pod_term(term, f"{path}.{key}.{_REQUIRED}[{index}]")
        for index, weighted in enumerate((tree.get(key) or {}).get(_PREFERRED) or ()):
            here = f"{path}.{key}.{_PREFERRED}[{index}]"
            yield from _weight(weighted, here)
            yield from _pod_term(weighted.get("podAffinityTerm") or {}, f"{here}.podAffinityTerm")


def _weight(tree: Tree, path: str) -> Causes:
    weight = tree.get("weight", 0)
    if not 1 <= weight <= 100:
        yield Cause.invalid(f"{path}.weight", weight, "must be in the range 1-100")


def _pod_term(term: Tree, path: str) -> Causes:
    for key in ("labelSelector", "namespaceSelector"):
        if key in term:
            yield from label_selector(term[key], f"{path}.{key}")
    topology = term.get("topologyKey")
    if not topology:
        yield Cause.required(f"{path}.topologyKey", "can not be empty")
    else:
        for fault in names.qualified_name(topology):
            yield Cause.invalid(f"{path}.topologyKey", topology, fault)


def _node_affinity(tree: Tree, path: str) -> Causes:
    if _REQUIRED in tree:
        yield from node_selector(tree[_REQUIRED], f"{path}.{_REQUIRED}")
    for index, weighted in enumerate(tree.get(_PREFERRED) or ()):
        here = f"{path}.{_PREFERRED}[{index}]"
        yield from _weight(weighted, here)
        yield from _node_term(weighted.get("preference") or {}, f"{here}.preference")


def node_selector(tree: Tree, path: str) -> Causes:
    """Apply ``ValidateNodeSelector``: at least one term; by field only a node's name."""
    terms = tree.get("nodeSelectorTerms") or []
    if not terms:
        detail = "must have at least one node selector term"
        yield Cause.required(f"{path}.nodeSelectorTerms", detail)
    for index, term in enumerate(terms):
        yield from _node_term(term, f"{path}.nodeSelectorTerms[{index}]")


def _node_term(term: Tree, path: str) -> Causes:
    for index, expression in enumerate(term.get("matchExpressions") or ()):
        yield from _node_requirement(expression, f"{path}.matchExpressions[{index}]")
        key = expression.get("key", "")
        for fault in names.qualified_name(key):
            yield Cause.invalid(f"{path}.matchExpressions[{index}].key", key, fault)
    for index, expression in enumerate(term.get("matchFields") or ()):
        here = f"{path}.matchFields[{index}]"
        key = expression.get("key", "")
        if key != "metadata.name":
            yield Cause.invalid(f"{here}.key", key, "not a valid field selector key")
        if len(expression.get("values") or []) != 1:
            detail = (
                "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"
            )
            yield Cause.required(f"{here}.values", detail)


def _node_requirement(expression: Tree, path: str) -> Causes:
    operator, values = expression.get("operator", ""), expression.get("values") or []
    if operator not in {"Gt", "Lt"}:
        yield from set_operator(operator, values, path)
    elif len(values) != 1:
        detail = "must be specified single value when `operator` is 'Lt' or 'Gt'"
        yield Cause.required(f"{path}.values", detail)


def spread_constraints(found: list[Tree], path: str) -> Causes:
    """Apply ``validateTopologySpreadConstraints``: each topology and reaction once."""
    seen: set[tuple[str, str]] = set()
    for index, each in enumerate(found):
        here = f"{path}[{index}]"
        skew, topology = each.get("maxSkew", 0), each.get("topologyKey", "")
        unsatisfiable = each.get("whenUnsatisfiable", "")
        if skew <= 0:
            yield Cause.invalid(f"{here}.maxSkew", skew, POSITIVE)
        if not topology:
            yield Cause.required(f"{here}.topologyKey", "can not be empty")
        yield from one_of(each, "whenUnsatisfiable", here, ("DoNotSchedule", "ScheduleAnyway"))
        if (topology, unsatisfiable) in seen:
            pair = f"{{{topology}, {unsatisfiable}}}"
            yield Cause.duplicate(f"{here}.{{topologyKey, whenUnsatisfiable}}", pair)
        seen.add((topology, unsatisfiable))
        if "labelSelector" in each:
            yield from label_selector(each["labelSelector"], f"{here}.labelSelector")
