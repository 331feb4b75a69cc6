"""Keeps one pod of a DaemonSet on every node it fits.

A node fits when its labels match the template's node selector and affinity and the template
tolerates its taints, with the tolerations Kubernetes gives every daemon: it stays on nodes that are
lost, under pressure or cordoned. Pods are bound by the scheduler through an affinity to the one
node's name. A rolling update replaces old pods within ``maxUnavailable``; templates are recorded as
ControllerRevisions, so that an update can be undone.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import evolve, frozen

from kube_actors.api import Object, Taint, repelled, taints_of, tolerations_of
from kube_actors.api.selectors import allows, required_terms
from kube_actors.controllers.loop import (
    Controller,
    Effect,
    Record,
    Reference,
    Round,
    View,
    Watch,
    identity,
    key_of,
    labels_of,
    own_key,
    reference_to,
    whole,
)
from kube_actors.controllers.objects import (
    BY_OWNER,
    BY_UID,
    PodRecord,
    availability_wait,
    owner_keys,
    pod_from,
    pod_record,
    safe_suffix,
    scaled_value,
    suffixed,
    template_digest,
    template_hash,
    workload,
    write_status,
)
from kube_actors.controllers.workloads.controller_revisions import (
    HASH_LABEL,
    TemplateRevision,
    forget_old,
    record_template,
    revision_name,
    template_revision,
)
from kube_actors.controllers.workloads.pod_changes import create_pods, delete_pods

_TOLERATED = (
    ("node.kubernetes.io/not-ready", "NoExecute"),
    ("node.kubernetes.io/unreachable", "NoExecute"),
    ("node.kubernetes.io/disk-pressure", "NoSchedule"),
    ("node.kubernetes.io/memory-pressure", "NoSchedule"),
    ("node.kubernetes.io/pid-pressure", "NoSchedule"),
    ("node.kubernetes.io/unschedulable", "NoSchedule"),
)
DAEMON_TOLERATIONS = tuple(
    {"key": key, "operator": "Exists", "effect": effect} for key, effect in _TOLERATED
)


@frozen
class DaemonNode(Record):
    """What decides whether a daemon belongs on a node."""

    labels: Mapping[str, str]
    taints: tuple[Taint, ...]


@frozen
class DaemonState:
    """A DaemonSet, every node, and the pods it owns (``node`` is where each is or is meant)."""

    daemonset: Object
    nodes: Sequence[DaemonNode]
    pods: Sequence[PodRecord]
    revisions: Sequence[TemplateRevision] = ()


def daemon_node(obj: Object) -> DaemonNode:
    """Keep a node's labels and taints."""
    return DaemonNode(*identity(obj), labels=labels_of(obj), taints=taints_of(obj))


