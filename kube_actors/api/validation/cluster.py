"""Checks of the kinds that describe the cluster itself and what happens in it.

Namespaces, nodes, quotas, limits, priorities, leases and events.
"""

from kube_actors.api import names
from kube_actors.api.causes import Cause
from kube_actors.api.quantities import MalformedQuantity, parse_quantity
from kube_actors.api.validation.numbers import (
    NOT_NEGATIVE,
    Causes,
    Tree,
    not_negative,
    one_of,
    quantity,
    unchanged,
)
from kube_actors.api.validation.pods import taints

_USER_PRIORITY_MAX = 1000000000
_SYSTEM_PRIORITIES = {
    "system-node-critical": 2000001000,
    "system-cluster-critical": 2000000000,
}


def namespace(obj: Tree) -> Causes:
    """Apply ``ValidateNamespace``: finalizers of the spec are qualified names."""
    for finalizer in (obj.get("spec") or {}).get("finalizers") or ():
        for fault in names.qualified_name(finalizer):
            yield Cause.invalid("spec.finalizers", finalizer, fault)


def node(obj: Tree) -> Causes:
    """Apply ``ValidateNode``: taints, pod CIDRs, and amounts that are not negative."""
    spec = obj.get("spec") or {}
    if "taints" in spec:
        yield from taints(spec["taints"], "spec.taints")
    for index, block in enumerate(spec.get("podCIDRs") or ()):
        for fault in names.cidr(block):
            yield Cause.invalid(f"spec.podCIDRs[{index}]", block, fault)
    status = obj.get("status") or {}
    for side in ("capacity", "allocatable"):
        for name, amount in (status.get(side) or {}).items():
            yield from quantity(amount, f"status.{side}[{name}]")


def node_update(new: Tree, old: Tree) -> Causes:
    """Apply ``ValidateNodeUpdate``: pod CIDRs and provider id are set once."""
    spec, before = new.get("spec") or {}, old.get("spec") or {}
    was, now = before.get("podCIDRs") or [], spec.get("podCIDRs") or []
    if was and was != now:
        detail = 'node updates may not change podCIDR except from "" to valid'
        yield Cause.forbidden("spec.podCIDRs", detail)
    if before.get("providerID") and before["providerID"] != spec.get("providerID"):
        detail = 'node updates may not change providerID except from "" to valid'
        yield Cause.forbidden("spec.providerID", detail)


def resource_quota(obj: Tree) -> Causes:
    """Apply ``ValidateResourceQuota`` to the hard limits; scopes are not checked."""
    for name, amount in ((obj.get("spec") or {}).get("hard") or {}).items():
        here = f"spec.hard[{name}]"
        for fault in names.qualified_name(name):
            yield Cause.invalid(here, name, fault)
        yield from quantity(amount, here)


def resource_quota_update(new: Tree, old: Tree) -> Causes:
    """Apply ``ValidateResourceQuotaUpdate``: scopes stay, in whatever order."""
    scopes = ((new.get("spec") or {}).get("scopes"), (old.get("spec") or {}).get("scopes"))
    if sorted(scopes[0] or ()) != sorted(scopes[1] or ()):
        yield Cause.invalid("spec.scopes", scopes[0] or [], "field is immutable")


def limit_range(obj: Tree) -> Causes:
    """Apply ``ValidateLimitRange``: one limit a type; min ≤ default ≤ max, request ≤ default."""
    seen: set[str] = set()
    for index, limit in enumerate((obj.get("spec") or {}).get("limits") or ()):
        here, kind = f"spec.limits[{index}]", limit.get("type", "")
        if kind in seen:
            yield Cause.duplicate(f"{here}.type", kind)
        seen.add(kind)
        for side in ("max", "min", "default", "defaultRequest"):
            for name, amount in (limit.get(side) or {}).items():
                yield from quantity(amount, f"{here}.{side}[{name}]")
        yield from _ordered(limit, here)


