"""Service addresses and node ports: chosen here, reserved in the Service's own transaction.

An address is reserved by its IPAddress object, a node port by a key of its own; both are guarded
to be absent, so two masters can never give one twice. They are released with the Service.
"""

import ipaddress
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import attrs

from kube_actors.actor import Blob
from kube_actors.api import Cause, Object, errors
from kube_actors.apiserver.objects import encode_value, object_key
from kube_actors.apiserver.transaction import absent
from kube_actors.store.messages import Compare, DeleteRange, Put

if TYPE_CHECKING:
    from kube_actors.apiserver.call import Call

_GROUP, _PLURAL = "networking.k8s.io", "ipaddresses"
_OUTSIDE = ("NodePort", "LoadBalancer")
_TRIES = 256


@attrs.frozen
class Placed:
    """Guards and writes to add to the object's transaction."""

    guards: tuple[Compare, ...] = ()
    writes: tuple[Put | DeleteRange, ...] = ()


NOTHING = Placed()


def _is_service(call: "Call") -> bool:
    return call.kind.plural == "services" and not call.kind.group


def port_key(port: int) -> bytes:
    """Return the reservation's key; it lies outside the registry, nobody lists it."""
    return f"/reservations/nodeports/{port}".encode()


def _ip_key(ip: str) -> bytes:
    return object_key(_GROUP, _PLURAL, "", ip)


def on_create(call: "Call", obj: Object) -> Placed:
    """Give a new Service what it needs, in place; raises ``StatusError`` 422."""
    return _place(call, obj, {}) if _is_service(call) else NOTHING


def on_update(call: "Call", new: Object, old: Object) -> Placed:
    """Give and take what changed, in place; raises ``StatusError`` 422."""
    if not _is_service(call) or call.target.subresource:
        return NOTHING
    return _place(call, new, old)


def on_delete(call: "Call", old: Object) -> tuple[DeleteRange, ...]:
    """Return the releases that go with the removal of ``old``."""
    if not _is_service(call):
        return ()
    spec = old.get("spec") or {}
    keys = [_ip_key(ip) for ip in _ips(spec)] + [port_key(port) for port in _ports(spec)]
    return tuple(DeleteRange(key) for key in keys)


def _ips(spec: dict[str, Any]) -> list[str]:
    given = spec.get("clusterIPs") or ([spec["clusterIP"]] if spec.get("clusterIP") else [])
    return [ip for ip in given if ip and ip != "None"]


def _ports(spec: dict[str, Any]) -> list[int]:
    found = [port.get("nodePort") for port in spec.get("ports") or ()]
    return list(dict.fromkeys(port for port in found if port))


def _place(call: "Call", new: Object, old: Object) -> Placed:
    before = old.get("spec") or {}
    spec = new["spec"] = dict(new.get("spec") or {})
    guards: list[Compare] = []
    writes: list[Put | DeleteRange] = []
    had_ips, had_ports = _ips(before), _ports(before)
    _place_ip(call, new, spec)
    _place_ports(call, new, spec, had_ports)
    for ip in _ips(spec):
        if ip not in had_ips:
            guards.append(absent(_ip_key(ip)))
            writes.append(Put(_ip_key(ip), Blob(_reservation(call, new, ip))))
    for port in _ports(spec):
        if port not in had_ports:
            owner = object_key("", "services", call.namespace, new["metadata"]["name"])
            guards.append(absent(port_key(port)))
            writes.append(Put(port_key(port), Blob(owner)))
    writes.extend(DeleteRange(_ip_key(ip)) for ip in had_ips if ip not in _ips(spec))
    writes.extend(DeleteRange(port_key(p)) for p in had_ports if p not in _ports(spec))
    return Placed(tuple(guards), tuple(writes))


def _place_ip(call: "Call", obj: Object, spec: dict[str, Any]) -> None:
    if spec.get("type") == "ExternalName":
        for field in ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"):
            spec.pop(field, None)
        return
    spec.setdefault("ipFamilies", ["IPv4"])
    spec.setdefault("ipFamilyPolicy", "SingleStack")
    ip = spec.get("clusterIP") or next(iter(spec.get("clusterIPs") or ()), "")
    if ip != "None":
        cidr = ipaddress.ip_network(call.server.config.service_cidr)
        if not ip:
            ip = _free_ip(call, obj, cidr)
        else:
            _check_ip(call, obj, spec, ip, cidr)
    spec["clusterIP"] = ip
    spec["clusterIPs"] = [ip]


