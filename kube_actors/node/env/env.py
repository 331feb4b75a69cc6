"""The environment of a container: literals, fields, resources, ConfigMaps, Secrets, services.

Pure: the objects a container refers to are fetched before and given as a ``Sources``. What is
missing and not optional raises ``MissingReference`` with the text that the pod's event shows.
Order is Kubernetes': service variables, envFrom, env; later wins, and ``$(NAME)`` in a value sees
what came before it.
"""

import base64
from collections.abc import Iterable, Mapping
from typing import Any

from attrs import field, frozen

from kube_actors.api import Object, parse_quantity
from kube_actors.node.env.expansion import expand
from kube_actors.node.env.fields import field_value


class MissingReference(Exception):
    """A ConfigMap, Secret, key or field that a container needs is not there."""


@frozen
class Reference:
    """``kind`` is ConfigMap or Secret."""

    kind: str
    name: str


@frozen
class Sources:
    """What references resolve to; a missing object has no entry. ``node`` is its allocatable."""

    objects: Mapping[Reference, Object] = field(factory=dict)
    services: tuple[Object, ...] = ()
    allocatable: Mapping[str, str] = field(factory=dict)
    host_ip: str = ""
    pod_ip: str = ""


def references(container: dict[str, Any]) -> list[Reference]:
    """Name the ConfigMaps and Secrets that the container's environment needs, each once."""
    found: dict[Reference, None] = {}
    for source in container.get("envFrom") or ():
        for key, kind in (("configMapRef", "ConfigMap"), ("secretRef", "Secret")):
            if source.get(key):
                found[Reference(kind, source[key]["name"])] = None
    for variable in container.get("env") or ():
        value_from = variable.get("valueFrom") or {}
        for key, kind in (("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")):
            if value_from.get(key):
                found[Reference(kind, value_from[key]["name"])] = None
    return list(found)


def data_of(kind: str, obj: Object) -> dict[str, bytes]:
    """Return the entries of a ConfigMap or Secret as bytes, whichever field they are in."""
    if kind == "Secret":
        encoded = obj.get("data") or {}
        return {key: base64.b64decode(value or "") for key, value in encoded.items()}
    entries = {key: value.encode() for key, value in (obj.get("data") or {}).items()}
    binary = obj.get("binaryData") or {}
    return entries | {key: base64.b64decode(value or "") for key, value in binary.items()}


def environment(pod: Object, container: dict[str, Any], sources: Sources) -> dict[str, str]:
    """Return the container's variables in order. Raises MissingReference."""
    result: dict[str, str] = {}
    if pod["spec"].get("enableServiceLinks", True):
        result.update(service_variables(pod["metadata"]["namespace"], sources.services))
    else:
        result.update(service_variables("", sources.services))
    for source in container.get("envFrom") or ():
        result.update(_env_from(source, sources))
    for variable in container.get("env") or ():
        value = _value(pod, container, variable, result, sources)
        if value is not None:
            result[variable["name"]] = value
    return result


def _env_from(source: dict[str, Any], sources: Sources) -> dict[str, str]:
    prefix = source.get("prefix") or ""
    for key, kind in (("configMapRef", "ConfigMap"), ("secretRef", "Secret")):
        reference = source.get(key)
        if reference:
            obj = sources.objects.get(Reference(kind, reference["name"]))
            if obj is not None:
                return {
                    prefix + name: value.decode("utf-8", "replace")
                    for name, value in sorted(data_of(kind, obj).items())
                }
            if not reference.get("optional"):
                raise MissingReference(_not_found(kind, reference["name"]))
    return {}


