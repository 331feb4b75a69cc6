"""What a Job's status says: counts, suspension, completed indexes, and its end.

The end is announced first (``FailureTarget``, ``SuccessCriteriaMet``); the final condition waits
until no pod is left running. Reasons and messages are Kubernetes' (pkg/controller/job).
"""

from typing import Any

from kube_actors.controllers.loop import Effect, Emit, Round, reference_to
from kube_actors.controllers.objects import drop_condition, is_true
from kube_actors.controllers.workloads.job.counting import Count, JobState, is_indexed


def _condition(type_: str, status: str, reason: str, message: str, round_: Round) -> Any:
    return {
        "type": type_,
        "status": status,
        "lastProbeTime": round_.timestamp,
        "lastTransitionTime": round_.timestamp,
        "reason": reason,
        "message": message,
    }


def job_status(
    state: JobState, now: Count, round_: Round
) -> tuple[dict[str, Any], tuple[Effect, ...]]:
    """Give the status of this round, and the events that tell what has changed in it."""
    job, spec = state.job, state.job["spec"]
    old = job.get("status") or {}
    status = dict(old)
    conditions = list(old.get("conditions") or ())
    events: list[Effect] = []
    suspended = bool(spec.get("suspend"))
    if suspended != is_true(conditions, "Suspended") and now.ending is None:
        word = ("JobSuspended", "Job suspended") if suspended else ("JobResumed", "Job resumed")
        reason, text = word
        truth = "True" if suspended else "False"
        conditions = drop_condition(conditions, "Suspended")
        conditions.append(_condition("Suspended", truth, reason, text, round_))
        events.append(Emit(reference_to(job), reason.removeprefix("Job"), text))
        status.pop("startTime", None)
    if not suspended and not status.get("startTime"):
        status["startTime"] = round_.timestamp
    active = now.active if now.ending is None else ()
    numbers = {
        "active": len(active),
        "ready": sum(1 for pod in active if pod.ready),
        "terminating": now.terminating + (len(now.active) - len(active)),
        "succeeded": now.succeeded,
        "failed": now.failed,
    }
    for member, number in numbers.items():
        if number or member in ("ready", "terminating"):
            status[member] = number
        else:
            status.pop(member, None)
    status["uncountedTerminatedPods"] = {}
    if is_indexed(spec):
        status["completedIndexes"] = _completed(state, old.get("completedIndexes", ""))
    if now.ending is not None:
        conditions = _with_ending(conditions, now, round_)
        if is_true(conditions, "Complete"):
            status["completionTime"] = round_.timestamp
            events.append(Emit(reference_to(job), "Completed", "Job completed"))
        elif is_true(conditions, "Failed"):
            events.append(Emit(reference_to(job), now.ending[1], now.ending[2], "Warning"))
    if conditions:
        status["conditions"] = conditions
    return status, tuple(events)


def _with_ending(conditions: list[Any], now: Count, round_: Round) -> list[Any]:
    """Announce the end first; the final condition waits until no pod is left running."""
    assert now.ending is not None
    final, reason, message = now.ending
    target = "SuccessCriteriaMet" if final == "Complete" else "FailureTarget"
    if not is_true(conditions, target):
        conditions = [*conditions, _condition(target, "True", reason, message, round_)]
    if not now.active and not now.terminating:
        conditions = [*conditions, _condition(final, "True", reason, message, round_)]
    return conditions


def _completed(state: JobState, before: str) -> str:
    """Write the completed indexes as Kubernetes does: ``1,3-5``."""
    done = {pod.index for pod in state.pods if pod.phase == "Succeeded" and pod.index is not None}
    for part in before.split(",") if before else ():
        first, _, last = part.partition("-")
        done |= set(range(int(first), int(last or first) + 1))
    parts: list[list[int]] = []
    for index in sorted(done):
        if parts and parts[-1][1] == index - 1:
            parts[-1][1] = index
        else:
            parts.append([index, index])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in parts)
