"""Checks of HorizontalPodAutoscalers and PodDisruptionBudgets."""

from kube_actors.api import names
from kube_actors.api.causes import Cause
from kube_actors.api.validation.metadata import label_selector
from kube_actors.api.validation.numbers import (
    Causes,
    Tree,
    count_or_percent,
    no_more_than_all,
    one_of,
)

_METRICS = {
    "ContainerResource": "containerResource",
    "External": "external",
    "Object": "object",
    "Pods": "pods",
    "Resource": "resource",
}
_POLICIES = ("Max", "Min", "Disabled")
_PERIOD_MAX_S, _WINDOW_MAX_S = 1800, 3600


def autoscaler(obj: Tree) -> Causes:
    """Apply ``ValidateHorizontalPodAutoscaler``: 1 ≤ min ≤ max, v2's metrics and behavior."""
    spec = obj.get("spec") or {}
    least, most = spec.get("minReplicas"), spec.get("maxReplicas", 0)
    if least is not None and least < 1:
        detail = "must be greater than or equal to 1"
        yield Cause.invalid("spec.minReplicas", least, detail)
    if most < 1:
        yield Cause.invalid("spec.maxReplicas", most, "must be greater than 0")
    if least is not None and most < least:
        detail = "must be greater than or equal to `minReplicas`"
        yield Cause.invalid("spec.maxReplicas", most, detail)
    target = spec.get("scaleTargetRef") or {}
    for key in ("kind", "name"):
        if not target.get(key):
            yield Cause.required(f"spec.scaleTargetRef.{key}")
        else:
            for fault in names.path_segment(target[key]):
                yield Cause.invalid(f"spec.scaleTargetRef.{key}", target[key], fault)
    for index, metric in enumerate(spec.get("metrics") or ()):
        yield from _metric(metric, f"spec.metrics[{index}]")
    for key in ("scaleUp", "scaleDown"):
        rules = (spec.get("behavior") or {}).get(key)
        if rules is not None:
            yield from _rules(rules, f"spec.behavior.{key}")


def _metric(metric: Tree, path: str) -> Causes:
    kind = metric.get("type")
    if not kind:
        yield Cause.required(f"{path}.type", "must specify a metric source type")
        return
    if kind not in _METRICS:
        yield Cause.not_supported(f"{path}.type", kind, tuple(sorted(_METRICS)))
        return
    source = _METRICS[kind]
    if source not in metric:
        detail = "must populate information for the given metric source"
        yield Cause.required(f"{path}.{source}", detail)
        return
    if source in {"resource", "containerResource"} and not metric[source].get("name"):
        yield Cause.required(f"{path}.{source}.name", "must specify a resource name")
    kinds = ("Utilization", "Value", "AverageValue")
    target = metric[source].get("target") or {}
    yield from one_of(target, "type", f"{path}.{source}.target", kinds, required=True)
    percent = target.get("averageUtilization")
    if percent is not None and percent < 1:
        here = f"{path}.{source}.target.averageUtilization"
        yield Cause.invalid(here, percent, "must be greater than 0")


def _rules(rules: Tree, path: str) -> Causes:
    window = rules.get("stabilizationWindowSeconds")
    if window is not None and not 0 <= window <= _WINDOW_MAX_S:
        words = "must be greater than or equal to zero"
        words = words if window < 0 else f"must be less than or equal to {_WINDOW_MAX_S}"
        yield Cause.invalid(f"{path}.stabilizationWindowSeconds", window, words)
    yield from one_of(rules, "selectPolicy", path, _POLICIES)
    policies = rules.get("policies") or []
    if not policies:
        yield Cause.required(f"{path}.policies", "must specify at least one Policy")
    for index, policy in enumerate(policies):
        here = f"{path}.policies[{index}]"
        yield from one_of(policy, "type", here, ("Percent", "Pods"))
        for key in ("value", "periodSeconds"):
            if policy.get(key, 0) <= 0:
                yield Cause.invalid(
                    f"{here}.{key}", policy.get(key, 0), "must be greater than zero"
                )
        if policy.get("periodSeconds", 0) > _PERIOD_MAX_S:
            detail = f"must be less than or equal to {_PERIOD_MAX_S}"
            yield Cause.invalid(f"{here}.periodSeconds", policy["periodSeconds"], detail)


def disruption_budget(obj: Tree) -> Causes:
    """Apply ``ValidatePodDisruptionBudget``: one bound at most, up to 100%."""
    spec = obj.get("spec") or {}
    if "minAvailable" in spec and "maxUnavailable" in spec:
        detail = "minAvailable and maxUnavailable cannot be both set"
        yield Cause.invalid("spec", spec, detail)
    for key in ("minAvailable", "maxUnavailable"):
        if key in spec:
            yield from count_or_percent(spec[key], f"spec.{key}")
            yield from no_more_than_all(spec[key], f"spec.{key}")
    if "selector" in spec:
        yield from label_selector(spec["selector"], "spec.selector")
    policies = ("IfHealthyBudget", "AlwaysAllow")
    yield from one_of(spec, "unhealthyPodEvictionPolicy", "spec", policies)
