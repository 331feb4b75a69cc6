"""What the scheduler remembers of a pod: a frozen projection, never the decoded tree.

Amounts are integers: CPU in millicores, memory and ephemeral storage in bytes, extended resources
in units. A pod's request is the greater of the sum over its containers (and restartable init
containers) and each single init container, plus the runtime's overhead, as in Kubernetes'
``resource.PodRequests``.
"""

import sys
from collections.abc import Mapping
from typing import Any

import attrs

from kube_actors.api import Object, Toleration, parse_quantity, shared_labels, tolerations_of
from kube_actors.api.selectors import NodeTerm, node_term, required_terms
from kube_actors.scheduler.rules import PodTerm, SpreadConstraint, project_pod_terms, project_spread

Amounts = dict[str, int]

CPU = "cpu"
TERMINAL = ("Succeeded", "Failed")
HARD = "requiredDuringSchedulingIgnoredDuringExecution"
SOFT = "preferredDuringSchedulingIgnoredDuringExecution"


def amount(resource: str, quantity: Any) -> int:
    """Turn a quantity into the integer the scheduler counts in; rounds up."""
    parsed = parse_quantity(quantity)
    return parsed.milli() if resource == CPU else parsed.value()


def amounts(quantities: Mapping[str, Any] | None) -> Amounts:
    """Turn quantities by resource into the scheduler's integers; None is no resources."""
    return {name: amount(name, value) for name, value in (quantities or {}).items()}


@attrs.frozen
class PodInfo:
    """A pod as far as scheduling reads it.

    ``requests`` counts CPU in millicores, memory in bytes. ``preferred_affinity`` holds
    anti-affinity with negative weights. ``host_ports`` are (address, protocol, port); ``owner`` is
    the uid of the controlling owner; ``started`` is the status's own text; ``preempted`` says that
    a scheduler marked it for eviction.
    """

    namespace: str
    name: str
    uid: str
    resource_version: str
    node_name: str
    scheduler_name: str
    labels: Mapping[str, str]
    priority: int
    requests: Mapping[str, int]
    node_selector: Mapping[str, str] = attrs.field(factory=dict)
    required_terms: tuple[NodeTerm, ...] | None = None
    preferred_terms: tuple[NodeTerm, ...] = ()
    affinity: tuple[PodTerm, ...] = ()
    anti_affinity: tuple[PodTerm, ...] = ()
    preferred_affinity: tuple[PodTerm, ...] = ()
    tolerations: tuple[Toleration, ...] = ()
    host_ports: tuple[tuple[str, str, int], ...] = ()
    spread: tuple[SpreadConstraint, ...] = ()
    gates: tuple[str, ...] = ()
    phase: str = "Pending"
    deleting: bool = False
    preemption_policy: str = "PreemptLowerPriority"
    nominated_node: str = ""
    owner: str = ""
    started: str = ""
    preempted: bool = False

    @property
    def key(self) -> str:
        """``namespace/name``, as events write it."""
        return f"{self.namespace}/{self.name}"

    @property
    def terminal(self) -> bool:
        """Whether every container has ended for good: it needs no room any more."""
        return self.phase in TERMINAL


def _requests(spec: Object) -> Amounts:
    total: Amounts = {}
    sidecars: Amounts = {}

    def add(into: Amounts, more: Amounts) -> None:
        for name, value in more.items():
            into[name] = into.get(name, 0) + value

    peak: Amounts = {}
    for container in spec.get("initContainers") or ():
        asked = amounts((container.get("resources") or {}).get("requests"))
        if container.get("restartPolicy") == "Always":
            add(sidecars, asked)
            asked = {}
        for name in {**sidecars, **asked}:
            peak[name] = max(peak.get(name, 0), sidecars.get(name, 0) + asked.get(name, 0))
    for container in spec.get("containers") or ():
        add(total, amounts((container.get("resources") or {}).get("requests")))
    add(total, sidecars)
    for name, value in peak.items():
        total[name] = max(total.get(name, 0), value)
    add(total, amounts(spec.get("overhead")))
    return total


def _host_ports(spec: Object) -> tuple[tuple[str, str, int], ...]:
    sidecars = [c for c in spec.get("initContainers") or () if c.get("restartPolicy") == "Always"]
    return tuple(
        (port.get("hostIP") or "0.0.0.0", port.get("protocol", "TCP"), port["hostPort"])
        for container in (*sidecars, *(spec.get("containers") or ()))
        for port in container.get("ports") or ()
        if port.get("hostPort")
    )


def _owner(metadata: Object) -> str:
    for reference in metadata.get("ownerReferences") or ():
        if reference.get("controller"):
            return sys.intern(reference["uid"])
    return ""


def _preempted(status: Object) -> bool:
    return any(
        c.get("type") == "DisruptionTarget"
        and c.get("status") == "True"
        and c.get("reason") == "PreemptionByScheduler"
        for c in status.get("conditions") or ()
    )


def project_pod(pod: Object) -> PodInfo:
    """Keep of a core/v1 Pod what scheduling needs."""
    metadata, spec, status = pod["metadata"], pod.get("spec") or {}, pod.get("status") or {}
    namespace = sys.intern(metadata.get("namespace", "default"))
    labels = shared_labels(metadata.get("labels"))
    affinity = spec.get("affinity") or {}
    node = affinity.get("nodeAffinity") or {}
    pods, anti = affinity.get("podAffinity") or {}, affinity.get("podAntiAffinity") or {}
    attracting = project_pod_terms(pods.get(SOFT), namespace, labels)
    repelling = project_pod_terms(anti.get(SOFT), namespace, labels)
    return PodInfo(
        namespace=namespace,
        name=sys.intern(metadata["name"]),
        uid=sys.intern(metadata.get("uid", "")),
        resource_version=metadata.get("resourceVersion", ""),
        node_name=sys.intern(spec.get("nodeName") or ""),
        scheduler_name=sys.intern(spec.get("schedulerName") or "default-scheduler"),
        labels=labels,
        priority=spec.get("priority") or 0,
        requests=_requests(spec),
        node_selector=shared_labels(spec.get("nodeSelector")),
        required_terms=required_terms(spec),
        preferred_terms=tuple(
            node_term(t["preference"], t["weight"]) for t in node.get(SOFT) or ()
        ),
        affinity=project_pod_terms(pods.get(HARD), namespace, labels),
        anti_affinity=project_pod_terms(anti.get(HARD), namespace, labels),
        preferred_affinity=attracting
        + tuple(attrs.evolve(term, weight=-term.weight) for term in repelling),
        tolerations=tolerations_of(spec),
        host_ports=_host_ports(spec),
        spread=project_spread(spec.get("topologySpreadConstraints"), labels),
        gates=tuple(g["name"] for g in spec.get("schedulingGates") or ()),
        phase=sys.intern(status.get("phase") or "Pending"),
        deleting="deletionTimestamp" in metadata,
        preemption_policy=sys.intern(spec.get("preemptionPolicy") or "PreemptLowerPriority"),
        nominated_node=status.get("nominatedNodeName") or "",
        owner=_owner(metadata),
        started=status.get("startTime") or "",
        preempted=_preempted(status),
    )
