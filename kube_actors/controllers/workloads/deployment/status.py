"""What a Deployment's status says: counts, availability, and whether its rollout progresses.

Reasons and messages are Kubernetes' (pkg/controller/deployment/progress.go). A rollout is complete
when every replica is updated and available and no old one is left; it has timed out when nothing
got better for ``progressDeadlineSeconds``. ``kubectl rollout status`` reads exactly these fields.
"""

from collections.abc import Sequence
from typing import Any

from kube_actors.api import Object
from kube_actors.controllers.loop import Failure, Round, seconds
from kube_actors.controllers.objects import Condition, drop_condition, find_condition
from kube_actors.controllers.workloads.deployment.replicasets import RevisionRecord
from kube_actors.controllers.workloads.deployment.rollout import strategy_of

NO_DEADLINE = 2**31 - 1
PROGRESS_MEMBERS = ("updatedReplicas", "readyReplicas", "availableReplicas")


def has_deadline(deployment: Object) -> bool:
    """Tell whether lack of progress is to be reported."""
    return bool(deployment["spec"].get("progressDeadlineSeconds", NO_DEADLINE) < NO_DEADLINE)


def condition(type_: str, status: str, reason: str, message: str, round_: Round) -> Condition:
    """Make a Deployment condition of this round."""
    return {
        "type": type_,
        "status": status,
        "lastUpdateTime": round_.timestamp,
        "lastTransitionTime": round_.timestamp,
        "reason": reason,
        "message": message,
    }


def put_condition(conditions: Sequence[Condition], new: Condition) -> list[Condition]:
    """Put ``new`` unless the same status and reason stand already; keep the transition time."""
    old = find_condition(conditions, new["type"])
    if old is not None and old["status"] == new["status"]:
        if old.get("reason") == new["reason"]:
            return list(conditions)
        new = {**new, "lastTransitionTime": old.get("lastTransitionTime")}
    return [*drop_condition(conditions, new["type"]), new]


def counts(
    deployment: Object, new: RevisionRecord | None, everything: Sequence[RevisionRecord]
) -> dict[str, Any]:
    """Give the counting part of the status."""
    available = sum(replicaset.available for replicaset in everything)
    wanted = sum(replicaset.replicas for replicaset in everything)

    def summed(member: str) -> int:
        return sum(int(replicaset.status.get(member, 0)) for replicaset in everything)

    numbers = {
        "replicas": summed("replicas"),
        "updatedReplicas": 0 if new is None else new.actual,
        "readyReplicas": summed("readyReplicas"),
        "availableReplicas": available,
        "unavailableReplicas": max(0, wanted - available),
    }
    result: dict[str, Any] = {name: number for name, number in numbers.items() if number}
    result["terminatingReplicas"] = summed("terminatingReplicas")
    result["observedGeneration"] = deployment["metadata"].get("generation", 0)
    collisions = (deployment.get("status") or {}).get("collisionCount")
    if collisions:
        result["collisionCount"] = collisions
    return result


def availability(deployment: Object, available: int, round_: Round) -> Condition:
    """Give the Available condition."""
    plan = strategy_of(deployment["spec"])
    if available >= plan.replicas - plan.max_unavailable:
        return condition(
            "Available",
            "True",
            "MinimumReplicasAvailable",
            "Deployment has minimum availability.",
            round_,
        )
    return condition(
        "Available",
        "False",
        "MinimumReplicasUnavailable",
        "Deployment does not have minimum availability.",
        round_,
    )


def is_complete(deployment: Object, status: dict[str, Any]) -> bool:
    """Tell whether every wanted replica is updated and available and no other is left."""
    replicas = deployment["spec"].get("replicas", 1)
    return all(
        status.get(member, 0) == replicas
        for member in ("replicas", "updatedReplicas", "availableReplicas")
    )


def _progressed(old: dict[str, Any], new: dict[str, Any]) -> bool:
    def outdated(status: dict[str, Any]) -> int:
        return int(status.get("replicas", 0)) - int(status.get("updatedReplicas", 0))

    if outdated(new) < outdated(old):
        return True
    return any(new.get(member, 0) > old.get(member, 0) for member in PROGRESS_MEMBERS)


def _timed_out(deployment: Object, progressing: Condition | None, now_s: float) -> bool:
    if progressing is None or progressing.get("reason") == "NewReplicaSetAvailable":
        return False
    if progressing.get("reason") == "ProgressDeadlineExceeded":
        return True
    since = seconds(progressing.get("lastUpdateTime")) or now_s
    return bool(since + deployment["spec"]["progressDeadlineSeconds"] < now_s)


