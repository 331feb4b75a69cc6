"""Checks of Ingresses and IngressClasses: hosts, paths by their type, backends."""

from kube_actors.api import names
from kube_actors.api.causes import Cause
from kube_actors.api.validation.numbers import (
    Causes,
    Tree,
    port,
    required,
    unchanged,
)

_PATH_TYPES = ("Exact", "ImplementationSpecific", "Prefix")
_NOT_IN_PATHS = ("//", "/./", "/../", "%2f", "%2F")
_NOT_AT_END = ("/..", "/.")


def ingress(obj: Tree) -> Causes:
    """Apply ``ValidateIngressCreate``: rules or a default backend, paths by their type."""
    spec = obj.get("spec") or {}
    rules = spec.get("rules") or []
    if not rules and spec.get("defaultBackend") is None:
        detail = "either `defaultBackend` or `rules` must be specified"
        yield Cause.invalid("spec", rules, detail)
    if "defaultBackend" in spec:
        yield from _backend(spec["defaultBackend"], "spec.defaultBackend")
    for index, rule in enumerate(rules):
        yield from _rule(rule, f"spec.rules[{index}]")
    if spec.get("ingressClassName"):
        for fault in names.dns1123_subdomain(spec["ingressClassName"]):
            yield Cause.invalid("spec.ingressClassName", spec["ingressClassName"], fault)
    for index, tls in enumerate(spec.get("tls") or ()):
        for place, host in enumerate(tls.get("hosts") or ()):
            yield from _host(host, f"spec.tls[{index}].hosts[{place}]")


def _host(host: str, path: str) -> Causes:
    rule = names.wildcard_subdomain if "*" in host else names.dns1123_subdomain
    for fault in rule(host):
        yield Cause.invalid(path, host, fault)


def _rule(rule: Tree, path: str) -> Causes:
    host = rule.get("host")
    if host:
        if not names.ip_address(host):
            yield Cause.invalid(f"{path}.host", host, "must be a DNS name, not an IP address")
        else:
            yield from _host(host, f"{path}.host")
    if "http" not in rule:
        return
    paths = rule["http"].get("paths") or []
    if not paths:
        yield Cause.required(f"{path}.http.paths")
    for index, each in enumerate(paths):
        here = f"{path}.http.paths[{index}]"
        yield from _path(each, here)
        yield from _backend(each.get("backend") or {}, f"{here}.backend")


def _path(each: Tree, path: str) -> Causes:
    kind, text = each.get("pathType"), each.get("path") or ""
    if kind is None:
        yield Cause.required(f"{path}.pathType", "pathType must be specified")
        return
    if kind not in _PATH_TYPES:
        yield Cause.not_supported(f"{path}.pathType", kind, _PATH_TYPES)
        return
    if kind == "ImplementationSpecific":
        if text and not text.startswith("/"):
            yield Cause.invalid(f"{path}.path", text, "must be an absolute path")
        return
    if not text.startswith("/"):
        yield Cause.invalid(f"{path}.path", text, "must be an absolute path")
    for bad in _NOT_IN_PATHS:
        if bad in text:
            yield Cause.invalid(f"{path}.path", text, f"must not contain '{bad}'")
    for bad in _NOT_AT_END:
        if text.endswith(bad):
            yield Cause.invalid(f"{path}.path", text, f"cannot end with '{bad}'")


def _backend(backend: Tree, path: str) -> Causes:
    has_resource, has_service = "resource" in backend, "service" in backend
    if has_resource and has_service:
        detail = "cannot set both resource and service backends"
        yield Cause.invalid(path, "", detail)
    elif has_resource:
        yield from required(backend["resource"], ("kind", "name"), f"{path}.resource")
    elif has_service:
        yield from _backend_service(backend["service"], f"{path}.service")
    else:
        yield Cause.required(path, "resource or service backend is required")


def _backend_service(service: Tree, path: str) -> Causes:
    name, chosen = service.get("name"), service.get("port") or {}
    if not name:
        yield Cause.required(f"{path}.name")
    else:
        for fault in names.dns1035_label(name):
            yield Cause.invalid(f"{path}.name", name, fault)
    if chosen.get("name") and chosen.get("number"):
        yield Cause.invalid(path, "", "cannot set both port name & port number")
    elif chosen.get("name"):
        for fault in names.port_name(chosen["name"]):
            yield Cause.invalid(f"{path}.port.name", chosen["name"], fault)
    elif chosen.get("number"):
        yield from port(chosen["number"], f"{path}.port.number")
    else:
        yield Cause.required(path, "port name or number is required")


def ingress_class(obj: Tree) -> Causes:
    """Apply ``ValidateIngressClass``: the controller is a path below a domain."""
    controller = (obj.get("spec") or {}).get("controller") or ""
    if not controller:
        return
    domain, slash, rest = controller.partition("/")
    if not slash or not rest:
        detail = 'must be a domain-prefixed path (such as "acme.io/foo")'
        yield Cause.invalid("spec.controller", controller, detail)
    for fault in names.dns1123_subdomain(domain):
        yield Cause.invalid("spec.controller", domain, fault)


def ingress_class_update(new: Tree, old: Tree) -> Causes:
    """Apply ``ValidateIngressClassUpdate``: the controller stays."""
    after, before = new.get("spec") or {}, old.get("spec") or {}
    yield from unchanged(after.get("controller"), before.get("controller"), "spec.controller")
