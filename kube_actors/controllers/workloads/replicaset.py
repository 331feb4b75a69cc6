"""Keeps as many pods as a ReplicaSet asks for.

Only active pods count: a pod that is terminating or finished is replaced at once. Pods that match
the selector and have no controller are adopted, owned pods that no longer match are released. New
pods are named after the set's uid and the pods it was seen to have, so a lost answer or a stale
view cannot make doubles. The status says what was seen before this round's changes.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson
from attrs import field, frozen

from kube_actors.api import Object
from kube_actors.api.selectors import LabelSelector
from kube_actors.controllers.loop import (
    Controller,
    Effect,
    Look,
    Patch,
    Record,
    Reference,
    Round,
    Together,
    View,
    Watch,
    attribute_index,
    controller_uid,
    identity,
    own_key,
    split_key,
)
from kube_actors.controllers.objects import (
    BY_OWNER,
    BY_UID,
    PodRecord,
    adoption,
    availability_wait,
    claimant_keys,
    drop_condition,
    find_condition,
    may_adopt,
    pod_from,
    pod_record,
    release,
    safe_suffix,
    set_condition,
    status_patch,
    workload_selector,
)
from kube_actors.controllers.workloads.pod_changes import create_pods, delete_pods
from kube_actors.controllers.workloads.pod_ranking import choose_for_deletion

BURST_REPLICAS = 500
NAME_MAX = 58  # leaves room for the suffix in a 63 character label


@frozen
class ReplicaSetRecord(Record):
    """``template`` is the pod template as JSON; ``owner_uid`` the controlling Deployment's."""

    owner_uid: str
    generation: int
    replicas: int
    min_ready_s: int
    selector: Mapping[str, Any]
    template_labels: Mapping[str, str]
    template: bytes
    status: Mapping[str, Any]
    deleting: bool

    @property
    def reference(self) -> Reference:
        """The set as the owner of its pods, and as what an event is about."""
        return Reference("apps/v1", "ReplicaSet", self.namespace, self.name, self.uid)


@frozen
class ReplicaSetState:
    """One set, the pods it owns, pods it may adopt, and its siblings' active pods per node."""

    replicaset: ReplicaSetRecord
    owned: Sequence[PodRecord] = ()
    orphans: Sequence[PodRecord] = ()
    related_on_node: Mapping[str, int] = field(factory=dict)


def replicaset_record(obj: Object) -> ReplicaSetRecord:
    """Keep what replica counting needs of a ReplicaSet."""
    meta, spec = obj["metadata"], obj.get("spec") or {}
    template = spec.get("template") or {}
    return ReplicaSetRecord(
        *identity(obj),
        owner_uid=controller_uid(obj),
        generation=meta.get("generation", 0),
        replicas=spec.get("replicas", 1),
        min_ready_s=spec.get("minReadySeconds", 0),
        selector=spec.get("selector") or {},
        template_labels=(template.get("metadata") or {}).get("labels") or {},
        template=orjson.dumps(template),
        status=obj.get("status") or {},
        deleting=bool(meta.get("deletionTimestamp")),
    )


def _selector(replicaset: ReplicaSetRecord) -> LabelSelector | None:
    return workload_selector(replicaset.selector)


def _orphan_namespace(pod: PodRecord) -> tuple[str, ...]:
    return () if pod.owner_uid or not pod.active else (pod.namespace,)


def gather(view: View, key: str) -> ReplicaSetState | None:
    """Collect a set, its pods, adoptable pods and how crowded its siblings' nodes are."""
    namespace, name = split_key(key)
    replicaset = view.get("replicasets", namespace, name)
    if replicaset is None:
        return None
    owned = tuple(view.indexed("pods", "owner_uid", replicaset.uid))
    orphans = tuple(view.indexed("pods", "orphan", namespace))
    related: dict[str, int] = {}
    active = sum(1 for pod in owned if pod.active)
    if active > replicaset.replicas:
        for sibling in _siblings(view, replicaset):
            for pod in view.indexed("pods", "owner_uid", sibling.uid):
                if pod.active and pod.node:
                    related[pod.node] = related.get(pod.node, 0) + 1
    return ReplicaSetState(replicaset, owned, orphans, related)


def _siblings(view: View, replicaset: ReplicaSetRecord) -> Sequence[ReplicaSetRecord]:
    if not replicaset.owner_uid:
        return (replicaset,)
    return view.indexed("replicasets", "owner_uid", replicaset.owner_uid)


def reconcile(state: ReplicaSetState, round_: Round) -> tuple[Effect, ...]:
    """Claim pods, write the status, then create or delete the difference."""
    replicaset = state.replicaset
    selector = _selector(replicaset)
    if selector is None:
        return ()
    if replicaset.deleting:
        owned = [pod for pod in state.owned if selector.matches(pod.labels)]
        return _status_effects(replicaset, owned, round_)
    adoptable = [pod for pod in state.orphans if pod.active and selector.matches(pod.labels)]
    question = Look("ReplicaSet", replicaset.namespace, replicaset.name)
    if adoptable and not round_.asked(question):
        return (question,)
    claims: list[Patch] = []
    if adoptable and may_adopt(round_.answers[question], replicaset.uid):
        claims += [adoption("Pod", pod, replicaset.reference) for pod in adoptable]
    owned = []
    matching = _matcher(selector)
    for pod in state.owned:
        if matching(pod.labels):
            owned.append(pod)
        elif pod.active:
            claims.append(release("Pod", pod, replicaset.uid))
    if claims:
        # The claims change what is owned; count again once the view shows them.
        return (Together(tuple(claims)),)
    return (
        *_status_effects(replicaset, owned, round_),
        *_replica_effects(state, owned, round_),
    )


