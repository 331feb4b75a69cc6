"""Asks for other sizes of a Deployment's ReplicaSets, and says so in events.

A change of the Deployment's scale is spread over the sets there are, without rolling anything. Each
set remembers in annotations for what scale it was sized; that tells a change from a rollout.
"""

from typing import Any

from kube_actors.controllers.loop import Effect, Emit, Patch, reference_to
from kube_actors.controllers.workloads.deployment import replicasets, rollout
from kube_actors.controllers.workloads.deployment.replicasets import RevisionRecord
from kube_actors.controllers.workloads.deployment.rollout import Strategy
from kube_actors.controllers.workloads.deployment.situation import Situation


def scale_changed(situation: Situation) -> bool:
    """Tell whether a set that has replicas was sized for another scale than the present one."""
    wanted = str(situation.plan.replicas)
    return any(
        replicaset.replicas > 0
        and replicaset.annotations.get(replicasets.DESIRED_REPLICAS, wanted) != wanted
        for replicaset in situation.everything
    )


def resize(situation: Situation, replicaset: RevisionRecord, replicas: int) -> tuple[Effect, ...]:
    """Ask for another size of a ReplicaSet and say so; nothing if it is that size already."""
    annotations = replicasets.scale_annotations(situation.plan)
    same = all(replicaset.annotations.get(key) == text for key, text in annotations.items())
    if replicaset.replicas == replicas and same:
        return ()
    body: dict[str, Any] = {"metadata": {**replicaset.guard, "annotations": annotations}}
    if replicaset.replicas == replicas:
        return (Patch("ReplicaSet", replicaset.namespace, replicaset.name, body),)
    body["spec"] = {"replicas": replicas}
    patch = Patch("ReplicaSet", replicaset.namespace, replicaset.name, body)
    return (patch, scaled_event(situation, replicaset.name, replicaset.replicas, replicas))


def scaled_event(situation: Situation, name: str, before: int, after: int) -> Emit:
    """Say that a set was asked for another size (reason ``ScalingReplicaSet``)."""
    direction = "up" if after > before else "down"
    text = f"Scaled {direction} replica set {name} from {before} to {after}"
    return Emit(reference_to(situation.deployment), "ScalingReplicaSet", text)


def scale_effects(situation: Situation) -> list[Effect]:
    """Spread the present scale over the sets: one takes it all, several by their share."""
    plan, new = situation.plan, situation.new
    active = [replicaset for replicaset in situation.everything if replicaset.replicas > 0]
    if len(active) <= 1:
        only = (
            active[0]
            if active
            else new
            or max(situation.old, key=lambda replicaset: replicaset.created_s, default=None)
        )
        return [] if only is None else list(resize(situation, only, plan.replicas))
    if (new is not None and _saturated(new, plan)) or not plan.rolling:
        sizes = {replicaset.name: 0 for replicaset in active if replicaset is not new}
    else:
        reported = int((situation.deployment.get("status") or {}).get("replicas", 0))
        sizes = rollout.proportional(plan, [one.size for one in active], reported)
    return [
        effect
        for replicaset in active
        if replicaset.name in sizes
        for effect in resize(situation, replicaset, sizes[replicaset.name])
    ]


def _saturated(new: RevisionRecord, plan: Strategy) -> bool:
    desired = new.annotations.get(replicasets.DESIRED_REPLICAS)
    return new.replicas == plan.replicas == new.available and desired == str(plan.replicas)
