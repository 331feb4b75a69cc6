"""Gives a StatefulSet's pods stable names and their own claims, one after the other.

Pods are numbered. With ``OrderedReady`` each waits until all before it are ready, and they go in
the opposite order; ``Parallel`` waits for none. A rolling update replaces pods from the highest
number down to the partition, each when the ones above are available again; those below keep the
template they have, which is why templates are recorded as ControllerRevisions. A pod's name never
belongs to two pods at once: a replacement waits until the old one is gone.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from attrs import frozen

from kube_actors.api import Object
from kube_actors.controllers.loop import (
    Announce,
    Controller,
    Create,
    Delete,
    Effect,
    Reference,
    Round,
    View,
    Watch,
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
    template_digest,
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

POD_NAME = "statefulset.kubernetes.io/pod-name"
POD_INDEX = "apps.kubernetes.io/pod-index"


@frozen
class StatefulState:
    """A StatefulSet, its pods and its recorded templates."""

    statefulset: Object
    pods: Sequence[PodRecord]
    revisions: Sequence[TemplateRevision] = ()


@frozen
class Plan:
    """Which template each ordinal should have; ``first`` and ``end`` bound the ordinals."""

    owner: Reference
    spec: Mapping[str, Any]
    first: int
    end: int
    current: str
    update: str
    partition: int
    now_s: float

    @property
    def ordered(self) -> bool:
        """Whether each pod waits for those before it (``OrderedReady``, the default)."""
        return bool(self.spec.get("podManagementPolicy", "OrderedReady") == "OrderedReady")

    @property
    def min_ready_s(self) -> int:
        """How long a pod must have been ready before it counts as available."""
        return int(self.spec.get("minReadySeconds", 0))

    def revision_of(self, ordinal: int) -> str:
        """Name the template of an ordinal: those below the partition keep the current one."""
        below = ordinal < self.first + self.partition
        return self.current if below else self.update

    def available(self, pod: PodRecord) -> bool:
        """Tell whether a pod is active and has been ready for long enough."""
        return pod.active and pod.available(self.min_ready_s, self.now_s)


def ordinal_of(name: str) -> int:
    """Give the number at the end of a pod's name, -1 if there is none."""
    number = name.rpartition("-")[2]
    return int(number) if number.isdigit() else -1


def reconcile(state: StatefulState, round_: Round) -> tuple[Effect, ...]:
    """Record the template, write the status, and take the next steps that may be taken."""
    statefulset = state.statefulset
    spec = statefulset["spec"]
    owner = reference_to(statefulset)
    plan = _plan(state, owner, round_)
    status = write_status(statefulset, _status(state, plan))
    if statefulset["metadata"].get("deletionTimestamp"):
        return status
    used = frozenset({plan.current, plan.update, *(_revision(plan, pod) for pod in state.pods)})
    return (
        *record_template(owner, spec["template"], state.revisions),
        *status,
        *_steps(state, plan),
        *forget_old(state.revisions, used, spec.get("revisionHistoryLimit", 10)),
        *availability_wait(state.pods, plan.min_ready_s, round_.now_s),
    )


def _plan(state: StatefulState, owner: Reference, round_: Round) -> Plan:
    spec = state.statefulset["spec"]
    update = revision_name(owner.name, template_digest(spec["template"]))
    current = (state.statefulset.get("status") or {}).get("currentRevision") or update
    strategy = spec.get("updateStrategy") or {}
    rolling = strategy.get("type", "RollingUpdate") == "RollingUpdate"
    partition = (strategy.get("rollingUpdate") or {}).get("partition", 0) if rolling else 0
    first = (spec.get("ordinals") or {}).get("start", 0)
    end = first + spec.get("replicas", 1)
    return Plan(owner, spec, first, end, current, update, partition, round_.now_s)


def _revision(plan: Plan, pod: PodRecord) -> str:
    return f"{plan.owner.name}-{pod.labels.get(HASH_LABEL, '')}"


def _steps(state: StatefulState, plan: Plan) -> list[Effect]:
    by_ordinal = {ordinal_of(pod.name): pod for pod in state.pods}
    effects: list[Effect] = []
    for ordinal in range(plan.first, plan.end):
        pod = by_ordinal.get(ordinal)
        if pod is None:
            effects += _creation(state, plan, ordinal)
        elif pod.finished and not pod.deleting:
            effects.append(_deletion(plan, pod))
        elif plan.available(pod):
            continue
        if plan.ordered:
            return effects
    condemned = [
        by_ordinal[ordinal]
        for ordinal in sorted(by_ordinal, reverse=True)
        if not plan.first <= ordinal < plan.end
    ]
    for pod in condemned:
        if not pod.deleting:
            effects.append(_deletion(plan, pod))
        if plan.ordered:
            return effects
    return effects + _update(plan, by_ordinal)


def _update(plan: Plan, by_ordinal: Mapping[int, PodRecord]) -> list[Effect]:
    """Replace the highest old pod, once every one above it is well."""
    strategy = plan.spec.get("updateStrategy") or {}
    if strategy.get("type", "RollingUpdate") != "RollingUpdate":
        return []
    for ordinal in range(plan.end - 1, plan.first + plan.partition - 1, -1):
        pod = by_ordinal.get(ordinal)
        if pod is None or pod.deleting:
            return []
        if _revision(plan, pod) != plan.update:
            return [_deletion(plan, pod)]
        if not plan.available(pod):
            return []
    return []