def _matcher(selector: LabelSelector) -> Callable[[Mapping[str, str]], bool]:
    """Remember the last answer: pods of one set share one mapping of labels."""
    last: Mapping[str, str] | None = None
    answer = False

    def matches(labels: Mapping[str, str]) -> bool:
        nonlocal last, answer
        if labels is not last:
            last, answer = labels, selector.matches(labels)
        return answer

    return matches


def _status_effects(
    replicaset: ReplicaSetRecord, owned: list[PodRecord], round_: Round
) -> tuple[Effect, ...]:
    active = [pod for pod in owned if pod.active]
    template = replicaset.template_labels.items()
    ready = [pod for pod in active if pod.ready]
    available = [pod for pod in ready if pod.available(replicaset.min_ready_s, round_.now_s)]
    counts = {
        "fullyLabeledReplicas": sum(1 for pod in active if template <= pod.labels.items()),
        "readyReplicas": len(ready),
        "availableReplicas": len(available),
    }
    new: dict[str, Any] = {
        "replicas": len(active),
        **{name: count for name, count in counts.items() if count},
        "terminatingReplicas": sum(1 for pod in owned if pod.terminating),
        "observedGeneration": replicaset.generation,
    }
    conditions = _conditions(replicaset, round_)
    if conditions:
        new["conditions"] = conditions
    version, old = replicaset.resource_version, replicaset.status
    return (
        *status_patch(replicaset.reference, version, old, new),
        *availability_wait(ready, replicaset.min_ready_s, round_.now_s),
    )


def _conditions(replicaset: ReplicaSetRecord, round_: Round) -> list[dict[str, Any]]:
    old = replicaset.status.get("conditions")
    failure = round_.failure
    if failure is None or failure.kind != "Pod" or failure.verb == "patch":
        return drop_condition(old, "ReplicaFailure")
    if find_condition(old, "ReplicaFailure") is not None:
        return list(old or ())
    condition = {
        "type": "ReplicaFailure",
        "status": "True",
        "lastTransitionTime": round_.timestamp,
        "reason": "FailedCreate" if failure.verb == "create" else "FailedDelete",
        "message": failure.message,
    }
    return set_condition(old, condition)


def _replica_effects(
    state: ReplicaSetState, owned: list[PodRecord], round_: Round
) -> tuple[Effect, ...]:
    replicaset = state.replicaset
    active = [pod for pod in owned if pod.active]
    missing = replicaset.replicas - len(active)
    if missing > 0:
        names = pod_names(replicaset, state.owned, min(missing, BURST_REPLICAS), round_)
        return create_pods(replicaset.reference, [_pod(replicaset, name) for name in names])
    if missing < 0:
        count = min(-missing, BURST_REPLICAS)
        doomed = choose_for_deletion(active, state.related_on_node, count, round_.now_s)
        return delete_pods(replicaset.reference, doomed)
    return ()


def pod_names(
    replicaset: ReplicaSetRecord, owned: Sequence[PodRecord], count: int, round_: Round
) -> list[str]:
    """Give names that depend on the set's uid and the pods seen, and on nothing else.

    A name already taken by something else (``AlreadyExists``) moves on with the attempts.
    """
    failure = round_.failure
    attempt = failure.attempts if failure and failure.reason == "AlreadyExists" else 0
    seen = "\n".join(sorted(pod.uid for pod in owned))
    seed = safe_suffix(f"{replicaset.uid}\n{attempt}\n{seen}", 20)
    taken = {pod.name for pod in owned}
    names: list[str] = []
    place = 0
    while len(names) < count:
        name = f"{replicaset.name[: NAME_MAX - 1]}-{safe_suffix(f'{seed}{place}', 5)}"
        place += 1
        if name not in taken:
            taken.add(name)
            names.append(name)
    return names


def _pod(replicaset: ReplicaSetRecord, name: str) -> Object:
    template = orjson.loads(replicaset.template)
    base = f"{replicaset.name[: NAME_MAX - 1]}-"
    return pod_from(template, replicaset.reference, name, generate_name=base)


REPLICASET = Controller(
    name="replicaset",
    watches=(
        Watch(
            "replicasets",
            replicaset_record,
            own_key,
            {**BY_UID, **BY_OWNER, "namespace": attribute_index("namespace")},
        ),
        Watch(
            "pods",
            pod_record,
            claimant_keys("replicasets", _selector),
            {**BY_OWNER, "orphan": _orphan_namespace},
        ),
    ),
    gather=gather,
    reconcile=reconcile,
    idle_without="replicasets",
    workers=5,
    interval_s=0.1,
)
