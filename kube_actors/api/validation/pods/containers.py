"""Checks of containers: names, images, ports, environment, mounts, probes, resources."""

from collections.abc import Container
from typing import Any

from kube_actors.api import names
from kube_actors.api.causes import Cause
from kube_actors.api.quantities import Quantity
from kube_actors.api.validation.numbers import (
    Causes,
    Tree,
    amount_of,
    none_negative,
    one_of,
    port,
    port_or_name,
    quantity,
    within,
)
from kube_actors.api.validation.pods.references import environment_source

PROTOCOLS = ("SCTP", "TCP", "UDP")
_PULL_POLICIES = ("Always", "IfNotPresent", "Never")
_MESSAGE_POLICIES = ("FallbackToLogsOnError", "File")
_STANDARD = ("cpu", "memory", "ephemeral-storage")
_HANDLERS = ("exec", "httpGet", "tcpSocket", "grpc", "sleep")
_PROBE_NUMBERS = (
    "initialDelaySeconds",
    "timeoutSeconds",
    "periodSeconds",
    "successThreshold",
    "failureThreshold",
)
_ID_MAX = 2147483647


def container(tree: Tree, path: str, volumes: Container[str]) -> Causes:
    """Check one container of any sort; ``volumes`` are the names that mounts may use."""
    name = tree.get("name")
    if not name:
        yield Cause.required(f"{path}.name")
    else:
        for fault in names.dns1123_label(name):
            yield Cause.invalid(f"{path}.name", name, fault)
    yield from _image(tree.get("image"), f"{path}.image")
    yield from one_of(tree, "imagePullPolicy", path, _PULL_POLICIES, required=True)
    yield from one_of(tree, "terminationMessagePolicy", path, _MESSAGE_POLICIES, required=True)
    if "ports" in tree:
        yield from _ports(tree["ports"], f"{path}.ports")
    if "env" in tree:
        yield from _environment(tree["env"], f"{path}.env")
    for index, source in enumerate(tree.get("envFrom") or ()):
        yield from environment_source(source, f"{path}.envFrom[{index}]")
    if "volumeMounts" in tree:
        yield from _mounts(tree["volumeMounts"], f"{path}.volumeMounts", volumes)
    if tree.get("resources"):
        yield from resources(tree["resources"], f"{path}.resources")
    if tree.get("securityContext"):
        yield from _security(tree["securityContext"], f"{path}.securityContext")


def _image(image: Any, path: str) -> Causes:
    if not image:
        yield Cause.required(path)
    elif image != image.strip():
        yield Cause.invalid(path, image, "must not have leading or trailing whitespace")


def lively(tree: Tree, path: str) -> Causes:
    """Check what only containers that keep running may have: probes and hooks."""
    for key in ("livenessProbe", "readinessProbe", "startupProbe"):
        if key in tree:
            yield from _probe(tree[key], f"{path}.{key}", key)
    lifecycle = tree.get("lifecycle") or {}
    for hook in ("postStart", "preStop"):
        if hook in lifecycle:
            yield from _handler(lifecycle[hook], f"{path}.lifecycle.{hook}")


def _ports(ports: list[Tree], path: str) -> Causes:
    seen: set[str] = set()
    for index, each in enumerate(ports):
        here = f"{path}[{index}]"
        name = each.get("name")
        if name:
            faults = names.port_name(name)
            for fault in faults:
                yield Cause.invalid(f"{here}.name", name, fault)
            if not faults and name in seen:
                yield Cause.duplicate(f"{here}.name", name)
            seen.add(name)
        if not each.get("containerPort"):
            yield Cause.required(f"{here}.containerPort")
        else:
            yield from port(each["containerPort"], f"{here}.containerPort")
        if each.get("hostPort"):
            yield from port(each["hostPort"], f"{here}.hostPort")
        yield from one_of(each, "protocol", here, PROTOCOLS, required=True)


def _environment(variables: list[Tree], path: str) -> Causes:
    for index, each in enumerate(variables):
        here = f"{path}[{index}]"
        name = each.get("name")
        if not name:
            yield Cause.required(f"{here}.name")
        else:
            for fault in names.environment_name(name):
                yield Cause.invalid(f"{here}.name", name, fault)
        if "valueFrom" in each:
            has_value = bool(each.get("value"))
            source = each["valueFrom"]
            yield from environment_source(source, f"{here}.valueFrom", has_value=has_value)


def _mounts(mounts: list[Tree], path: str, volumes: Container[str]) -> Causes:
    paths: set[str] = set()
    for index, mount in enumerate(mounts):
        here = f"{path}[{index}]"
        name, target = mount.get("name") or "", mount.get("mountPath")
        if not name:
            yield Cause.required(f"{here}.name")
        if not target:
            yield Cause.required(f"{here}.mountPath")
        if name not in volumes:
            yield Cause.not_found(f"{here}.name", name)
        if target in paths:
            yield Cause.invalid(f"{here}.mountPath", target, "must be unique")
        paths.add(target or "")
        if mount.get("subPath") and mount.get("subPathExpr"):
            detail = "subPathExpr and subPath are mutually exclusive"
            yield Cause.invalid(f"{here}.subPathExpr", mount["subPathExpr"], detail)
        for key in ("subPath", "subPathExpr"):
            if mount.get(key):
                yield from relative_path(mount[key], f"{here}.{key}")


