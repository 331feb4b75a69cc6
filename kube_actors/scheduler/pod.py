"""What the scheduler remembers of a pod: a frozen projection, never the decoded tree.

Amounts are integers: CPU in millicores, memory and ephemeral storage in bytes, extended resources
in units. A pod's request is the greater of the sum over its containers (and restartable init
containers) and each single init container, plus the runtime's overhead, as in Kubernetes'
``resource.PodRequests``.
"""

from collections.abc import Mapping
from typing import Any

import attrs

from kube_actors.api.quantities import parse_quantity
from kube_actors.api.selectors import LabelSelector, from_label_selector

Object = dict[str, Any]
Amounts = dict[str, int]

CPU = "cpu"
TERMINAL = ("Succeeded", "Failed")


def amount(resource: str, quantity: Any) -> int:
    """Turn a quantity into the integer the scheduler counts in; rounds up."""
    parsed = parse_quantity(quantity)
    return parsed.milli() if resource == CPU else parsed.value()


def amounts(quantities: Mapping[str, Any] | None) -> Amounts:
    return {name: amount(name, value) for name, value in (quantities or {}).items()}


@attrs.frozen
class Toleration:
    key: str = ""
    operator: str = "Equal"
    value: str = ""
    effect: str = ""

    def tolerates(self, taint: "Taint") -> bool:
        """Say whether this toleration matches the taint (core/v1 ``ToleratesTaint``)."""
        if self.effect and self.effect != taint.effect:
            return False
        if self.key and self.key != taint.key:
            return False
        if self.operator == "Exists":
            return True
        return bool(self.key) and self.value == taint.value


@attrs.frozen
class Taint:
    key: str
    value: str
    effect: str

    def __str__(self) -> str:
        return f"{self.key}: {self.value}"


@attrs.frozen
class Requirement:
    """One node selector requirement: ``key operator values``."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        have = labels.get(self.key)
        match self.operator:
            case "In":
                return have is not None and have in self.values
            case "NotIn":
                return have is None or have not in self.values
            case "Exists":
                return have is not None
            case "DoesNotExist":
                return have is None
        try:
            number, bound = int(have or ""), int(self.values[0])
        except (ValueError, IndexError):
            return False
        return number > bound if self.operator == "Gt" else number < bound


@attrs.frozen
class NodeTerm:
    """All expressions and all fields must hold; an empty term matches nothing."""

    expressions: tuple[Requirement, ...] = ()
    fields: tuple[Requirement, ...] = ()
    weight: int = 0

    def matches(self, labels: Mapping[str, str], name: str) -> bool:
        if not self.expressions and not self.fields:
            return False
        fields = {"metadata.name": name}
        return all(r.matches(labels) for r in self.expressions) and all(
            r.matches(fields) for r in self.fields
        )


@attrs.frozen
class PodTerm:
    """One pod (anti-)affinity term; ``namespaces`` empty means the pod's own."""

    selector: LabelSelector | None
    topology_key: str
    namespaces: tuple[str, ...]
    weight: int = 0

    def matches(self, other: "PodInfo") -> bool:
        return (
            self.selector is not None
            and other.namespace in self.namespaces
            and self.selector.matches(other.labels)
        )


@attrs.frozen
class SpreadConstraint:
    max_skew: int
    topology_key: str
    hard: bool
    selector: LabelSelector | None
    min_domains: int = 0


@attrs.frozen
class PodInfo:
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

    @property
    def key(self) -> str:
        return f"{self.namespace}/{self.name}"

    @property
    def terminal(self) -> bool:
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


def _requirements(expressions: Any) -> tuple[Requirement, ...]:
    return tuple(
        Requirement(e["key"], e["operator"], tuple(e.get("values") or ()))
        for e in expressions or ()
    )


def _node_term(term: Object, weight: int = 0) -> NodeTerm:
    return NodeTerm(
        _requirements(term.get("matchExpressions")), _requirements(term.get("matchFields")), weight
    )


def _selector(selector: Any) -> LabelSelector | None:
    return None if selector is None else from_label_selector(selector)


def _pod_terms(terms: Any, namespace: str) -> tuple[PodTerm, ...]:
    found = []
    for entry in terms or ():
        term = entry.get("podAffinityTerm", entry)
        found.append(
            PodTerm(
                _selector(term.get("labelSelector")),
                term["topologyKey"],
                tuple(term.get("namespaces") or (namespace,)),
                entry.get("weight", 0),
            )
        )
    return tuple(found)


def _host_ports(spec: Object) -> tuple[tuple[str, str, int], ...]:
    return tuple(
        (port.get("hostIP") or "0.0.0.0", port.get("protocol", "TCP"), port["hostPort"])
        for container in spec.get("containers") or ()
        for port in container.get("ports") or ()
        if port.get("hostPort")
    )


def project_pod(pod: Object) -> PodInfo:
    """Keep of a core/v1 Pod what scheduling needs."""
    metadata, spec = pod["metadata"], pod.get("spec") or {}
    namespace = metadata.get("namespace", "default")
    affinity = spec.get("affinity") or {}
    node = affinity.get("nodeAffinity") or {}
    required = node.get("requiredDuringSchedulingIgnoredDuringExecution")
    pods = affinity.get("podAffinity") or {}
    anti = affinity.get("podAntiAffinity") or {}
    hard, soft = (
        "requiredDuringSchedulingIgnoredDuringExecution",
        "preferredDuringSchedulingIgnoredDuringExecution",
    )
    preferred = _pod_terms(pods.get(soft), namespace) + tuple(
        attrs.evolve(term, weight=-term.weight) for term in _pod_terms(anti.get(soft), namespace)
    )
    status = pod.get("status") or {}
    return PodInfo(
        namespace=namespace,
        name=metadata["name"],
        uid=metadata.get("uid", ""),
        resource_version=metadata.get("resourceVersion", ""),
        node_name=spec.get("nodeName") or "",
        scheduler_name=spec.get("schedulerName") or "default-scheduler",
        labels=metadata.get("labels") or {},
        priority=spec.get("priority") or 0,
        requests=_requests(spec),
        node_selector=spec.get("nodeSelector") or {},
        required_terms=None
        if required is None
        else tuple(_node_term(t) for t in required.get("nodeSelectorTerms") or ()),
        preferred_terms=tuple(
            _node_term(t["preference"], t["weight"]) for t in node.get(soft) or ()
        ),
        affinity=_pod_terms(pods.get(hard), namespace),
        anti_affinity=_pod_terms(anti.get(hard), namespace),
        preferred_affinity=preferred,
        tolerations=tuple(
            Toleration(
                t.get("key") or "",
                t.get("operator") or "Equal",
                t.get("value") or "",
                t.get("effect") or "",
            )
            for t in spec.get("tolerations") or ()
        ),
        host_ports=_host_ports(spec),
        spread=tuple(
            SpreadConstraint(
                c["maxSkew"],
                c["topologyKey"],
                c.get("whenUnsatisfiable", "DoNotSchedule") == "DoNotSchedule",
                _selector(c.get("labelSelector")),
                c.get("minDomains") or 0,
            )
            for c in spec.get("topologySpreadConstraints") or ()
        ),
        gates=tuple(g["name"] for g in spec.get("schedulingGates") or ()),
        phase=status.get("phase") or "Pending",
        deleting="deletionTimestamp" in metadata,
        preemption_policy=spec.get("preemptionPolicy") or "PreemptLowerPriority",
        nominated_node=status.get("nominatedNodeName") or "",
    )
