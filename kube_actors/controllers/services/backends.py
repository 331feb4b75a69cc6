"""Which pods stand behind a Service, on which ports: what EndpointSlice and Endpoints both say.

A pod belongs once it has an address and until it has finished. It is *ready* when its Ready
condition is true and it is not terminating, or when the Service publishes not-ready addresses;
*serving* is readiness alone. A named target port is looked up in each pod, so pods with different
numbers form different groups; a port a pod does not have is left out.
"""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import frozen

from kube_actors.api import Object
from kube_actors.controllers.loop import (
    Record,
    View,
    Watch,
    attribute_index,
    identity,
    key_of,
    labels_of,
    own_key,
)
from kube_actors.controllers.objects import FINISHED_PHASES, ready_since_s

HEADLESS = "service.kubernetes.io/headless"
ContainerPort = tuple[str, str, int]
"""(name, protocol, number)"""


@frozen
class BackendPod(Record):
    """A pod as a Service sees it; ``ports`` are the named ports of its containers."""

    labels: Mapping[str, str]
    ips: tuple[str, ...]
    ready: bool
    deleting: bool
    finished: bool
    node: str
    hostname: str
    subdomain: str
    ports: tuple[ContainerPort, ...]


@frozen
class ServiceRecord(Record):
    """A Service; ``selector`` is empty when someone else manages its endpoints."""

    labels: Mapping[str, str]
    selector: Mapping[str, str]
    ports: tuple[Mapping[str, Any], ...]
    families: tuple[str, ...]
    headless: bool
    publish_not_ready: bool
    deleting: bool

    def selects(self, pod: BackendPod) -> bool:
        """Tell whether the pod has every label of the selector; an empty selector takes none."""
        return bool(self.selector) and self.selector.items() <= pod.labels.items()


@frozen
class ServiceState:
    """A Service (None: gone), the pods it selects, and what stands for it now."""

    service: ServiceRecord | None
    pods: Sequence[BackendPod] = ()
    existing: Sequence[Any] = ()


def _sidecars_and_containers(spec: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    sidecars = [
        container
        for container in spec.get("initContainers") or ()
        if container.get("restartPolicy") == "Always"
    ]
    return [*sidecars, *(spec.get("containers") or ())]


def backend_pod(obj: Object) -> BackendPod:
    """Keep what a Service needs of a pod."""
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    ips = tuple(entry["ip"] for entry in status.get("podIPs") or () if entry.get("ip"))
    if not ips and status.get("podIP"):
        ips = (status["podIP"],)
    ports = tuple(
        (
            sys.intern(port.get("name", "")),
            sys.intern(port.get("protocol", "TCP")),
            int(port.get("containerPort", 0)),
        )
        for container in _sidecars_and_containers(spec)
        for port in container.get("ports") or ()
        if port.get("name")
    )
    return BackendPod(
        *identity(obj),
        labels=labels_of(obj),
        ips=ips,
        ready=ready_since_s(obj) is not None,
        deleting=bool(obj["metadata"].get("deletionTimestamp")),
        finished=status.get("phase") in FINISHED_PHASES,
        node=sys.intern(spec.get("nodeName", "")),
        hostname=spec.get("hostname", ""),
        subdomain=spec.get("subdomain", ""),
        ports=ports,
    )


def service_record(obj: Object) -> ServiceRecord:
    """Keep what its endpoints need of a Service."""
    spec = obj.get("spec") or {}
    external = spec.get("type") == "ExternalName"
    return ServiceRecord(
        *identity(obj),
        labels=labels_of(obj),
        selector={} if external else spec.get("selector") or {},
        ports=tuple(spec.get("ports") or ()),
        families=tuple(spec.get("ipFamilies") or ("IPv4",)),
        headless=spec.get("clusterIP") == "None",
        publish_not_ready=bool(spec.get("publishNotReadyAddresses")),
        deleting=bool(obj["metadata"].get("deletionTimestamp")),
    )


def service_keys_of_pod(view: View, old: BackendPod | None, new: BackendPod | None) -> list[str]:
    """Wake every Service that selects the pod or did so before; nothing if nothing changed."""
    if old == new:
        return []
    record = new if new is not None else old
    assert record is not None
    return [
        key_of(service.namespace, service.name)
        for service in view.indexed("services", "namespace", record.namespace)
        if (old is not None and service.selects(old)) or (new is not None and service.selects(new))
    ]


_BY_NAMESPACE = {"namespace": attribute_index("namespace")}
WATCHES = (
    Watch("services", service_record, own_key, _BY_NAMESPACE),
    Watch("pods", backend_pod, service_keys_of_pod, _BY_NAMESPACE),
)
"""What both controllers watch besides the kind they write."""


def address_of(pod: BackendPod, family: str) -> str:
    """Give the pod's address of a family, "" if it has none."""
    for ip in pod.ips:
        if (":" in ip) == (family == "IPv6"):
            return ip
    return ""


def ports_for(service: ServiceRecord, pod: BackendPod) -> tuple[dict[str, Any], ...]:
    """Resolve the Service's ports in one pod, in the Service's order."""
    resolved = []
    for port in service.ports:
        protocol = port.get("protocol", "TCP")
        target = port.get("targetPort", port.get("port"))
        number = (
            target
            if isinstance(target, int)
            else next(
                (
                    found
                    for name, its_protocol, found in pod.ports
                    if name == target and its_protocol == protocol
                ),
                None,
            )
        )
        if number is None:
            continue
        entry = {"name": port.get("name", ""), "protocol": protocol, "port": number}
        if port.get("appProtocol"):
            entry["appProtocol"] = port["appProtocol"]
        resolved.append(entry)
    return tuple(resolved)


def target_reference(pod: BackendPod) -> dict[str, str]:
    """Point an endpoint at its pod."""
    return {"kind": "Pod", "namespace": pod.namespace, "name": pod.name, "uid": pod.uid}


def published_labels(service: ServiceRecord) -> dict[str, str]:
    """Give the labels that a Service's endpoints inherit."""
    labels = {key: text for key, text in service.labels.items() if key != HEADLESS}
    if service.headless:
        labels[HEADLESS] = ""
    return labels
