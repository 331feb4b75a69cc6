"""Writes EndpointSlices: which addresses stand behind each Service, and which of them are ready.

An endpoint stays in the slice it is in, so that a change touches few slices; new ones fill slices
that have room, then new slices of at most 100. Slice names follow from the Service's uid, so that
nothing is made twice. A Service without any endpoint keeps one empty slice, as in Kubernetes.
"""

from collections.abc import Iterator, Mapping
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
    Reference,
    Round,
    View,
    Watch,
    identity,
    split_key,
)
from kube_actors.controllers.objects import controlled_by, safe_suffix, suffixed
from kube_actors.controllers.services import backends
from kube_actors.controllers.services.backends import BackendPod, ServiceRecord, ServiceState

ENDPOINTS_MAX = 100
SERVICE_NAME = "kubernetes.io/service-name"
MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
MANAGER = "endpointslice-controller.k8s.io"


@frozen
class SliceRecord(Record):
    """A slice; ``endpoints`` is its list as JSON, ``group`` its family and ports."""

    service: str
    labels: Mapping[str, str]
    group: str
    endpoints: bytes


@frozen
class Group:
    """Endpoints that share an address family and port numbers, by pod uid."""

    family: str
    ports: tuple[dict[str, Any], ...]
    endpoints: dict[str, dict[str, Any]]

    @property
    def key(self) -> str:
        """The text that the slices of this group have as ``SliceRecord.group``."""
        return group_key(self.family, self.ports)


def group_key(family: str, ports: Any) -> str:
    """Give one text for a family and a list of ports."""
    bare = [
        {name: value for name, value in port.items() if value not in ("", None)}
        for port in ports or ()
    ]
    return f"{family} {orjson.dumps(bare, option=orjson.OPT_SORT_KEYS).decode()}"


def slice_record(obj: Object) -> SliceRecord:
    """Keep a slice; one that something else manages is kept under no Service."""
    labels = obj["metadata"].get("labels") or {}
    ours = labels.get(MANAGED_BY) == MANAGER
    return SliceRecord(
        *identity(obj),
        service=labels.get(SERVICE_NAME, "") if ours else "",
        labels=labels if ours else {},
        group=group_key(obj.get("addressType", ""), obj.get("ports")),
        endpoints=orjson.dumps(obj.get("endpoints") or []) if ours else b"[]",
    )


def _slice_keys(_view: View, old: SliceRecord | None, new: SliceRecord | None) -> list[str]:
    if old == new:
        return []
    records = [record for record in (old, new) if record is not None and record.service]
    return [f"{record.namespace}/{record.service}" for record in records]


def _service_index(record: SliceRecord) -> tuple[str, ...]:
    return (f"{record.namespace}/{record.service}",) if record.service else ()


def gather(view: View, key: str) -> ServiceState | None:
    """Collect a Service, its pods and its slices."""
    namespace, name = split_key(key)
    service: ServiceRecord | None = view.get("services", namespace, name)
    if service is None or service.deleting or not service.selector:
        return None
    pods = [pod for pod in view.indexed("pods", "namespace", namespace) if service.selects(pod)]
    return ServiceState(service, pods, view.indexed("endpointslices", "service", key))


def reconcile(state: ServiceState, _round: Round) -> tuple[Effect, ...]:
    """Bring the slices to what the pods are."""
    service = state.service
    if service is None:
        return ()
    groups = wanted_groups(service, state.pods)
    by_group: dict[str, list[SliceRecord]] = {}
    for slice_ in sorted(state.existing, key=lambda slice_: slice_.name):
        by_group.setdefault(slice_.group, []).append(slice_)
    taken = {slice_.name for slice_ in state.existing}
    effects: list[Effect] = []
    for group in groups:
        effects += _group_effects(service, group, by_group.pop(group.key, []), taken)
    for stale in by_group.values():
        effects += [_remove(slice_) for slice_ in stale]
    return tuple(effects)


