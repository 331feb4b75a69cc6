"""The ReplicaSet of a Deployment's present template: makes it, numbers it, keeps its annotations.

A name that another template has already is a collision of hashes: the Deployment counts it in its
status, and the next round makes another name.
"""

from typing import Any

from kube_actors.api import Object
from kube_actors.controllers.loop import Create, Effect, Patch, Round
from kube_actors.controllers.objects import find_condition, write_status
from kube_actors.controllers.workloads.deployment import replicasets, rollout
from kube_actors.controllers.workloads.deployment import status as statuses
from kube_actors.controllers.workloads.deployment.scaling import scaled_event
from kube_actors.controllers.workloads.deployment.situation import Situation


def revision_effects(situation: Situation, round_: Round) -> list[Effect]:
    """Give the new ReplicaSet its number and annotations, and the Deployment that number."""
    new, deployment = situation.new, situation.deployment
    if new is None:
        return []
    number = replicasets.next_revision(situation.old)
    wanted = replicasets.wanted_annotations(deployment, new.annotations, number)
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
    if (meta.get("annotations") or {}).get(replicasets.REVISION) == str(number):
        return []
    body = {"metadata": {"uid": meta["uid"], "annotations": {replicasets.REVISION: str(number)}}}
    # Through the status, because an annotation changed elsewhere makes a new generation.
    where = (meta["namespace"], meta["name"])
    return [Patch("Deployment", *where, body, subresource="status")]


def make_new(situation: Situation, round_: Round) -> tuple[Effect, ...]:
    """Create the ReplicaSet of the present template, as large as may be now."""
    deployment, plan = situation.deployment, situation.plan
    number = replicasets.next_revision(situation.old)
    replicas = rollout.new_size(plan, None, [one.size for one in situation.old])
    replicaset = replicasets.new_replicaset(
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
    scaled = (scaled_event(situation, name, 0, replicas),) if replicas else ()
    return (create, *scaled, *written, *_number_deployment(deployment, number))