def daemon_pod(obj: Object) -> PodRecord:
    """Keep a pod under the node it is bound to or, before that, meant for."""
    record = pod_record(obj)
    if record.node or not record.owner_uid:
        return record
    affinity = ((obj.get("spec") or {}).get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or {}
    for term in required.get("nodeSelectorTerms") or ():
        for field in term.get("matchFields") or ():
            if field.get("key") == "metadata.name" and field.get("values"):
                return evolve(record, node=field["values"][0])
    return record


def reconcile(state: DaemonState, round_: Round) -> tuple[Effect, ...]:
    """Bring every node to one pod of the present template, within what may be unavailable."""
    daemonset, spec = state.daemonset, state.daemonset["spec"]
    template = spec["template"]
    hash_ = template_hash(template_digest(template))
    fitting = _fitting(template, state.nodes)
    by_node: dict[str, list[PodRecord]] = {}
    for pod in sorted(state.pods, key=lambda pod: (pod.created_s, pod.name)):
        by_node.setdefault(pod.node, []).append(pod)
    written = _status_effects(daemonset, fitting, by_node, hash_, round_)
    if daemonset["metadata"].get("deletionTimestamp"):
        return written
    doomed = _surplus(by_node, fitting) or _outdated(daemonset, by_node, fitting, hash_, round_)
    missing = [
        node.name
        for node in state.nodes
        if node.name in fitting and not any(_holds(pod) for pod in by_node.get(node.name, ()))
    ]
    owner = reference_to(daemonset)
    pods = [_pod(daemonset, owner, node, by_node.get(node, ()), hash_) for node in missing]
    return (
        *_record(state, owner),
        *written,
        *delete_pods(owner, doomed),
        *create_pods(owner, pods),
    )


def _record(state: DaemonState, owner: Reference) -> tuple[Effect, ...]:
    """Record the present template, and forget old ones that no pod has."""
    spec = state.daemonset["spec"]
    present = revision_name(owner.name, template_digest(spec["template"]))
    used = frozenset(
        {present, *(f"{owner.name}-{pod.labels.get(HASH_LABEL, '')}" for pod in state.pods)}
    )
    limit = spec.get("revisionHistoryLimit", 10)
    return (
        *record_template(owner, spec["template"], state.revisions),
        *forget_old(state.revisions, used, limit),
    )


def _holds(pod: PodRecord) -> bool:
    """Tell whether a pod keeps its node's place: a terminating one does until it is gone."""
    return not pod.finished


def _fitting(template: Mapping[str, Any], nodes: Sequence[DaemonNode]) -> set[str]:
    """Name the nodes for a daemon; whether they have room is the scheduler's to say."""
    spec = template.get("spec") or {}
    selector, terms = spec.get("nodeSelector") or {}, required_terms(spec)
    tolerations = tolerations_of({"tolerations": _tolerations(spec)})
    return {
        node.name
        for node in nodes
        if spec.get("nodeName") in (None, "", node.name)
        and allows(selector, terms, node.labels, node.name)
        and not repelled(tolerations, node.taints)
    }


def _tolerations(spec: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [*(spec.get("tolerations") or ()), *DAEMON_TOLERATIONS]


def _surplus(by_node: Mapping[str, list[PodRecord]], fitting: set[str]) -> list[PodRecord]:
    """Give pods where none belongs, pods that failed, and all but the oldest on one node."""
    doomed = []
    for node, pods in by_node.items():
        live = [pod for pod in pods if not pod.deleting]
        failed = [pod for pod in live if not _holds(pod)]
        running = [pod for pod in live if _holds(pod)]
        doomed += failed + (running[1:] if node in fitting else running)
    return doomed


def _outdated(
    daemonset: Object,
    by_node: Mapping[str, list[PodRecord]],
    fitting: set[str],
    hash_: str,
    round_: Round,
) -> list[PodRecord]:
    """Give old pods that may go now: unavailable ones first, others within the budget."""
    strategy = daemonset["spec"].get("updateStrategy") or {}
    if strategy.get("type", "RollingUpdate") != "RollingUpdate":
        return []
    rolling = strategy.get("rollingUpdate") or {}
    budget = max(1, scaled_value(rolling.get("maxUnavailable", 1), len(fitting), round_up=True))
    min_ready_s = daemonset["spec"].get("minReadySeconds", 0)
    doomed: list[PodRecord] = []
    replaceable: list[PodRecord] = []
    unavailable = 0
    for node in sorted(fitting):
        live = [pod for pod in by_node.get(node, ()) if pod.active]
        old = [pod for pod in live if pod.labels.get(HASH_LABEL) != hash_]
        ready = any(pod.available(min_ready_s, round_.now_s) for pod in live)
        unavailable += not ready
        (replaceable if ready else doomed).extend(old)
    return doomed + replaceable[: max(0, budget - unavailable)]


def _pod(
    daemonset: Object, owner: Reference, node: str, before: Sequence[PodRecord], hash_: str
) -> Object:
    """Make the pod for one node, named after those seen there before."""
    seen = ",".join(sorted(pod.uid for pod in before))
    name = suffixed(owner.name, safe_suffix(f"{owner.uid}/{node}/{hash_}/{seen}", 5))
    template = daemonset["spec"]["template"]
    spec = template.get("spec") or {}
    here = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]}
    affinity = dict(spec.get("affinity") or {})
    node_affinity = dict(affinity.get("nodeAffinity") or {})
    node_affinity["requiredDuringSchedulingIgnoredDuringExecution"] = {"nodeSelectorTerms": [here]}
    affinity["nodeAffinity"] = node_affinity
    return pod_from(
        template,
        owner,
        name,
        generate_name=f"{owner.name}-",
        labels={HASH_LABEL: hash_},
        spec={"affinity": affinity, "tolerations": _tolerations(spec)},
    )


def _status_effects(
    daemonset: Object,
    fitting: set[str],
    by_node: Mapping[str, list[PodRecord]],
    hash_: str,
    round_: Round,
) -> tuple[Effect, ...]:
    min_ready_s = daemonset["spec"].get("minReadySeconds", 0)
    oldest = [
        live[0]
        for node in sorted(fitting)
        if (live := [pod for pod in by_node.get(node, ()) if pod.active])
    ]
    available = sum(pod.available(min_ready_s, round_.now_s) for pod in oldest)
    misplaced = sum(
        1 for node, pods in by_node.items() if node not in fitting and any(map(_holds, pods))
    )
    status: dict[str, Any] = {
        "currentNumberScheduled": len(oldest),
        "desiredNumberScheduled": len(fitting),
        "numberMisscheduled": misplaced,
        "numberReady": sum(pod.ready for pod in oldest),
        "observedGeneration": daemonset["metadata"].get("generation", 0),
    }
    optional = {
        "numberAvailable": available,
        "numberUnavailable": len(fitting) - available,
        "updatedNumberScheduled": sum(pod.labels.get(HASH_LABEL) == hash_ for pod in oldest),
    }
    status |= {name: count for name, count in optional.items() if count}
    return (
        *write_status(daemonset, status),
        *availability_wait(oldest, min_ready_s, round_.now_s),
    )


def gather(view: View, key: str) -> DaemonState | None:
    """Collect a DaemonSet, the nodes and its pods."""
    daemonset = workload(view, "daemonsets", key)
    if daemonset is None:
        return None
    uid = daemonset["metadata"]["uid"]
    return DaemonState(
        daemonset,
        view.values("nodes"),
        view.indexed("pods", "owner_uid", uid),
        view.indexed("controllerrevisions", "owner_uid", uid),
    )


def _node_keys(view: View, old: DaemonNode | None, new: DaemonNode | None) -> list[str]:
    if old == new:
        return []
    return [key_of(one.namespace, one.name) for one in view.values("daemonsets")]


_owner_keys = owner_keys("daemonsets")

DAEMONSET: Controller[DaemonState] = Controller(
    name="daemonset",
    watches=(
        Watch("daemonsets", whole, own_key, BY_UID),
        Watch("nodes", daemon_node, _node_keys),
        Watch("pods", daemon_pod, _owner_keys, BY_OWNER),
        Watch("controllerrevisions", template_revision, _owner_keys, BY_OWNER),
    ),
    gather=gather,
    reconcile=reconcile,
    idle_without="daemonsets",
    interval_s=0.05,
)