def _ordered(limit: Tree, path: str) -> Causes:
    pairs = (("min", "max"), ("min", "default"), ("defaultRequest", "default"), ("default", "max"))
    for low, high in pairs:
        least, most = limit.get(low) or {}, limit.get(high) or {}
        for name in least:
            if name in most and _exceeds(least[name], most[name]):
                words = {"default": "default", "defaultRequest": "default request"}
                one, other = words.get(low, low), words.get(high, high)
                detail = f"{one} value {least[name]} is greater than {other} value {most[name]}"
                yield Cause.invalid(f"{path}.{low}[{name}]", least[name], detail)


def _exceeds(low: str, high: str) -> bool:
    try:
        return parse_quantity(low) > parse_quantity(high)
    except MalformedQuantity:
        return False


def priority_class(obj: Tree) -> Causes:
    """Apply ``ValidatePriorityClass``: ``system-`` names and high values are the system's."""
    name = (obj.get("metadata") or {}).get("name") or ""
    value = obj.get("value", 0)
    if name.startswith("system-"):
        if _SYSTEM_PRIORITIES.get(name) != value:
            detail = (
                "priority class names with 'system-' prefix are reserved for system use only. "
                "error: "
            )
            known = name in _SYSTEM_PRIORITIES
            why = f"value of {name} PriorityClass must be {_SYSTEM_PRIORITIES.get(name)}"
            why = why if known else f"{name} is not a known system priority class"
            yield Cause.forbidden("metadata.name", detail + why)
    elif value > _USER_PRIORITY_MAX:
        detail = f"maximum allowed value of a user defined priority is {_USER_PRIORITY_MAX}"
        yield Cause.forbidden("value", detail)
    if obj.get("preemptionPolicy"):
        policies = ("Never", "PreemptLowerPriority")
        if obj["preemptionPolicy"] not in policies:
            yield Cause.not_supported("preemptionPolicy", obj["preemptionPolicy"], policies)


def priority_class_update(new: Tree, old: Tree) -> Causes:
    """Apply ``ValidatePriorityClassUpdate``: value and preemption policy stay."""
    if new.get("value", 0) != old.get("value", 0):
        yield Cause.forbidden("value", "may not be changed in an update.")
    policy = new.get("preemptionPolicy")
    yield from unchanged(policy, old.get("preemptionPolicy"), "preemptionPolicy")


def lease(obj: Tree) -> Causes:
    """Apply ``ValidateLease``: a duration above zero, and a holder that is named or absent."""
    spec = obj.get("spec") or {}
    duration, transitions = spec.get("leaseDurationSeconds"), spec.get("leaseTransitions")
    if duration is not None and duration <= 0:
        yield Cause.invalid("spec.leaseDurationSeconds", duration, "must be greater than 0")
    if transitions is not None and transitions < 0:
        yield Cause.invalid("spec.leaseTransitions", transitions, NOT_NEGATIVE)
    if spec.get("holderIdentity") == "":
        yield Cause.required("spec.holderIdentity", "must not be empty")


def event(obj: Tree) -> Causes:
    """Apply the legacy ``ValidateEvent`` of core/v1: it lives in its object's namespace."""
    involved = obj.get("involvedObject") or {}
    space, own = involved.get("namespace") or "", obj["metadata"].get("namespace") or ""
    # Events about what has no namespace live in "default".
    if (space or "default") != own and (space or own != "kube-system"):
        detail = "does not match event.namespace"
        yield Cause.invalid("involvedObject.namespace", space, detail)
    yield from not_negative(obj, "count", "event")


def runtime_class(obj: Tree) -> Causes:
    """Apply ``ValidateRuntimeClass``: the handler is a DNS label."""
    handler = obj.get("handler") or ""
    for fault in names.dns1123_label(handler):
        yield Cause.invalid("handler", handler, fault)


def runtime_class_update(new: Tree, old: Tree) -> Causes:
    """Apply ``ValidateRuntimeClassUpdate``: the handler stays."""
    yield from unchanged(new.get("handler"), old.get("handler"), "handler")


def binding(obj: Tree) -> Causes:
    """Check a Binding's target."""
    target = obj.get("target") or {}
    yield from one_of(target, "kind", "target", ("Node", "<empty>"))
    if not target.get("name"):
        yield Cause.required("target.name")
