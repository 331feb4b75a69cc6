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
    Create,
    Delete,
    Effect,
    Emit,
    Look,
    Patch,
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
    find_condition,
    may_adopt,
    release,
    template_digest,
    workload,
    workload_selector,
    write_status,
)
from kube_actors.controllers.workloads.deployment import replicasets as revisions
from kube_actors.controllers.workloads.deployment import rollout
from kube_actors.controllers.workloads.deployment import status as statuses
from kube_actors.controllers.workloads.deployment.replicasets import RevisionRecord, revision_record
from kube_actors.controllers.workloads.deployment.rollout import Strategy


@frozen
class DeploymentState:
    """A Deployment, the ReplicaSets it controls, and those nobody controls in its namespace."""

    deployment: Object
    owned: Sequence[RevisionRecord] = ()
    orphans: Sequence[RevisionRecord] = ()


@frozen
class Situation:
    """The ReplicaSets sorted by what they are: the present template's, and older ones."""

    deployment: Object
    plan: Strategy
    digest: str
    new: RevisionRecord | None
    old: tuple[RevisionRecord, ...]

    @property
    def everything(self) -> tuple[RevisionRecord, ...]:
        return self.old if self.new is None else (*self.old, self.new)

    @property
    def collisions(self) -> int:
        return int((self.deployment.get("status") or {}).get("collisionCount", 0))


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


def survey(deployment: Object, owned: Sequence[RevisionRecord]) -> Situation:
    """Find the ReplicaSet of the present template (the oldest of several) among those owned."""
    digest = template_digest(deployment["spec"]["template"])
    ordered = sorted(owned, key=lambda replicaset: (replicaset.created_s, replicaset.name))
    new = next((replicaset for replicaset in ordered if replicaset.template == digest), None)
    old = tuple(replicaset for replicaset in ordered if replicaset is not new)
    return Situation(deployment, rollout.strategy_of(deployment["spec"]), digest, new, old)


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
    if deployment["spec"].get("paused") or _scale_changed(situation):
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


def _scale_changed(situation: Situation) -> bool:
    wanted = str(situation.plan.replicas)
    return any(
        replicaset.replicas > 0
        and replicaset.annotations.get(revisions.DESIRED_REPLICAS, wanted) != wanted
        for replicaset in situation.everything
    )


def _resize(situation: Situation, replicaset: RevisionRecord, replicas: int) -> tuple[Effect, ...]:
    """Ask for another size of a ReplicaSet and say so; nothing if it is that size already."""
    annotations = revisions.scale_annotations(situation.plan)
    same = all(replicaset.annotations.get(key) == text for key, text in annotations.items())
    if replicaset.replicas == replicas and same:
        return ()
    body: dict[str, Any] = {"metadata": {**replicaset.guard, "annotations": annotations}}
    if replicaset.replicas == replicas:
        return (Patch("ReplicaSet", replicaset.namespace, replicaset.name, body),)
    body["spec"] = {"replicas": replicas}
    patch = Patch("ReplicaSet", replicaset.namespace, replicaset.name, body)
    return (patch, _scaled(situation, replicaset.name, replicaset.replicas, replicas))


def _scaled(situation: Situation, name: str, before: int, after: int) -> Emit:
    direction = "up" if after > before else "down"
    text = f"Scaled {direction} replica set {name} from {before} to {after}"
    return Emit(reference_to(situation.deployment), "ScalingReplicaSet", text)


def _follow_scale(situation: Situation, round_: Round) -> tuple[Effect, ...]:
    """Bring the present sets to a changed scale without rolling anything."""
    effects = [
        *_revision_effects(situation, round_),
        *_scale_effects(situation),
    ]
    if effects:
        return tuple(effects)
    status = write_status(situation.deployment, _plain(situation, round_))
    return (*_clean_up(situation), *status)


def _scale_effects(situation: Situation) -> list[Effect]:
    plan, new = situation.plan, situation.new
    active = [replicaset for replicaset in situation.everything if replicaset.replicas > 0]
    if len(active) <= 1:
        only = (
            active[0]
            if active
            else new
            or max(situation.old, key=lambda replicaset: replicaset.created_s, default=None)
        )
        return [] if only is None else list(_resize(situation, only, plan.replicas))
    if (new is not None and _saturated(new, plan)) or not plan.rolling:
        sizes = {replicaset.name: 0 for replicaset in active if replicaset is not new}
    else:
        reported = int((situation.deployment.get("status") or {}).get("replicas", 0))
        sizes = rollout.proportional(plan, [one.size for one in active], reported)
    return [
        effect
        for replicaset in active
        if replicaset.name in sizes
        for effect in _resize(situation, replicaset, sizes[replicaset.name])
    ]


def _saturated(new: RevisionRecord, plan: Strategy) -> bool:
    desired = new.annotations.get(revisions.DESIRED_REPLICAS)
    return new.replicas == plan.replicas == new.available and desired == str(plan.replicas)


