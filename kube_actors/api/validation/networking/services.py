"""Checks of Services and of what they lead to: Endpoints and EndpointSlices."""

from typing import Any

from kube_actors.api import names
from kube_actors.api.causes import Cause
from kube_actors.api.validation.metadata import labels
from kube_actors.api.validation.numbers import (
    Causes,
    Tree,
    one_of,
    port,
    port_or_name,
    unchanged,
    within,
)
from kube_actors.api.validation.pods import PROTOCOLS

_TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
_OUTSIDE = ("NodePort", "LoadBalancer")
_AFFINITY_SECONDS_MAX = 86400
_ADDRESS_TYPES = ("FQDN", "IPv4", "IPv6")
_ENDPOINTS_MAX, _ADDRESSES_MAX, _SLICE_PORTS_MAX = 1000, 100, 20000
NODE_PORTS = (30000, 32767)


def service(obj: Tree) -> Causes:
    """Apply ``ValidateService``: ports unless headless or external, and addresses to match."""
    spec = obj.get("spec") or {}
    kind, ports = spec.get("type"), spec.get("ports") or []
    external_name = kind == "ExternalName"
    if not ports and not _headless(spec) and not external_name:
        yield Cause.required("spec.ports")
    yield from _type(spec)
    yield from _ports(ports, kind, external_name or _headless(spec))
    if spec.get("selector"):
        yield from labels(spec["selector"], "spec.selector")
    affinities = ("ClientIP", "None")
    yield from one_of(spec, "sessionAffinity", "spec", affinities, required=True)
    if spec.get("sessionAffinity") == "ClientIP":
        config = (spec.get("sessionAffinityConfig") or {}).get("clientIP") or {}
        here = "spec.sessionAffinityConfig.clientIP"
        yield from within(config, "timeoutSeconds", here, 1, _AFFINITY_SECONDS_MAX)
    yield from _cluster_ips(spec, external_name)
    for index, address in enumerate(spec.get("externalIPs") or ()):
        for fault in names.ip_address(address):
            yield Cause.invalid(f"spec.externalIPs[{index}]", address, fault)
    yield from _traffic(spec)


def _headless(spec: Tree) -> bool:
    return spec.get("clusterIP") == "None" or (spec.get("clusterIPs") or [""])[0] == "None"


def _type(spec: Tree) -> Causes:
    kind = spec.get("type")
    yield from one_of(spec, "type", "spec", _TYPES, required=True)
    if kind == "ExternalName":
        name = (spec.get("externalName") or "").rstrip(".")
        if not name:
            yield Cause.required("spec.externalName")
        for fault in names.dns1123_subdomain(name) if name else ():
            yield Cause.invalid("spec.externalName", spec["externalName"], fault)
    if kind == "LoadBalancer" and _headless(spec):
        detail = "may not be set to 'None' for LoadBalancer services"
        yield Cause.invalid("spec.clusterIPs[0]", "None", detail)
    if kind == "NodePort" and _headless(spec):
        detail = "may not be set to 'None' for NodePort services"
        yield Cause.invalid("spec.clusterIPs[0]", "None", detail)


def _ports(ports: list[Tree], kind: Any, no_address: bool) -> Causes:
    seen_names: set[str] = set()
    seen: set[tuple[str, int]] = set()
    seen_node: set[tuple[str, int]] = set()
    for index, each in enumerate(ports):
        here = f"spec.ports[{index}]"
        yield from _port_name(each.get("name") or "", here, len(ports) > 1, seen_names)
        yield from port(each.get("port", 0), f"{here}.port")
        yield from one_of(each, "protocol", here, PROTOCOLS, required=True)
        yield from port_or_name(each.get("targetPort", 0), f"{here}.targetPort")
        if each.get("appProtocol"):
            for fault in names.qualified_name(each["appProtocol"]):
                yield Cause.invalid(f"{here}.appProtocol", each["appProtocol"], fault)
        key = (each.get("protocol", ""), each.get("port", 0))
        if key in seen:
            shown = {"protocol": key[0], "port": key[1]}
            yield Cause.duplicate(here, shown)
        seen.add(key)
        yield from _node_port(each, here, kind, seen_node)


def _port_name(name: str, path: str, required: bool, seen: set[str]) -> Causes:
    if not name:
        if required:
            yield Cause.required(f"{path}.name")
        return
    faults = names.dns1123_label(name)
    for fault in faults:
        yield Cause.invalid(f"{path}.name", name, fault)
    if not faults and name in seen:
        yield Cause.duplicate(f"{path}.name", name)
    seen.add(name)


def _node_port(each: Tree, path: str, kind: Any, seen: set[tuple[str, int]]) -> Causes:
    number = each.get("nodePort") or 0
    if not number:
        return
    if kind == "ClusterIP":
        detail = "may not be used when `type` is 'ClusterIP'"
        yield Cause.forbidden(f"{path}.nodePort", detail)
        return
    low, high = NODE_PORTS
    if not low <= number <= high:
        detail = (
            f"provided port is not in the valid range. The range of valid ports is {low}-{high}"
        )
        yield Cause.invalid(f"{path}.nodePort", number, detail)
    key = (each.get("protocol", ""), number)
    if key in seen:
        yield Cause.duplicate(f"{path}.nodePort", number)
    seen.add(key)


def _cluster_ips(spec: Tree, external_name: bool) -> Causes:
    addresses = spec.get("clusterIPs") or []
    if external_name:
        for key in ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"):
            if spec.get(key):
                yield Cause.forbidden(f"spec.{key}", "may not be set for ExternalName services")
        return
    first = spec.get("clusterIP") or ""
    if first and addresses and addresses[0] != first:
        yield Cause.invalid("spec.clusterIPs", addresses, "first value must match `clusterIP`")
    for index, address in enumerate(addresses):
        if address in {"None", ""}:
            if index or len(addresses) > 1:
                detail = "'None' must be the first and only value"
                yield Cause.invalid("spec.clusterIPs", addresses, detail)
            continue
        for fault in names.ip_address(address):
            yield Cause.invalid(f"spec.clusterIPs[{index}]", address, fault)


