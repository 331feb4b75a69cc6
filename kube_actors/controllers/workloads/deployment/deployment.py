"""Rolls a Deployment's pods from one template to the next through ReplicaSets.

Each round looks at the ReplicaSets as they are and takes at most one step: adopt, make the new set,
follow a change of scale, scale up, or scale down; what the step changed wakes the next round. So a
rollout survives any crash of this controller, and its two bounds (surge, unavailable) hold at every
step. Rolling back, restarting and resuming are just other templates and flags. This controller
watches no pods: a ReplicaSet's status says how many it has and how many are still terminating.
"""

from collections.abc import Sequence
from typing import Any

from attrs import frozen

from kube_actors.api import Object
from kube_actors.api.selectors import LabelSelector
from kube_actors.controllers.loop import (
    Controller,
    Delete,
    Effect,
    Look,
    RequeueAfter,
    Round,
    View,
    Watch,
    Whole,
    attribute_index,
    own_key,
    reference_to,
    split_key,
    whole,
)
from kube_actors.controllers.objects import (
    BY_OWNER,
    BY_UID,
    adoption,
    claimant_keys,
    may_adopt,
    release,
    workload,
    workload_selector,
    write_status,
)
from kube_actors.controllers.workloads.deployment import rollout
from kube_actors.controllers.workloads.deployment import status as statuses
from kube_actors.controllers.workloads.deployment.new_replicaset import make_new, revision_effects
from kube_actors.controllers.workloads.deployment.replicasets import RevisionRecord, revision_record
from kube_actors.controllers.workloads.deployment.scaling import (
    resize,
    scale_changed,
    scale_effects,
)
from kube_actors.controllers.workloads.deployment.situation import Situation, survey


@frozen
class DeploymentState:
    """A Deployment, the ReplicaSets it controls, and those nobody controls in its namespace."""

    deployment: Object
    owned: Sequence[RevisionRecord] = ()
    orphans: Sequence[RevisionRecord] = ()


def gather(view: View, key: str) -> DeploymentState | None:
    """Collect a Deployment and the ReplicaSets that are or may become its own."""
    deployment = workload(view, "deployments", key)
    if deployment is None:
        return None
    return DeploymentState(
        deployment,
        tuple(view.indexed("replicasets", "owner_uid", deployment["metadata"]["uid"])),
        tuple(view.indexed("replicasets", "orphan", split_key(key)[0])),
    )


def _selector(deployment: Object) -> LabelSelector | None:
    return workload_selector((deployment.get("spec") or {}).get("selector"))


def reconcile(state: DeploymentState, round_: Round) -> tuple[Effect, ...]:
    """Take the next step of a Deployment and write its status."""
    deployment = state.deployment
    selector = _selector(deployment)
    if selector is None:
        return ()
    if deployment["metadata"].get("deletionTimestamp"):
        situation = survey(deployment, state.owned)
        return write_status(deployment, _plain(situation, round_))
    claims = _claims(state, selector, round_)
    if claims:
        return claims
    situation = survey(deployment, state.owned)
    paused = statuses.paused_condition(deployment, round_)
    if paused is not None:
        status = dict(deployment.get("status") or {})
        status["conditions"] = statuses.put_condition(status.get("conditions") or (), paused)
        return write_status(deployment, status)
    if deployment["spec"].get("paused") or scale_changed(situation):
        return _follow_scale(situation, round_)
    if situation.plan.rolling:
        return _roll(situation, round_)
    return _recreate(situation, round_)


def _claims(state: DeploymentState, selector: LabelSelector, round_: Round) -> tuple[Effect, ...]:
    owner = reference_to(state.deployment)
    adoptable = [
        orphan
        for orphan in state.orphans
        if not orphan.deleting and selector.matches(orphan.labels)
    ]
    claims: list[Effect] = []
    if adoptable:
        question = Look("Deployment", owner.namespace, owner.name)
        if not round_.asked(question):
            return (question,)
        if may_adopt(round_.answers[question], owner.uid):
            claims += [adoption("ReplicaSet", orphan, owner) for orphan in adoptable]
    claims += [
        release("ReplicaSet", replicaset, owner.uid)
        for replicaset in state.owned
        if not selector.matches(replicaset.labels)
    ]
    return tuple(claims)