def _revision_effects(situation: Situation, round_: Round) -> list[Effect]:
    """Give the new ReplicaSet its number and annotations, and the Deployment that number."""
    new, deployment = situation.new, situation.deployment
    if new is None:
        return []
    number = revisions.next_revision(situation.old)
    wanted = revisions.wanted_annotations(deployment, new.annotations, number)
    min_ready_s = deployment["spec"].get("minReadySeconds", 0)
    if wanted != new.annotations or new.min_ready_s != min_ready_s:
        body: dict[str, Any] = {"metadata": {**new.guard, "annotations": wanted}}
        if new.min_ready_s != min_ready_s:
            body["spec"] = {"minReadySeconds": min_ready_s}
        return [Patch("ReplicaSet", new.namespace, new.name, body)]
    effects: list[Effect] = []
    status = dict(deployment.get("status") or {})
    known = find_condition(status.get("conditions"), "Progressing")
    if statuses.has_deadline(deployment) and known is None:
        found = ("True", "FoundNewReplicaSet", f'Found new replica set "{new.name}"')
        status["conditions"] = statuses.put_condition(
            status.get("conditions") or (), statuses.condition("Progressing", *found, round_)
        )
        effects += write_status(deployment, status)
    return effects + _number_deployment(deployment, new.revision)


def _number_deployment(deployment: Object, number: int) -> list[Effect]:
    meta = deployment["metadata"]
    if (meta.get("annotations") or {}).get(revisions.REVISION) == str(number):
        return []
    body = {"metadata": {"uid": meta["uid"], "annotations": {revisions.REVISION: str(number)}}}
    # Through the status, because an annotation changed elsewhere makes a new generation.
    where = (meta["namespace"], meta["name"])
    return [Patch("Deployment", *where, body, subresource="status")]


def _make_new(situation: Situation, round_: Round) -> tuple[Effect, ...]:
    """Create the ReplicaSet of the present template, as large as may be now."""
    deployment, plan = situation.deployment, situation.plan
    number = revisions.next_revision(situation.old)
    replicas = rollout.new_size(plan, None, [one.size for one in situation.old])
    replicaset = revisions.new_replicaset(
        deployment, situation.digest, situation.collisions, number, replicas, plan
    )
    name = replicaset["metadata"]["name"]
    status = dict(deployment.get("status") or {})
    failure = round_.failure
    failed = failure is not None and failure.verb == "create" and failure.kind == "ReplicaSet"
    taken = any(one.name == name for one in situation.old)
    if taken or (failed and failure is not None and failure.reason == "AlreadyExists"):
        status["collisionCount"] = situation.collisions + 1
        return write_status(deployment, status)
    if statuses.has_deadline(deployment):
        said = ("True", "NewReplicaSetCreated", f'Created new replica set "{name}"')
        progress = statuses.condition("Progressing", *said, round_)
        if failed and failure is not None:
            progress = statuses.creation_failure(deployment, name, failure, round_)
        conditions = status.get("conditions") or ()
        status["conditions"] = statuses.put_condition(conditions, progress)
    written = write_status(deployment, status)
    create = Create(replicaset)
    if failed:
        # The status must tell of the failure even if creating fails for ever.
        return (*written, create)
    scaled = (_scaled(situation, name, 0, replicas),) if replicas else ()
    return (create, *scaled, *written, *_number_deployment(deployment, number))


def _roll(situation: Situation, round_: Round) -> tuple[Effect, ...]:
    new = situation.new
    if new is None:
        return _make_new(situation, round_)
    numbered = _revision_effects(situation, round_)
    if numbered:
        return tuple(numbered)
    old_sizes = [one.size for one in situation.old]
    status = _write_rollout(situation, round_)
    wanted = rollout.new_size(situation.plan, new.size, old_sizes)
    if wanted != new.replicas:
        return (*_resize(situation, new, wanted), *status)
    smaller = rollout.scale_down_old(situation.plan, new.size, old_sizes)
    if smaller:
        shrink = [
            effect
            for one in situation.old
            if one.name in smaller
            for effect in _resize(situation, one, smaller[one.name])
        ]
        return (*shrink, *status)
    return (*_clean_up(situation), *status)


def _recreate(situation: Situation, round_: Round) -> tuple[Effect, ...]:
    """Stop every old pod, wait until none is left, then start the new ones."""
    status = _write_rollout(situation, round_)
    shrink = [
        effect for one in situation.old if one.replicas > 0 for effect in _resize(situation, one, 0)
    ]
    if shrink:
        return (*shrink, *status)
    if any(_has_pods(one) for one in situation.old):
        return status
    if situation.new is None:
        return _make_new(situation, round_)
    numbered = _revision_effects(situation, round_)
    if numbered:
        return tuple(numbered)
    if situation.new.replicas != situation.plan.replicas:
        return (*_resize(situation, situation.new, situation.plan.replicas), *status)
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