def wanted_groups(service: ServiceRecord, pods: Any) -> list[Group]:
    """Sort the Service's pods into groups; a family without endpoints gets an empty one."""
    groups: dict[str, Group] = {}
    for family in service.families:
        empty = True
        for pod in sorted(pods, key=lambda pod: (pod.namespace, pod.name)):
            address = "" if pod.finished else backends.address_of(pod, family)
            if not address:
                continue
            ports = backends.ports_for(service, pod)
            group = Group(family, ports, {})
            group = groups.setdefault(group.key, group)
            group.endpoints[pod.uid] = endpoint(service, pod, address)
            empty = False
        if empty:
            group = Group(family, (), {})
            groups.setdefault(group.key, group)
    return list(groups.values())


def endpoint(service: ServiceRecord, pod: BackendPod, address: str) -> dict[str, Any]:
    """Say of one pod where it is and whether it should be sent traffic."""
    result: dict[str, Any] = {
        "addresses": [address],
        "conditions": {
            "ready": service.publish_not_ready or (pod.ready and not pod.deleting),
            "serving": pod.ready,
            "terminating": pod.deleting,
        },
        "targetRef": backends.target_reference(pod),
    }
    if pod.node:
        result["nodeName"] = pod.node
    if pod.hostname and pod.subdomain == service.name:
        result["hostname"] = pod.hostname
    return result


def _group_effects(
    service: ServiceRecord, group: Group, slices: list[SliceRecord], taken: set[str]
) -> Iterator[Effect]:
    left = dict(group.endpoints)
    contents: list[tuple[SliceRecord, list[Any], list[Any]]] = []
    for slice_ in slices:
        before = orjson.loads(slice_.endpoints)
        uids = [(entry.get("targetRef") or {}).get("uid", "") for entry in before]
        contents.append((slice_, before, [left.pop(uid) for uid in uids if uid in left]))
    # The fullest slices that have room take the new endpoints.
    for _, _, kept in sorted(contents, key=lambda content: -len(content[2])):
        while left and len(kept) < ENDPOINTS_MAX:
            kept.append(left.pop(next(iter(left))))
    needed = bool(group.endpoints)
    labels = slice_labels(service)
    for place, (slice_, before, kept) in enumerate(contents):
        if not kept and (needed or place > 0):
            yield _remove(slice_)
        elif kept != before or dict(slice_.labels) != labels:
            yield _replace(slice_, kept, labels)
    fresh = list(left.values())
    empty = not needed and not slices
    for start in range(0, max(len(fresh), 1 if empty else 0), ENDPOINTS_MAX):
        yield Create(new_slice(service, group, fresh[start : start + ENDPOINTS_MAX], taken))


def slice_labels(service: ServiceRecord) -> dict[str, str]:
    """Give the labels of a Service's slices."""
    return {**backends.published_labels(service), SERVICE_NAME: service.name, MANAGED_BY: MANAGER}


def _replace(slice_: SliceRecord, endpoints: list[Any], labels: dict[str, str]) -> Patch:
    gone = dict.fromkeys(key for key in slice_.labels if key not in labels)
    meta = {**slice_.guard, "labels": {**gone, **labels}}
    body = {"metadata": meta, "endpoints": endpoints}
    return Patch("EndpointSlice", slice_.namespace, slice_.name, body, gone_ok=True)


def _remove(slice_: SliceRecord) -> Delete:
    return Delete("EndpointSlice", slice_.namespace, slice_.name, slice_.uid)


def new_slice(
    service: ServiceRecord, group: Group, endpoints: list[Any], taken: set[str]
) -> Object:
    """Make a slice under the first free of the names that belong to this Service and group."""
    place = 0
    while True:
        suffix = safe_suffix(f"{service.uid}/{group.key}/{place}", 5)
        name = suffixed(service.name, suffix)
        if name not in taken:
            break
        place += 1
    taken.add(name)
    owner = Reference("v1", "Service", service.namespace, service.name, service.uid)
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": name,
            "generateName": f"{service.name}-",
            "namespace": service.namespace,
            "labels": slice_labels(service),
            "ownerReferences": [controlled_by(owner)],
        },
        "addressType": group.family,
        "endpoints": endpoints,
        "ports": list(group.ports),
    }


ENDPOINTSLICE: Controller[ServiceState] = Controller(
    name="endpointslice",
    watches=(
        *backends.WATCHES,
        Watch("endpointslices", slice_record, _slice_keys, {"service": _service_index}),
    ),
    gather=gather,
    reconcile=reconcile,
    workers=5,
    interval_s=0.1,
)
