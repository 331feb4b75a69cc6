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

from kube_actors.api import Object
from kube_actors.controllers.controller import (
    Controller,
    Round,
    View,
    Watch,
    key_of,
    own_key,
    split_key,
)
from kube_actors.controllers.controller_revisions import (
    HASH_LABEL,
    TemplateRevision,
    forget_old,
    record_template,
    revision_name,
    template_revision,
)
from kube_actors.controllers.effects import (
    Announce,
    Create,
    Delete,
    Effect,
    Reference,
    RequeueAfter,
    Together,
)
from kube_actors.controllers.naming import safe_suffix, suffixed
from kube_actors.controllers.node_fit import fits, tolerates_all
from kube_actors.controllers.pod_template import pod_from
from kube_actors.controllers.pods import PodRecord, pod_record
from kube_actors.controllers.records import (
    Record,
    Whole,
    attribute_index,
    identity,
    labels_of,
    whole,
)
from kube_actors.controllers.revisions import template_digest, template_hash
from kube_actors.controllers.rollout import scaled_value
from kube_actors.controllers.statuses import status_patch

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
    taints: tuple[Mapping[str, Any], ...]


@frozen
class DaemonState:
    """A DaemonSet, every node, and the pods it owns (``node`` is where each is or is meant)."""

    daemonset: Object
    nodes: Sequence[DaemonNode]
    pods: Sequence[PodRecord]
    revisions: Sequence[TemplateRevision] = ()


def daemon_node(obj: Object) -> DaemonNode:
    """Keep a node's labels and taints."""
    taints = (obj.get("spec") or {}).get("taints") or ()
    return DaemonNode(*identity(obj), labels=labels_of(obj), taints=tuple(taints))


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
    hash_ = template_hash(template_digest(template), 0)
    fitting = {node.name for node in state.nodes if _belongs(template, node)}
    by_node: dict[str, list[PodRecord]] = {}
    for pod in sorted(state.pods, key=lambda pod: (pod.created_s, pod.name)):
        by_node.setdefault(pod.node, []).append(pod)
    status, waits = _status(daemonset, fitting, by_node, hash_, round_)
    meta = daemonset["metadata"]
    where = ("DaemonSet", meta["namespace"], meta["name"], meta["uid"], meta["resourceVersion"])
    patch = status_patch(*where, daemonset.get("status") or {}, status)
    written: tuple[Effect, ...] = () if patch is None else (patch,)
    if waits:
        written = (*written, RequeueAfter(min(waits)))
    if meta.get("deletionTimestamp"):
        return written
    doomed = _surplus(by_node, fitting) or _outdated(daemonset, by_node, fitting, hash_, round_)
    missing = [
        node.name
        for node in state.nodes
        if node.name in fitting and not any(_holds(pod) for pod in by_node.get(node.name, ()))
    ]
    changes = _changes(daemonset, missing, doomed, by_node, hash_)
    return (*_record(state), *written, *changes)


def _record(state: DaemonState) -> tuple[Effect, ...]:
    """Record the present template, and forget old ones that no pod has."""
    meta, spec = state.daemonset["metadata"], state.daemonset["spec"]
    owner = Reference("apps/v1", "DaemonSet", meta["namespace"], meta["name"], meta["uid"])
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
    return pod.phase not in ("Failed", "Succeeded")


def _belongs(template: Mapping[str, Any], node: DaemonNode) -> bool:
    spec = template.get("spec") or {}
    tolerations = [*(spec.get("tolerations") or ()), *DAEMON_TOLERATIONS]
    return fits(spec, node.name, node.labels) and tolerates_all(tolerations, node.taints)


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


def _changes(
    daemonset: Object,
    missing: Sequence[str],
    doomed: Sequence[PodRecord],
    by_node: Mapping[str, list[PodRecord]],
    hash_: str,
) -> tuple[Effect, ...]:
    meta = daemonset["metadata"]
    owner = Reference("apps/v1", "DaemonSet", meta["namespace"], meta["name"], meta["uid"])
    made = Announce(
        owner, "SuccessfulCreate", "Created pod: {name}", "FailedCreate", "Error creating: {error}"
    )
    removed = Announce(owner, "SuccessfulDelete", "Deleted pod: {name}")
    effects: list[Effect] = []
    if doomed:
        deletes = (
            Delete("Pod", pod.namespace, pod.name, pod.uid, announce=removed) for pod in doomed
        )
        effects.append(Together(tuple(deletes)))
    if missing:
        creates = []
        for node in missing:
            before = ",".join(sorted(pod.uid for pod in by_node.get(node, ())))
            seed = f"{meta['uid']}/{node}/{hash_}/{before}"
            name = suffixed(meta["name"], safe_suffix(seed, 5))
            creates.append(Create(_pod(daemonset, owner, name, node, hash_), made))
        effects.append(Together(tuple(creates), slow_start=True))
    return tuple(effects)