def _value(
    pod: Object,
    container: dict[str, Any],
    variable: dict[str, Any],
    so_far: Mapping[str, str],
    sources: Sources,
) -> str | None:
    """None: an optional reference that is not there."""
    value_from = variable.get("valueFrom")
    if not value_from:
        return expand(str(variable.get("value") or ""), so_far)
    if "fieldRef" in value_from:
        path = value_from["fieldRef"]["fieldPath"]
        try:
            return field_value(pod, path, pod_ip=sources.pod_ip, host_ip=sources.host_ip)
        except KeyError:
            raise MissingReference(f"failed to resolve fieldRef {path}") from None
    if "resourceFieldRef" in value_from:
        return resource_value(pod, container, value_from["resourceFieldRef"], sources.allocatable)
    for key, kind in (("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")):
        reference = value_from.get(key)
        if reference:
            return _key(pod, kind, reference, sources)
    return None


def _key(pod: Object, kind: str, reference: dict[str, Any], sources: Sources) -> str | None:
    name, key = reference["name"], reference["key"]
    obj = sources.objects.get(Reference(kind, name))
    if obj is None:
        if reference.get("optional"):
            return None
        raise MissingReference(_not_found(kind, name))
    data = data_of(kind, obj)
    if key not in data:
        if reference.get("optional"):
            return None
        namespace = pod["metadata"]["namespace"]
        raise MissingReference(f"couldn't find key {key} in {kind} {namespace}/{name}")
    return data[key].decode("utf-8", "replace")


def _not_found(kind: str, name: str) -> str:
    return f'{kind.lower()} "{name}" not found'


def resource_value(
    pod: Object,
    container: dict[str, Any],
    reference: dict[str, Any],
    allocatable: Mapping[str, str],
) -> str:
    """Divide a request or limit by its divisor, rounded up; without a limit the node's own."""
    named = reference.get("containerName")
    if named:
        every = [*pod["spec"]["containers"], *(pod["spec"].get("initContainers") or ())]
        container = next((c for c in every if c["name"] == named), container)
    which, _, resource = reference["resource"].partition(".")
    resources = container.get("resources") or {}
    amount = (resources.get(which) or {}).get(resource)
    if amount is None and which == "requests":
        amount = (resources.get("limits") or {}).get(resource)
    if amount is None and which == "limits":
        amount = allocatable.get(resource)
    nano = parse_quantity(amount if amount is not None else "0").nano
    divisor = parse_quantity(reference.get("divisor") or "1").nano or 10**9
    return str(-(-nano // divisor))


def service_variables(namespace: str, services: Iterable[Object]) -> dict[str, str]:
    """Describe the services of ``namespace`` and ``default/kubernetes`` as Docker links did."""
    result: dict[str, str] = {}
    for service in sorted(services, key=lambda s: s["metadata"]["name"]):
        meta, spec = service["metadata"], service.get("spec") or {}
        master = meta["namespace"] == "default" and meta["name"] == "kubernetes"
        address = spec.get("clusterIP")
        if not (master or meta["namespace"] == namespace):
            continue
        if not address or address == "None" or not spec.get("ports"):
            continue
        prefix = meta["name"].upper().replace("-", "_")
        ports = spec["ports"]
        result[f"{prefix}_SERVICE_HOST"] = address
        result[f"{prefix}_SERVICE_PORT"] = str(ports[0]["port"])
        for port in ports:
            if port.get("name"):
                name = port["name"].upper().replace("-", "_")
                result[f"{prefix}_SERVICE_PORT_{name}"] = str(port["port"])
        first = ports[0]
        protocol = (first.get("protocol") or "TCP").lower()
        result[f"{prefix}_PORT"] = f"{protocol}://{_at(address, first['port'])}"
        for port in ports:
            result.update(_link(prefix, address, port))
    return result


def _link(prefix: str, address: str, port: dict[str, Any]) -> dict[str, str]:
    protocol = port.get("protocol") or "TCP"
    base = f"{prefix}_PORT_{port['port']}_{protocol}"
    return {
        base: f"{protocol.lower()}://{_at(address, port['port'])}",
        f"{base}_PROTO": protocol.lower(),
        f"{base}_PORT": str(port["port"]),
        f"{base}_ADDR": address,
    }


def _at(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
