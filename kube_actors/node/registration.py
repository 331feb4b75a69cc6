"""What a node says of itself: its Node object, its status and its Lease. Pure.

Conditions keep their transition time while their status is the same; labels and taints that others
put on the node are left alone.
"""

from collections.abc import Mapping
from typing import Any

from kube_actors.api import Object
from kube_actors.node.config import KUBELET_VERSION, KubeletConfig
from kube_actors.node.timestamps import format_micro_timestamp, format_timestamp

LEASE_NAMESPACE = "kube-node-lease"
_CONDITIONS = (
    (
        "MemoryPressure",
        "False",
        "KubeletHasSufficientMemory",
        "kubelet has sufficient memory available",
    ),
    ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
)


def node_labels(config: KubeletConfig) -> dict[str, str]:
    """The well-known labels, then the configured ones."""
    known = {
        "beta.kubernetes.io/arch": "amd64",
        "beta.kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": config.node_name,
        "kubernetes.io/os": "linux",
        "kube-actors.dev/runtime": config.runtime.name,
    }
    return {**known, **config.labels}


def new_node(config: KubeletConfig, now: float) -> Object:
    """Return the object a kubelet registers itself with."""
    spec: dict[str, Any] = {"podCIDR": config.pod_cidr, "podCIDRs": [config.pod_cidr]}
    if config.taints:
        spec["taints"] = [dict(taint) for taint in config.taints]
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": config.node_name, "labels": node_labels(config)},
        "spec": spec,
        "status": node_status(config, {}, now),
    }


def adopted_node(config: KubeletConfig, node: Object) -> Object | None:
    """Return ``node`` with what this kubelet insists on, or None when nothing is missing."""
    meta, spec = node["metadata"], node.get("spec") or {}
    labels = {**(meta.get("labels") or {}), **node_labels(config)}
    if labels == meta.get("labels") and spec.get("podCIDR"):
        return None
    cidr = {"podCIDR": config.pod_cidr, "podCIDRs": [config.pod_cidr]}
    return {**node, "metadata": {**meta, "labels": labels}, "spec": {**cidr, **spec}}


def node_status(config: KubeletConfig, old: Mapping[str, Any], now: float) -> dict[str, Any]:
    """Return the whole status; ``old`` is the one that the API has."""
    before = {entry["type"]: entry for entry in old.get("conditions") or ()}
    stamp = format_timestamp(now)
    conditions = []
    for kind, status, reason, message in _CONDITIONS:
        known = before.get(kind) or {}
        since = known.get("lastTransitionTime") if known.get("status") == status else None
        conditions.append(
            {
                "type": kind,
                "status": status,
                "lastHeartbeatTime": stamp,
                "lastTransitionTime": since or stamp,
                "reason": reason,
                "message": message,
            }
        )
    others = [entry for kind, entry in before.items() if kind not in {c[0] for c in _CONDITIONS}]
    runtime = config.runtime
    return {
        **old,
        "capacity": dict(config.capacity),
        "allocatable": dict(config.capacity),
        "conditions": others + conditions,
        "addresses": [
            {"type": "InternalIP", "address": config.node_ip},
            {"type": "Hostname", "address": config.node_name},
        ],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
        "nodeInfo": {
            "architecture": "amd64",
            "bootID": config.node_name,
            "containerRuntimeVersion": f"{runtime.name}://{runtime.version}",
            "kernelVersion": "kube-actors",
            "kubeProxyVersion": KUBELET_VERSION,
            "kubeletVersion": KUBELET_VERSION,
            "machineID": config.node_name,
            "operatingSystem": "linux",
            "osImage": "kube_actors",
            "systemUUID": config.node_name,
        },
    }


def node_lease(config: KubeletConfig, node_uid: str, now: float, version: str = "") -> Object:
    """Return the heartbeat; ``version`` is the resourceVersion it replaces, "" creates it."""
    metadata: dict[str, Any] = {
        "name": config.node_name,
        "namespace": LEASE_NAMESPACE,
        "ownerReferences": [
            {"apiVersion": "v1", "kind": "Node", "name": config.node_name, "uid": node_uid}
        ],
    }
    if version:
        metadata["resourceVersion"] = version
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": metadata,
        "spec": {
            "holderIdentity": config.node_name,
            "leaseDurationSeconds": max(1, round(config.lease_duration_s)),
            "renewTime": format_micro_timestamp(now),
        },
    }


def slot_after(now: float, period_s: float, name: str) -> float:
    """When the next heartbeat is due: on a grid of forty slots a period, by the node's name.

    Nodes that share a slot beat in the same instant, so their writes share a store entry; the
    slots spread a large cluster over the period.
    """
    slot = period_s / 40
    phase = (sum(name.encode()) * 7 % 40) * slot
    return ((now - phase) // period_s + 1) * period_s + phase