def _traffic(spec: Tree) -> Causes:
    both = ("Cluster", "Local")
    yield from one_of(spec, "internalTrafficPolicy", "spec", both)
    policy = spec.get("externalTrafficPolicy")
    if not policy:
        return
    reachable = spec.get("type") in _OUTSIDE or (
        spec.get("type") == "ClusterIP" and spec.get("externalIPs")
    )
    if not reachable:
        detail = "may only be set for externally-accessible services"
        yield Cause.invalid("spec.externalTrafficPolicy", policy, detail)
    else:
        yield from one_of(spec, "externalTrafficPolicy", "spec", both)


def service_update(new: Tree, old: Tree) -> Causes:
    """Apply ``ValidateServiceUpdate``: a cluster IP stays unless ExternalName is involved."""
    spec, before = new.get("spec") or {}, old.get("spec") or {}
    # A service may gain or lose its address only by changing from or to ExternalName.
    if "ExternalName" in {spec.get("type"), before.get("type")}:
        return
    was, now = before.get("clusterIPs") or [], spec.get("clusterIPs") or []
    if was and was[0] and (not now or now[0] != was[0]):
        yield Cause.invalid("spec.clusterIPs[0]", now, "may not change once set")
    kind = before.get("loadBalancerClass")
    if kind is not None and spec.get("type") == before.get("type") == "LoadBalancer":
        chosen = spec.get("loadBalancerClass")
        yield from unchanged(chosen, kind, "spec.loadBalancerClass", "may not change once set")


def endpoints(obj: Tree) -> Causes:
    """Apply ``ValidateEndpoints``, but take loopback addresses: this cluster's pods have them."""
    for index, subset in enumerate(obj.get("subsets") or ()):
        here = f"subsets[{index}]"
        ready, not_ready = subset.get("addresses") or [], subset.get("notReadyAddresses") or []
        if not ready and not not_ready:
            yield Cause.required(here, "must specify `addresses` or `notReadyAddresses`")
        for key, found in (("addresses", ready), ("notReadyAddresses", not_ready)):
            for place, address in enumerate(found):
                for fault in _special_ip(address.get("ip", "")):
                    path = f"{here}.{key}[{place}].ip"
                    yield Cause.invalid(path, address.get("ip", ""), fault)
        ports = subset.get("ports") or []
        for place, each in enumerate(ports):
            path = f"{here}.ports[{place}]"
            yield from _port_name(each.get("name") or "", path, len(ports) > 1, set())
            yield from port(each.get("port", 0), f"{path}.port")
            yield from one_of(each, "protocol", path, PROTOCOLS, required=True)


def _special_ip(address: str) -> list[str]:
    # Kubernetes also refuses loopback addresses here. This cluster's pods live on them: without
    # root they are the addresses that can be bound.
    faults = names.ip_address(address)
    if faults:
        return faults
    if address in {"0.0.0.0", "::"}:
        return ["may not be unspecified (0.0.0.0 or ::)"]
    return []


def endpoint_slice(obj: Tree) -> Causes:
    """Apply ``ValidateEndpointSlice``; beyond the limits on counts nothing more is said."""
    kind = obj.get("addressType")
    if not kind:
        yield Cause.required("addressType")
    elif kind not in _ADDRESS_TYPES:
        yield Cause.not_supported("addressType", kind, _ADDRESS_TYPES)
    found = obj.get("endpoints") or []
    if len(found) > _ENDPOINTS_MAX:
        yield Cause.too_many("endpoints", len(found), _ENDPOINTS_MAX)
        return
    for index, endpoint in enumerate(found):
        yield from _endpoint(endpoint, f"endpoints[{index}]", kind)
    ports = obj.get("ports") or []
    if len(ports) > _SLICE_PORTS_MAX:
        yield Cause.too_many("ports", len(ports), _SLICE_PORTS_MAX)
        return
    seen: set[str] = set()
    for index, each in enumerate(ports):
        name, here = each.get("name") or "", f"ports[{index}]"
        for fault in names.dns1123_label(name) if name else ():
            yield Cause.invalid(f"{here}.name", name, fault)
        if name in seen:
            yield Cause.duplicate(f"{here}.name", name)
        seen.add(name)
        yield from one_of(each, "protocol", here, PROTOCOLS, required=True)


def _endpoint(endpoint: Tree, path: str, kind: Any) -> Causes:
    addresses = endpoint.get("addresses") or []
    if not addresses:
        yield Cause.required(f"{path}.addresses", "must contain at least 1 address")
    elif len(addresses) > _ADDRESSES_MAX:
        yield Cause.too_many(f"{path}.addresses", len(addresses), _ADDRESSES_MAX)
    rule = names.dns1123_subdomain if kind == "FQDN" else _special_ip
    for index, address in enumerate(addresses):
        for fault in rule(address):
            yield Cause.invalid(f"{path}.addresses[{index}]", address, fault)
    if endpoint.get("hostname"):
        for fault in names.dns1123_label(endpoint["hostname"]):
            yield Cause.invalid(f"{path}.hostname", endpoint["hostname"], fault)


def endpoint_slice_update(new: Tree, old: Tree) -> Causes:
    """Apply ``ValidateEndpointSliceUpdate``: the address type stays."""
    yield from unchanged(new.get("addressType"), old.get("addressType"), "addressType")
