"""Checks of pods and pod templates, in the words of ``pkg/apis/core/validation``."""

from kube_actors.api import names
from kube_actors.api.causes import Cause
from kube_actors.api.validation.metadata import annotations, labels
from kube_actors.api.validation.numbers import Causes, Tree, not_negative, one_of, within
from kube_actors.api.validation.pods.containers import container, lively
from kube_actors.api.validation.pods.scheduling import affinity, spread_constraints, tolerations
from kube_actors.api.validation.pods.volumes import volumes

_RESTART = ("Always", "OnFailure", "Never")
_DNS = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
_INT32_MAX = 2147483647
_ID_MAX = 2147483647
_INIT_ONLY = "may not be set for init containers without restartPolicy=Always"
_NAMED = (
    ("nodeName", names.dns1123_subdomain),
    ("serviceAccountName", names.dns1123_subdomain),
    ("priorityClassName", names.dns1123_subdomain),
    ("runtimeClassName", names.dns1123_subdomain),
    ("hostname", names.dns1123_label),
    ("subdomain", names.dns1123_label),
    ("schedulerName", names.qualified_name),
)


def pod(obj: Tree) -> Causes:
    """Check a new Pod, its metadata aside."""
    yield from pod_spec(obj.get("spec") or {}, "spec")


def template(tree: Tree | None, path: str) -> Causes:
    """Check a PodTemplateSpec."""
    if tree is None:
        yield Cause.required(path)
        return
    metadata = tree.get("metadata") or {}
    yield from labels(metadata.get("labels") or {}, f"{path}.labels")
    yield from annotations(metadata.get("annotations") or {}, f"{path}.annotations")
    yield from pod_spec(tree.get("spec") or {}, f"{path}.spec")


def pod_spec(spec: Tree, path: str) -> Causes:
    """Check the spec of a pod or a template; it must be defaulted."""
    if "volumes" in spec:
        yield from volumes(spec["volumes"], f"{path}.volumes")
    yield from _containers(spec, path)
    yield from one_of(spec, "restartPolicy", path, _RESTART, required=True)
    yield from one_of(spec, "dnsPolicy", path, _DNS, required=True)
    if spec.get("dnsPolicy") == "None" and not (spec.get("dnsConfig") or {}).get("nameservers"):
        detail = "must provide at least one DNS nameserver when `dnsPolicy` is None"
        yield Cause.required(f"{path}.dnsConfig.nameservers", detail)
    if "nodeSelector" in spec:
        yield from labels(spec["nodeSelector"], f"{path}.nodeSelector")
    for key, rule in _NAMED:
        if spec.get(key):
            for fault in rule(spec[key]):
                yield Cause.invalid(f"{path}.{key}", spec[key], fault)
    if spec.get("securityContext"):
        yield from _security(spec["securityContext"], f"{path}.securityContext")
    if "affinity" in spec:
        yield from affinity(spec["affinity"], f"{path}.affinity")
    yield from within(spec, "activeDeadlineSeconds", path, 1, _INT32_MAX)
    yield from not_negative(spec, "terminationGracePeriodSeconds", path)
    if "tolerations" in spec:
        yield from tolerations(spec["tolerations"], f"{path}.tolerations")
    if "topologySpreadConstraints" in spec:
        constraints = spec["topologySpreadConstraints"]
        yield from spread_constraints(constraints, f"{path}.topologySpreadConstraints")
    yield from _gates(spec, path)
    for index, gate in enumerate(spec.get("readinessGates") or ()):
        kind = gate.get("conditionType", "")
        for fault in names.qualified_name(kind):
            yield Cause.invalid(f"{path}.readinessGates[{index}].conditionType", kind, fault)
    for index, alias in enumerate(spec.get("hostAliases") or ()):
        for fault in names.ip_address(alias.get("ip", "")):
            yield Cause.invalid(f"{path}.hostAliases[{index}].ip", alias.get("ip", ""), fault)


def _gates(spec: Tree, path: str) -> Causes:
    seen: set[str] = set()
    for index, gate in enumerate(spec.get("schedulingGates") or ()):
        here, name = f"{path}.schedulingGates[{index}]", gate.get("name", "")
        for fault in names.qualified_name(name):
            yield Cause.invalid(here, name, fault)
        if name in seen:
            yield Cause.duplicate(here, name)
        seen.add(name)
    if spec.get("nodeName") and spec.get("schedulingGates"):
        detail = "cannot be set until all schedulingGates have been cleared"
        yield Cause.forbidden(f"{path}.nodeName", detail)


def _containers(spec: Tree, path: str) -> Causes:
    mountable = {each.get("name") for each in spec.get("volumes") or () if each.get("name")}
    seen: set[str] = set()
    found = spec.get("containers") or []
    if not found:
        yield Cause.required(f"{path}.containers")
    for index, each in enumerate(found):
        here = f"{path}.containers[{index}]"
        yield from container(each, here, mountable)
        yield from lively(each, here)
        yield from _unseen(each, here, seen)
    for index, each in enumerate(spec.get("initContainers") or ()):
        here = f"{path}.initContainers[{index}]"
        yield from container(each, here, mountable)
        yield from _init(each, here)
        yield from _unseen(each, here, seen)
    for index, each in enumerate(spec.get("ephemeralContainers") or ()):
        here = f"{path}.ephemeralContainers[{index}]"
        yield from container(each, here, mountable)
        yield from _unseen(each, here, seen)
    yield from _host_ports(found, f"{path}.containers", bool(spec.get("hostNetwork")))


def _unseen(each: Tree, path: str, seen: set[str]) -> Causes:
    name = each.get("name") or ""
    if name and name in seen:
        yield Cause.duplicate(f"{path}.name", name)
    seen.add(name)


def _init(each: Tree, path: str) -> Causes:
    policy = each.get("restartPolicy")
    if policy == "Always":
        yield from lively(each, path)
        return
    if policy is not None:
        yield Cause.not_supported(f"{path}.restartPolicy", policy, ("Always",))
    for key in ("lifecycle", "livenessProbe", "readinessProbe", "startupProbe"):
        if key in each:
            yield Cause.forbidden(f"{path}.{key}", _INIT_ONLY)


def _host_ports(found: list[Tree], path: str, host_network: bool) -> Causes:
    taken: set[str] = set()
    for index, each in enumerate(found):
        for place, port in enumerate(each.get("ports") or ()):
            here = f"{path}[{index}].ports[{place}]"
            number, inside = port.get("hostPort") or 0, port.get("containerPort") or 0
            if host_network and number != inside:
                detail = "must match `hostPort` when `hostNetwork` is true"
                yield Cause.invalid(f"{here}.containerPort", inside, detail)
            if not number:
                continue
            key = f"{port.get('protocol', '')}/{port.get('hostIP', '')}/{number}"
            if key in taken:
                yield Cause.duplicate(f"{here}.hostPort", key)
            taken.add(key)


def _security(context: Tree, path: str) -> Causes:
    for key in ("runAsUser", "runAsGroup", "fsGroup"):
        yield from within(context, key, path, 0, _ID_MAX)
    for index, group in enumerate(context.get("supplementalGroups") or ()):
        if not 0 <= group <= _ID_MAX:
            detail = names.out_of_range(0, _ID_MAX)
            yield Cause.invalid(f"{path}.supplementalGroups[{index}]", group, detail)