def relative_path(text: str, path: str) -> Causes:
    """Apply ``validateLocalDescendingPath``: not absolute, and no way up by ``..``."""
    if text.startswith("/"):
        yield Cause.invalid(path, text, "must be a relative path")
    if ".." in text.split("/"):
        yield Cause.invalid(path, text, "must not contain '..'")


def _probe(probe: Tree, path: str, kind: str) -> Causes:
    yield from _handler(probe, path)
    yield from none_negative(probe, _PROBE_NUMBERS, path)
    grace = probe.get("terminationGracePeriodSeconds")
    if kind == "readinessProbe":
        if grace is not None:
            detail = "must not be set for readinessProbes"
            yield Cause.invalid(f"{path}.terminationGracePeriodSeconds", grace, detail)
        return
    if grace is not None and grace <= 0:
        yield Cause.invalid(f"{path}.terminationGracePeriodSeconds", grace, _MORE_THAN_ZERO)
    if probe.get("successThreshold", 1) not in {0, 1}:
        yield Cause.invalid(f"{path}.successThreshold", probe["successThreshold"], "must be 1")


_MORE_THAN_ZERO = "must be greater than 0"


def _handler(tree: Tree, path: str) -> Causes:
    found = [name for name in _HANDLERS if name in tree]
    if not found:
        yield Cause.required(path, "must specify a handler type")
    for name in found[1:]:
        yield Cause.forbidden(f"{path}.{name}", "may not specify more than 1 handler type")
    for name in found[:1]:
        action = tree[name]
        here = f"{path}.{name}"
        if name == "exec" and not action.get("command"):
            yield Cause.required(f"{here}.command")
        elif name == "httpGet":
            yield from _http_get(action, here)
        elif name == "tcpSocket":
            yield from port_or_name(action.get("port", 0), f"{here}.port")
        elif name == "grpc":
            yield from port(action.get("port", 0), f"{here}.port")


def _http_get(action: Tree, path: str) -> Causes:
    if not action.get("path"):
        yield Cause.required(f"{path}.path")
    yield from port_or_name(action.get("port", 0), f"{path}.port")
    yield from one_of(action, "scheme", path, ("HTTP", "HTTPS"))
    for index, header in enumerate(action.get("httpHeaders") or ()):
        name = header.get("name", "")
        for fault in names.http_header(name):
            yield Cause.invalid(f"{path}.httpHeaders[{index}].name", name, fault)


def is_extended(name: str) -> bool:
    """Whether a resource is one that a vendor defines, counted in whole units."""
    return "/" in name and not name.split("/", 1)[0].endswith("kubernetes.io")


def _may_overcommit(name: str) -> bool:
    return not is_extended(name) and not name.startswith("hugepages-")


def _resource_name(name: str, path: str) -> Causes:
    if name in _STANDARD:
        return
    for fault in names.qualified_name(name):
        yield Cause.invalid(path, name, fault)
    if "/" not in name and not name.startswith("hugepages-"):
        yield Cause.invalid(path, name, "must be a standard resource for containers")


def resources(tree: Tree, path: str) -> Causes:
    """Check requests and limits, and that no request is above its limit."""
    limits, requests = tree.get("limits") or {}, tree.get("requests") or {}
    for side, amounts in (("limits", limits), ("requests", requests)):
        for name, amount in amounts.items():
            here = f"{path}.{side}[{name}]"
            yield from _resource_name(name, here)
            yield from quantity(amount, here)
            known = amount_of(amount)
            if isinstance(known, Quantity) and is_extended(name) and known.nano % 10**9:
                yield Cause.invalid(here, amount, "must be an integer")
    for name, amount in requests.items():
        limit = limits.get(name)
        if limit is not None:
            yield from _within_limit(name, amount, limit, f"{path}.requests")
        elif not _may_overcommit(name):
            detail = "Limit must be set for non overcommitable resources"
            yield Cause.required(f"{path}.limits", detail)


def _within_limit(name: str, amount: str, limit: str, path: str) -> Causes:
    asked, most = amount_of(amount), amount_of(limit)
    if amount == limit or not isinstance(asked, Quantity) or not isinstance(most, Quantity):
        return
    if not _may_overcommit(name) and asked.nano != most.nano:
        yield Cause.invalid(path, amount, f"must be equal to {name} limit of {limit}")
    elif asked.nano > most.nano:
        detail = f"must be less than or equal to {name} limit of {limit}"
        yield Cause.invalid(path, amount, detail)


def _security(tree: Tree, path: str) -> Causes:
    yield from within(tree, "runAsUser", path, 0, _ID_MAX)
    yield from within(tree, "runAsGroup", path, 0, _ID_MAX)
    if tree.get("privileged") and tree.get("allowPrivilegeEscalation") is False:
        detail = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true"
        yield Cause.invalid(path, tree, detail)