def _taken(call: "Call", ip: str) -> str:
    """Return the Service that holds ``ip`` as ``namespace/name``, "" if none does."""
    entry = call.server.cache.resource(_GROUP, _PLURAL).get("", ip)
    if entry is None:
        return ""
    owner = entry.decode().get("spec", {}).get("parentRef", {})
    return f"{owner.get('namespace', '')}/{owner.get('name', '')}"


def _check_ip(call: "Call", obj: Object, spec: dict[str, Any], ip: str, cidr: Any) -> None:
    try:
        inside = ipaddress.ip_address(ip) in cidr
    except ValueError:
        inside = False
    problem = "" if inside else "the provided network does not match the current range"
    holder = _taken(call, ip) if inside else ""
    if holder and holder != f"{call.namespace}/{obj['metadata']['name']}":
        problem = "provided IP is already allocated"
    if problem:
        cause = Cause.invalid("spec.clusterIPs", [ip], f"failed to allocate IP {ip}: {problem}")
        raise errors.invalid(call.kind, obj["metadata"]["name"], [cause])


def _free_ip(call: "Call", obj: Object, cidr: Any) -> str:
    # As Kubernetes does, the lower part is left for those who ask for a fixed address.
    size = cidr.num_addresses - 2
    reserved = min(max(16, size // 16), 256, size // 2)
    chosen = _first_free(
        call, (reserved, size), lambda offset: not _taken(call, str(cidr[offset]))
    ) or _first_free(call, (1, reserved), lambda offset: not _taken(call, str(cidr[offset])))
    if not chosen:
        raise errors.internal("failed to allocate a serviceIP: range is full")
    return str(cidr[chosen])


def _first_free(call: "Call", bounds: tuple[int, int], free: Any) -> int:
    """Return a free number in bounds, 0 if there is none: at random first, then in order."""
    low, high = bounds
    random = call.server.random
    for _ in range(_TRIES):
        candidate = random.randint(low, high)
        if free(candidate):
            return candidate
    return next((number for number in range(low, high + 1) if free(number)), 0)


def _place_ports(call: "Call", obj: Object, spec: dict[str, Any], had: list[int]) -> None:
    ports = [dict(port) for port in spec.get("ports") or ()]
    if not ports:
        return
    spec["ports"] = ports
    if spec.get("type") not in _OUTSIDE:
        for port in ports:
            port.pop("nodePort", None)
        return
    used = set(_used_ports(call, obj))
    low, high = call.server.config.node_port_range
    for index, port in enumerate(ports):
        number = port.get("nodePort") or 0
        if number and number not in had:
            problem = ""
            if not low <= number <= high:
                problem = (
                    "provided port is not in the valid range. "
                    f"The range of valid ports is {low}-{high}"
                )
            elif number in used:
                problem = "provided port is already allocated"
            if problem:
                path = f"spec.ports[{index}].nodePort"
                cause = Cause.invalid(path, number, problem)
                raise errors.invalid(call.kind, obj["metadata"]["name"], [cause])
    own = {port["nodePort"] for port in ports if port.get("nodePort")}
    for port in ports:
        if not port.get("nodePort"):
            found = _first_free(call, (low, high), lambda n: n not in used and n not in own)
            if not found:
                raise errors.internal("failed to allocate a nodePort: range is full")
            port["nodePort"] = found
            own.add(found)


def _used_ports(call: "Call", obj: Object) -> Iterable[int]:
    for entry in call.server.cache.resource("", "services").entries():
        mine = entry.namespace == call.namespace and entry.name == obj["metadata"]["name"]
        if not mine and b'"nodePort"' in entry.value:
            yield from _ports(entry.decode().get("spec") or {})


def _reservation(call: "Call", obj: Object, ip: str) -> bytes:
    server = call.server
    parent = {
        "group": "",
        "resource": "services",
        "namespace": call.namespace,
        "name": obj["metadata"]["name"],
    }
    metadata = {
        "name": ip,
        "uid": server.uid(),
        "creationTimestamp": server.clock.timestamp(),
        "labels": {
            "ipaddress.kubernetes.io/ip-family": "IPv4",
            "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io",
        },
    }
    return encode_value(
        {
            "apiVersion": f"{_GROUP}/v1",
            "kind": "IPAddress",
            "metadata": metadata,
            "spec": {"parentRef": parent},
        }
    )
