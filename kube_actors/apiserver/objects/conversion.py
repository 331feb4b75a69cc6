"""Kinds that are served at more than one version over one storage. Pure.

Events of events.k8s.io are stored as core events; autoscaling/v1 as autoscaling/v2. What has the
same structure at both versions only changes its apiVersion.
"""

from typing import Any

from kube_actors.api import Kind, Object

# events.k8s.io/v1 name -> core/v1 name.
_EVENT_FIELDS = {
    "note": "message",
    "regarding": "involvedObject",
    "reportingController": "reportingComponent",
    "deprecatedSource": "source",
    "deprecatedFirstTimestamp": "firstTimestamp",
    "deprecatedLastTimestamp": "lastTimestamp",
    "deprecatedCount": "count",
}
_CORE_EVENT_FIELDS = {core: new for new, core in _EVENT_FIELDS.items()}
_CPU = "targetCPUUtilizationPercentage"


def to_served(kind: Kind, storage: Kind, obj: Object) -> Object:
    """Return a stored object as ``kind``."""
    if kind.api_version == storage.api_version:
        return obj
    result = {**obj, "apiVersion": kind.api_version, "kind": kind.kind}
    if kind.group == "events.k8s.io":
        return {_CORE_EVENT_FIELDS.get(name, name): value for name, value in result.items()}
    if kind.plural == "horizontalpodautoscalers" and kind.version == "v1":
        return _autoscaler_v1(result)
    return result


def to_stored(kind: Kind, storage: Kind, obj: Object) -> Object:
    """Return an object of ``kind`` as it is stored."""
    if kind.api_version == storage.api_version:
        return obj
    result = {**obj, "apiVersion": storage.api_version, "kind": storage.kind}
    if kind.group == "events.k8s.io":
        return {_EVENT_FIELDS.get(name, name): value for name, value in result.items()}
    if kind.plural == "horizontalpodautoscalers" and kind.version == "v1":
        return _autoscaler_v2(result)
    return result


def _is_cpu(metric: dict[str, Any], part: str) -> bool:
    resource = metric.get("resource") or {}
    return metric.get("type") == "Resource" and resource.get("name") == "cpu" and part in resource


def _autoscaler_v1(obj: Object) -> Object:
    spec, status = dict(obj.get("spec") or {}), dict(obj.get("status") or {})
    for metric in spec.pop("metrics", None) or ():
        if _is_cpu(metric, "target") and "averageUtilization" in metric["resource"]["target"]:
            spec[_CPU] = metric["resource"]["target"]["averageUtilization"]
    spec.pop("behavior", None)
    for metric in status.pop("currentMetrics", None) or ():
        if _is_cpu(metric, "current") and "averageUtilization" in metric["resource"]["current"]:
            current = metric["resource"]["current"]["averageUtilization"]
            status["currentCPUUtilizationPercentage"] = current
    status.pop("conditions", None)
    return {**obj, "spec": spec, "status": status}


def _autoscaler_v2(obj: Object) -> Object:
    spec, status = dict(obj.get("spec") or {}), dict(obj.get("status") or {})
    wanted = spec.pop(_CPU, None)
    if wanted is not None:
        target = {"type": "Utilization", "averageUtilization": wanted}
        spec["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]
    current = status.pop("currentCPUUtilizationPercentage", None)
    if current is not None:
        found = {"averageUtilization": current, "averageValue": "0"}
        metric = {"type": "Resource", "resource": {"name": "cpu", "current": found}}
        status["currentMetrics"] = [metric]
    return {**obj, "spec": spec, "status": status}