def _plain(situation: Situation, round_: Round) -> dict[str, Any]:
    return statuses.base_status(situation.deployment, situation.new, situation.everything, round_)


def _write_rollout(situation: Situation, round_: Round) -> tuple[Effect, ...]:
    status = statuses.rollout_status(
        situation.deployment, situation.new, situation.everything, round_
    )
    after_s = statuses.recheck_after_s(situation.deployment, status, round_)
    later = () if after_s is None else (RequeueAfter(after_s),)
    return (*write_status(situation.deployment, status), *later)


def _follow_scale(situation: Situation, round_: Round) -> tuple[Effect, ...]:
    """Bring the present sets to a changed scale without rolling anything."""
    effects = [
        *revision_effects(situation, round_),
        *scale_effects(situation),
    ]
    if effects:
        return tuple(effects)
    status = write_status(situation.deployment, _plain(situation, round_))
    return (*_clean_up(situation), *status)


def _roll(situation: Situation, round_: Round) -> tuple[Effect, ...]:
    new = situation.new
    if new is None:
        return make_new(situation, round_)
    numbered = revision_effects(situation, round_)
    if numbered:
        return tuple(numbered)
    old_sizes = [one.size for one in situation.old]
    status = _write_rollout(situation, round_)
    wanted = rollout.new_size(situation.plan, new.size, old_sizes)
    if wanted != new.replicas:
        return (*resize(situation, new, wanted), *status)
    smaller = rollout.scale_down_old(situation.plan, new.size, old_sizes)
    if smaller:
        shrink = [
            effect
            for one in situation.old
            if one.name in smaller
            for effect in resize(situation, one, smaller[one.name])
        ]
        return (*shrink, *status)
    return (*_clean_up(situation), *status)


def _recreate(situation: Situation, round_: Round) -> tuple[Effect, ...]:
    """Stop every old pod, wait until none is left, then start the new ones."""
    status = _write_rollout(situation, round_)
    shrink = [
        effect for one in situation.old if one.replicas > 0 for effect in resize(situation, one, 0)
    ]
    if shrink:
        return (*shrink, *status)
    if any(_has_pods(one) for one in situation.old):
        return status
    if situation.new is None:
        return make_new(situation, round_)
    numbered = revision_effects(situation, round_)
    if numbered:
        return tuple(numbered)
    if situation.new.replicas != situation.plan.replicas:
        return (*resize(situation, situation.new, situation.plan.replicas), *status)
    return (*_clean_up(situation), *status)


def _has_pods(replicaset: RevisionRecord) -> bool:
    """Tell whether pods are left, terminating ones too; not yet observed means yes."""
    terminating = int(replicaset.status.get("terminatingReplicas", 0))
    return not replicaset.observed or replicaset.actual > 0 or terminating > 0


def _clean_up(situation: Situation) -> tuple[Effect, ...]:
    """Delete the oldest empty ReplicaSets beyond the history limit."""
    limit = situation.deployment["spec"].get("revisionHistoryLimit", 10)
    alive = [one for one in situation.old if not one.deleting]
    surplus = len(alive) - limit
    if surplus <= 0:
        return ()
    ordered = sorted(alive, key=lambda one: (one.revision, one.created_s, one.name))
    return tuple(
        Delete("ReplicaSet", one.namespace, one.name, one.uid)
        for one in ordered[:surplus]
        if one.replicas == 0 and one.actual == 0 and one.observed
    )


def _selector_in(record: Whole) -> LabelSelector | None:
    return _selector(record.object())


def _orphan(replicaset: RevisionRecord) -> tuple[str, ...]:
    return () if replicaset.owner_uid or replicaset.deleting else (replicaset.namespace,)


DEPLOYMENT: Controller[DeploymentState] = Controller(
    name="deployment",
    watches=(
        Watch(
            "deployments",
            whole,
            own_key,
            {**BY_UID, "namespace": attribute_index("namespace")},
        ),
        Watch(
            "replicasets",
            revision_record,
            claimant_keys("deployments", _selector_in),
            {**BY_OWNER, "orphan": _orphan},
        ),
    ),
    gather=gather,
    reconcile=reconcile,
    idle_without="deployments",
    workers=5,
)
