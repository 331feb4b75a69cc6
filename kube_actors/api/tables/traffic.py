"""Columns of what leads traffic: services, endpoints, slices, ingresses, network policies."""

from typing import Any

from kube_actors.api.tables.durations import age
from kube_actors.api.tables.printer import Printer, columns
from kube_actors.api.tables.words import (
    NONE,
    UNSET,
    Object,
    cut_short,
    labels_text,
    name,
    selector_text,
    spec,
    status,
)

_SHOWN_MAX = 3


def _balancer(obj: Object) -> list[str]:
    ingress = (status(obj).get("loadBalancer") or {}).get("ingress") or ()
    found = [str(each.get("ip") or each.get("hostname") or "") for each in ingress]
    return [each for each in found if each]


def _external_ip(obj: Object) -> str:
    type_ = spec(obj).get("type") or "ClusterIP"
    given = [str(each) for each in spec(obj).get("externalIPs") or ()]
    if type_ == "ExternalName":
        return str(spec(obj).get("externalName", ""))
    if type_ == "LoadBalancer":
        return ",".join(_balancer(obj) + given) or "<pending>"
    return ",".join(given) or NONE


def _service_ports(obj: Object) -> str:
    shown = []
    for port in spec(obj).get("ports") or ():
        node_port = f":{port['nodePort']}" if port.get("nodePort") else ""
        shown.append(f"{port.get('port')}{node_port}/{port.get('protocol') or 'TCP'}")
    return ",".join(shown) or NONE


def _service(obj: Object, now_s: float) -> list[Any]:
    ips = spec(obj).get("clusterIPs") or ()
    return [
        name(obj),
        spec(obj).get("type") or "ClusterIP",
        (ips[0] if ips else spec(obj).get("clusterIP")) or NONE,
        _external_ip(obj),
        _service_ports(obj),
        age(obj, now_s),
        labels_text(spec(obj).get("selector")),
    ]


def _host_port(ip: str, port: Any) -> str:
    return f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}"


def _endpoints(obj: Object, now_s: float) -> list[Any]:
    shown: list[str] = []
    for subset in obj.get("subsets") or ():
        ips = [str(each.get("ip", "")) for each in subset.get("addresses") or ()]
        ports = subset.get("ports") or ()
        if not ports:
            shown += ips
        for port in ports:
            shown += [_host_port(ip, port.get("port")) for ip in ips]
    return [name(obj), cut_short(shown, _SHOWN_MAX), age(obj, now_s)]


def _endpoint_slice(obj: Object, now_s: float) -> list[Any]:
    ports = [str(each.get("port") or each.get("name") or "*") for each in obj.get("ports") or ()]
    addresses = [
        str(address)
        for each in obj.get("endpoints") or ()
        for address in each.get("addresses") or ()
    ]
    return [
        name(obj),
        obj.get("addressType", ""),
        cut_short(ports, _SHOWN_MAX, UNSET),
        cut_short(addresses, _SHOWN_MAX, UNSET),
        age(obj, now_s),
    ]


def _ingress(obj: Object, now_s: float) -> list[Any]:
    hosts = [str(each["host"]) for each in spec(obj).get("rules") or () if each.get("host")]
    return [
        name(obj),
        spec(obj).get("ingressClassName") or NONE,
        cut_short(hosts, _SHOWN_MAX, "*"),
        ",".join(_balancer(obj)),
        "80, 443" if spec(obj).get("tls") else "80",
        age(obj, now_s),
    ]


def _ingress_class(obj: Object, now_s: float) -> list[Any]:
    parameters = spec(obj).get("parameters")
    shown = NONE
    if parameters:
        group = f".{parameters['apiGroup']}" if parameters.get("apiGroup") else ""
        shown = f"{parameters.get('kind')}{group}/{parameters.get('name')}"
    return [name(obj), spec(obj).get("controller", ""), shown, age(obj, now_s)]


def _network_policy(obj: Object, now_s: float) -> list[Any]:
    return [name(obj), selector_text(spec(obj).get("podSelector") or {}), age(obj, now_s)]


def _ip_address(obj: Object, now_s: float) -> list[Any]:
    parent = spec(obj).get("parentRef") or {}
    parts = [parent.get(each) for each in ("resource", "namespace", "name")]
    group = parent.get("group")
    resource = ".".join(str(each) for each in (parts[0], group) if each)
    shown = "/".join(str(each) for each in (resource, *parts[1:]) if each)
    return [name(obj), shown]


def _service_cidr(obj: Object, now_s: float) -> list[Any]:
    return [name(obj), ",".join(spec(obj).get("cidrs") or ()), age(obj, now_s)]


PRINTERS = {
    ("", "services"): Printer(
        columns("Name", "Type", "Cluster-IP", "External-IP", "Port(s)", "Age", "+Selector"),
        _service,
    ),
    ("", "endpoints"): Printer(columns("Name", "Endpoints", "Age"), _endpoints),
    ("discovery.k8s.io", "endpointslices"): Printer(
        columns("Name", "AddressType", "Ports", "Endpoints", "Age"), _endpoint_slice
    ),
    ("networking.k8s.io", "ingresses"): Printer(
        columns("Name", "Class", "Hosts", "Address", "Ports", "Age"), _ingress
    ),
    ("networking.k8s.io", "ingressclasses"): Printer(
        columns("Name", "Controller", "Parameters", "Age"), _ingress_class
    ),
    ("networking.k8s.io", "networkpolicies"): Printer(
        columns("Name", "Pod-Selector", "Age"), _network_policy
    ),
    ("networking.k8s.io", "ipaddresses"): Printer(columns("Name", "ParentRef"), _ip_address),
    ("networking.k8s.io", "servicecidrs"): Printer(columns("Name", "CIDRs", "Age"), _service_cidr),
}
