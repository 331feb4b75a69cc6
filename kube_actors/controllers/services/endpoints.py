"""Writes the older Endpoints object of each Service: ready addresses, and those not ready.

Pods that share port numbers form one subset. Terminating pods are left out unless the Service
publishes not-ready addresses. At most 1000 addresses are written, ready ones first, and the
annotation ``endpoints.kubernetes.io/over-capacity`` tells when that cut some off.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from attrs import frozen

from kube_actors.api import Object
from kube_actors.controllers.loop import (
    Controller,
    Create,
    Delete,
    Effect,
    Patch,
    Record,
    Round,
    View,
    Watch,
    identity,
    own_key,
    split_key,
)
from kube_actors.controllers.services import backends
from kube_actors.controllers.services.backends import BackendPod, ServiceRecord, ServiceState

ADDRESSES_MAX = 1000
OVER_CAPACITY = "endpoints.kubernetes.io/over-capacity"
MANAGED_BY = "endpoints.kubernetes.io/managed-by"
MANAGER = "endpoint-controller"


@frozen
class EndpointsRecord(Record):
    """``subsets`` is the list as JSON."""

    labels: Mapping[str, str]
    over_capacity: str
    subsets: bytes


def endpoints_record(obj: Object) -> EndpointsRecord:
    """Keep an Endpoints object."""
    meta = obj["metadata"]
    return EndpointsRecord(
        *identity(obj),
        labels=meta.get("labels") or {},
        over_capacity=(meta.get("annotations") or {}).get(OVER_CAPACITY, ""),
        subsets=orjson.dumps(obj.get("subsets") or []),
    )


def gather(view: View, key: str) -> ServiceState | None:
    """Collect a Service, its pods and its Endpoints."""
    namespace, name = split_key(key)
    service: ServiceRecord | None = view.get("services", namespace, name)
    existing = view.get("endpoints", namespace, name)
    found = () if existing is None else (existing,)
    if service is None or service.deleting:
        # An Endpoints object someone made by hand stays, as does a leader election's.
        ours = existing is not None and existing.labels.get(MANAGED_BY) == MANAGER
        return ServiceState(None, (), found) if ours and service is None else None
    if not service.selector:
        return None
    pods = [pod for pod in view.indexed("pods", "namespace", namespace) if service.selects(pod)]
    return ServiceState(service, pods, found)


def reconcile(state: ServiceState, _round: Round) -> tuple[Effect, ...]:
    """Bring the Endpoints object to what the pods are."""
    existing: EndpointsRecord | None = state.existing[0] if state.existing else None
    service = state.service
    if service is None:
        if existing is None:
            return ()
        return (Delete("Endpoints", existing.namespace, existing.name, existing.uid),)
    wanted, over = subsets(service, state.pods)
    labels = {**backends.published_labels(service), MANAGED_BY: MANAGER}
    if existing is None:
        return (Create(_new(service, wanted, labels, over)),)
    same = (
        dict(existing.labels) == labels
        and existing.over_capacity == over
        and orjson.loads(existing.subsets) == wanted
    )
    if same:
        return ()
    gone = dict.fromkeys(key for key in existing.labels if key not in labels)
    meta: dict[str, Any] = {
        **existing.guard,
        "labels": {**gone, **labels},
        "annotations": {OVER_CAPACITY: over or None},
    }
    body = {"metadata": meta, "subsets": wanted}
    return (Patch("Endpoints", existing.namespace, existing.name, body, gone_ok=True),)


def _new(service: ServiceRecord, wanted: list[Any], labels: dict[str, str], over: str) -> Object:
    meta: dict[str, Any] = {
        "name": service.name,
        "namespace": service.namespace,
        "labels": labels,
    }
    if over:
        meta["annotations"] = {OVER_CAPACITY: over}
    return {"apiVersion": "v1", "kind": "Endpoints", "metadata": meta, "subsets": wanted}


def subsets(service: ServiceRecord, pods: Sequence[BackendPod]) -> tuple[list[Any], str]:
    """Give the subsets, and "truncated" if not every address found a place."""
    family = service.families[0]
    placed = []
    for pod in pods:
        address = backends.address_of(pod, family)
        shown = service.publish_not_ready or not pod.deleting
        if address and shown and not pod.finished:
            ready = pod.ready or service.publish_not_ready
            placed.append((not ready, address, pod))
    placed.sort(key=lambda place: place[:2])
    groups: dict[str, dict[str, Any]] = {}
    for not_ready, address, pod in placed[:ADDRESSES_MAX]:
        ports = [_endpoint_port(port) for port in backends.ports_for(service, pod)]
        key = orjson.dumps(ports).decode()
        subset = groups.setdefault(key, {"addresses": [], "notReadyAddresses": [], "ports": ports})
        member = "notReadyAddresses" if not_ready else "addresses"
        subset[member].append(_address(service, pod, address))
    result = [
        {member: value for member, value in groups[key].items() if value} for key in sorted(groups)
    ]
    return result, "truncated" if len(placed) > ADDRESSES_MAX else ""


def _endpoint_port(port: dict[str, Any]) -> dict[str, Any]:
    return {member: value for member, value in port.items() if value != ""}


def _address(service: ServiceRecord, pod: BackendPod, address: str) -> dict[str, Any]:
    result: dict[str, Any] = {"ip": address}
    if pod.hostname and pod.subdomain == service.name:
        result["hostname"] = pod.hostname
    if pod.node:
        result["nodeName"] = pod.node
    result["targetRef"] = backends.target_reference(pod)
    return result


def _endpoints_keys(
    view: View, old: EndpointsRecord | None, new: EndpointsRecord | None
) -> tuple[str, ...]:
    return () if old == new else own_key(view, old, new)


ENDPOINTS: Controller[ServiceState] = Controller(
    name="endpoints",
    watches=(
        *backends.WATCHES,
        Watch("endpoints", endpoints_record, _endpoints_keys),
    ),
    gather=gather,
    reconcile=reconcile,
    workers=5,
    interval_s=0.1,
)