def _deletion(plan: Plan, pod: PodRecord) -> Delete:
    text = f"delete Pod {pod.name} in StatefulSet {plan.owner.name} successful"
    announce = Announce(plan.owner, "SuccessfulDelete", text)
    return Delete("Pod", pod.namespace, pod.name, pod.uid, announce=announce)


def _creation(state: StatefulState, plan: Plan, ordinal: int) -> list[Effect]:
    wanted = plan.revision_of(ordinal)
    older = next((one for one in state.revisions if one.name == wanted), None)
    template = plan.spec["template"] if older is None else older.object()
    if older is None:
        wanted = plan.update
    owner = plan.owner
    name = f"{owner.name}-{ordinal}"
    claims = {one["metadata"]["name"]: one for one in plan.spec.get("volumeClaimTemplates") or ()}
    labels = {
        POD_NAME: name,
        POD_INDEX: str(ordinal),
        HASH_LABEL: wanted.removeprefix(f"{owner.name}-"),
    }
    extra = _pod_spec(plan, template, name, claims)
    pod = pod_from(template, owner, name, labels=labels, spec=extra)
    text = f"create Pod {name} in StatefulSet {owner.name} successful"
    failed = f"create Pod {name} in StatefulSet {owner.name} failed error: {{error}}"
    announce = Announce(owner, "SuccessfulCreate", text, "FailedCreate", failed)
    selector = (plan.spec.get("selector") or {}).get("matchLabels") or {}
    made: list[Effect] = [
        Create(_claim(claim, f"{claim_name}-{name}", owner.namespace, selector), exists_ok=True)
        for claim_name, claim in claims.items()
    ]
    return [*made, Create(pod, announce)]


def _pod_spec(
    plan: Plan, template: Mapping[str, Any], name: str, claims: Collection[str]
) -> dict[str, Any]:
    """Give a pod its stable hostname, and its own claims in the place of the template's volumes."""
    theirs = (template.get("spec") or {}).get("volumes") or ()
    volumes = [volume for volume in theirs if volume.get("name") not in claims]
    volumes += [
        {"name": claim, "persistentVolumeClaim": {"claimName": f"{claim}-{name}"}}
        for claim in claims
    ]
    spec: dict[str, Any] = {"hostname": name}
    if plan.spec.get("serviceName"):
        spec["subdomain"] = plan.spec["serviceName"]
    if volumes:
        spec["volumes"] = volumes
    return spec


def _claim(
    template: Mapping[str, Any], name: str, namespace: str, labels: Mapping[str, str]
) -> Object:
    theirs = template.get("metadata") or {}
    meta = {**theirs, "name": name, "namespace": namespace}
    meta["labels"] = {**(theirs.get("labels") or {}), **labels}
    spec = template.get("spec") or {}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta, "spec": spec}


def _status(state: StatefulState, plan: Plan) -> dict[str, Any]:
    alive = [pod for pod in state.pods if not pod.deleting]
    inside = [pod for pod in alive if plan.first <= ordinal_of(pod.name) < plan.end]
    updated = [pod for pod in alive if _revision(plan, pod) == plan.update]
    ready = sum(1 for pod in alive if pod.active and pod.ready)
    finished = (
        len(inside) == plan.end - plan.first
        and len(updated) == len(alive)
        and all(plan.available(pod) for pod in inside)
    )
    current = plan.update if finished or not state.pods else plan.current
    numbers = {
        "readyReplicas": ready,
        "currentReplicas": sum(1 for pod in alive if _revision(plan, pod) == current),
        "updatedReplicas": len(updated),
    }
    return {
        "replicas": len(alive),
        **{name: number for name, number in numbers.items() if number},
        "availableReplicas": sum(1 for pod in alive if plan.available(pod)),
        "currentRevision": current,
        "updateRevision": plan.update,
        "observedGeneration": state.statefulset["metadata"].get("generation", 0),
        "collisionCount": 0,
    }


def gather(view: View, key: str) -> StatefulState | None:
    """Collect a StatefulSet, its pods and its templates."""
    statefulset = workload(view, "statefulsets", key)
    if statefulset is None:
        return None
    uid = statefulset["metadata"]["uid"]
    return StatefulState(
        statefulset,
        view.indexed("pods", "owner_uid", uid),
        view.indexed("controllerrevisions", "owner_uid", uid),
    )


_owner_keys = owner_keys("statefulsets")

STATEFULSET: Controller[StatefulState] = Controller(
    name="statefulset",
    watches=(
        Watch("statefulsets", whole, own_key, BY_UID),
        Watch("pods", pod_record, _owner_keys, BY_OWNER),
        Watch("controllerrevisions", template_revision, _owner_keys, BY_OWNER),
    ),
    gather=gather,
    reconcile=reconcile,
    idle_without="statefulsets",
    interval_s=0.05,
)
