"""Checks of Ingresses, IngressClasses and NetworkPolicies."""

from typing import Any

from kube_actors.api import names
from kube_actors.api.errors import Cause
from kube_actors.api.validation.metadata import label_selector
from kube_actors.api.validation.numbers import (
    Causes,
    Tree,
    one_of,
    port,
    port_or_name,
    required,
    unchanged,
)
from kube_actors.api.validation.pods import PROTOCOLS

_PATH_TYPES = ("Exact", "ImplementationSpecific", "Prefix")
_NOT_IN_PATHS = ("//", "/./", "/../", "%2f", "%2F")
_NOT_AT_END = ("/..", "/.")


def ingress(obj: Tree) -> Causes:
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
    after, before = new.get("spec") or {}, old.get("spec") or {}
    yield from unchanged(after.get("controller"), before.get("controller"), "spec.controller")


def network_policy(obj: Tree) -> Causes:
    spec = obj.get("spec") or {}
    yield from label_selector(spec.get("podSelector") or {}, "spec.podSelector")
    for key, side in (("ingress", "from"), ("egress", "to")):
        for index, rule in enumerate(spec.get(key) or ()):
            here = f"spec.{key}[{index}]"
            for place, each in enumerate(rule.get("ports") or ()):
                yield from _policy_port(each, f"{here}.ports[{place}]")
            for place, peer in enumerate(rule.get(side) or ()):
                yield from _peer(peer, f"{here}.{side}[{place}]")
    types = spec.get("policyTypes") or []
    if len(types) > 2:
        detail = "may not specify more than two policyTypes"
        yield Cause.invalid("spec.policyTypes", types, detail)
    for index, kind in enumerate(types):
        if kind not in {"Ingress", "Egress"}:
            path = f"spec.policyTypes[{index}]"
            yield Cause.not_supported(path, kind, ("Egress", "Ingress"))


def _policy_port(each: Tree, path: str) -> Causes:
    yield from one_of(each, "protocol", path, PROTOCOLS)
    chosen: Any = each.get("port")
    if chosen is not None:
        yield from port_or_name(chosen, f"{path}.port")
    end = each.get("endPort")
    if end is None:
        return
    if chosen is None:
        yield Cause.required(f"{path}.port", "must be specified when `endPort` is specified")
    elif isinstance(chosen, str):
        detail = "may not be specified when `port` is non-numeric"
        yield Cause.invalid(f"{path}.endPort", end, detail)
    elif end < chosen:
        detail = "must be greater than or equal to `port`"
        yield Cause.invalid(f"{path}.endPort", end, detail)


def _peer(peer: Tree, path: str) -> Causes:
    if not peer:
        yield Cause.required(path, "must specify a peer")
    for key in ("podSelector", "namespaceSelector"):
        if key in peer:
            yield from label_selector(peer[key], f"{path}.{key}")
    block = peer.get("ipBlock")
    if block is None:
        return
    if len(peer) > 1:
        detail = "may not specify both ipBlock and another peer"
        yield Cause.forbidden(path, detail)
    if not block.get("cidr"):
        yield Cause.required(f"{path}.ipBlock.cidr")
    else:
        for fault in names.cidr(block["cidr"]):
            yield Cause.invalid(f"{path}.ipBlock.cidr", block["cidr"], fault)
    for index, text in enumerate(block.get("except") or ()):
        for fault in names.cidr(text):
            yield Cause.invalid(f"{path}.ipBlock.except[{index}]", text, fault)