def base_status(
    deployment: Object,
    new: RevisionRecord | None,
    everything: Sequence[RevisionRecord],
    round_: Round,
) -> dict[str, Any]:
    """Give counts and the Available condition; other conditions stay as they are."""
    status = counts(deployment, new, everything)
    old = (deployment.get("status") or {}).get("conditions") or ()
    available = availability(deployment, status.get("availableReplicas", 0), round_)
    status["conditions"] = put_condition(old, available)
    return status


def rollout_status(
    deployment: Object,
    new: RevisionRecord | None,
    everything: Sequence[RevisionRecord],
    round_: Round,
) -> dict[str, Any]:
    """Give the status during a rollout, with the Progressing and ReplicaFailure conditions."""
    status = base_status(deployment, new, everything, round_)
    old = deployment.get("status") or {}
    current = find_condition(old.get("conditions"), "Progressing")
    conditions: list[Condition] = status["conditions"]
    if not has_deadline(deployment):
        conditions = drop_condition(conditions, "Progressing")
    done_before = (
        status.get("replicas", 0) == status.get("updatedReplicas", 0)
        and current is not None
        and current.get("reason") == "NewReplicaSetAvailable"
    )
    if has_deadline(deployment) and not done_before:
        who = (
            f'Deployment "{deployment["metadata"]["name"]}"'
            if new is None
            else f'ReplicaSet "{new.name}"'
        )
        if is_complete(deployment, status):
            said = ("True", "NewReplicaSetAvailable", f"{who} has successfully progressed.")
            conditions = put_condition(conditions, condition("Progressing", *said, round_))
        elif _progressed(old, status):
            said = ("True", "ReplicaSetUpdated", f"{who} is progressing.")
            better = condition("Progressing", *said, round_)
            if current is not None and current.get("status") == "True":
                better["lastTransitionTime"] = current.get("lastTransitionTime")
            # The same reason again must still renew lastUpdateTime: the deadline counts from it.
            conditions = [*drop_condition(conditions, "Progressing"), better]
        elif _timed_out(deployment, current, round_.now_s):
            said = ("False", "ProgressDeadlineExceeded", f"{who} has timed out progressing.")
            conditions = put_condition(conditions, condition("Progressing", *said, round_))
    status["conditions"] = _with_replica_failure(conditions, new, everything)
    return status


def _with_replica_failure(
    conditions: list[Condition], new: RevisionRecord | None, everything: Sequence[RevisionRecord]
) -> list[Condition]:
    ordered = ([new] if new is not None else []) + list(everything)
    for replicaset in ordered:
        failure = find_condition(replicaset.status.get("conditions"), "ReplicaFailure")
        if failure is not None:
            moved = {**failure, "lastUpdateTime": failure.get("lastTransitionTime")}
            return put_condition(conditions, moved)
    return drop_condition(conditions, "ReplicaFailure")


def creation_failure(deployment: Object, name: str, failure: Failure, round_: Round) -> Condition:
    """Give the Progressing condition of a ReplicaSet that could not be created."""
    text = f'Failed to create new replica set "{name}": {failure.message}'
    return condition("Progressing", "False", "ReplicaSetCreateError", text, round_)


def recheck_after_s(deployment: Object, status: dict[str, Any], round_: Round) -> float | None:
    """Tell when to look again for a rollout that made no progress; None if there is no need."""
    progressing = find_condition(status.get("conditions"), "Progressing")
    if not has_deadline(deployment) or progressing is None:
        return None
    if is_complete(deployment, status) or progressing.get("reason") == "ProgressDeadlineExceeded":
        return None
    if deployment["spec"].get("paused"):
        return None
    since = seconds(progressing.get("lastUpdateTime")) or round_.now_s
    due = since + deployment["spec"]["progressDeadlineSeconds"]
    return float(max(0.0, due - round_.now_s) + 1.0)


def paused_condition(deployment: Object, round_: Round) -> Condition | None:
    """Give the condition that says paused or resumed, None when nothing changed."""
    if not has_deadline(deployment):
        return None
    current = find_condition((deployment.get("status") or {}).get("conditions"), "Progressing")
    reason = None if current is None else current.get("reason")
    if reason == "ProgressDeadlineExceeded":
        return None
    paused = bool(deployment["spec"].get("paused"))
    if paused and reason != "DeploymentPaused":
        said = ("Unknown", "DeploymentPaused", "Deployment is paused")
    elif not paused and reason == "DeploymentPaused":
        said = ("Unknown", "DeploymentResumed", "Deployment is resumed")
    else:
        return None
    return condition("Progressing", *said, round_)