def _pod(daemonset: Object, owner: Reference, name: str, node: str, hash_: str) -> Object:
    template = daemonset["spec"]["template"]
    spec = template.get("spec") or {}
    here = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]}
    affinity = dict(spec.get("affinity") or {})
    node_affinity = dict(affinity.get("nodeAffinity") or {})
    node_affinity["requiredDuringSchedulingIgnoredDuringExecution"] = {"nodeSelectorTerms": [here]}
    affinity["nodeAffinity"] = node_affinity
    tolerations = [*(spec.get("tolerations") or ()), *DAEMON_TOLERATIONS]
    return pod_from(
        template,
        owner,
        name,
        generate_name=f"{owner.name}-",
        labels={HASH_LABEL: hash_},
        spec={"affinity": affinity, "tolerations": tolerations},
    )


def _status(
    daemonset: Object,
    fitting: set[str],
    by_node: Mapping[str, list[PodRecord]],
    hash_: str,
    round_: Round,
) -> tuple[dict[str, Any], list[float]]:
    min_ready_s = daemonset["spec"].get("minReadySeconds", 0)
    current = ready = available = updated = 0
    waits: list[float] = []
    for node in sorted(fitting):
        live = [pod for pod in by_node.get(node, ()) if pod.active]
        if not live:
            continue
        pod = live[0]
        current += 1
        ready += pod.ready
        available += pod.available(min_ready_s, round_.now_s)
        updated += pod.labels.get(HASH_LABEL) == hash_
        since = pod.available_at_s(min_ready_s)
        if since is not None and since > round_.now_s:
            waits.append(since - round_.now_s)
    misplaced = sum(
        1 for node, pods in by_node.items() if node not in fitting and any(map(_holds, pods))
    )
    status: dict[str, Any] = {
        "currentNumberScheduled": current,
        "desiredNumberScheduled": len(fitting),
        "numberMisscheduled": misplaced,
        "numberReady": ready,
        "observedGeneration": daemonset["metadata"].get("generation", 0),
    }
    optional = {
        "numberAvailable": available,
        "numberUnavailable": len(fitting) - available,
        "updatedNumberScheduled": updated,
    }
    status |= {name: count for name, count in optional.items() if count}
    return status, waits


def gather(view: View, key: str) -> DaemonState | None:
    """Collect a DaemonSet, the nodes and its pods."""
    namespace, name = split_key(key)
    record: Whole | None = view.get("daemonsets", namespace, name)
    if record is None:
        return None
    daemonset = record.object()
    if not (daemonset.get("spec") or {}).get("template"):
        return None
    return DaemonState(
        daemonset,
        view.values("nodes"),
        view.indexed("pods", "owner_uid", record.uid),
        view.indexed("controllerrevisions", "owner_uid", record.uid),
    )


def _node_keys(view: View, old: DaemonNode | None, new: DaemonNode | None) -> list[str]:
    if old == new:
        return []
    return [key_of(one.namespace, one.name) for one in view.values("daemonsets")]


def _owned_keys(view: View, old: Any, new: Any) -> list[str]:
    record = new if new is not None else old
    if old == new or not record.owner_uid:
        return []
    owners = view.indexed("daemonsets", "uid", record.owner_uid)
    return [key_of(owner.namespace, owner.name) for owner in owners]


_BY_OWNER = {"owner_uid": attribute_index("owner_uid")}

DAEMONSET: Controller[DaemonState] = Controller(
    name="daemonset",
    watches=(
        Watch("daemonsets", whole, own_key, {"uid": attribute_index("uid")}),
        Watch("nodes", daemon_node, _node_keys),
        Watch("pods", daemon_pod, _owned_keys, _BY_OWNER),
        Watch("controllerrevisions", template_revision, _owned_keys, _BY_OWNER),
    ),
    gather=gather,
    reconcile=reconcile,
    idle_without="daemonsets",
    interval_s=0.05,
)
