"""Runs a Job's pods until enough have succeeded or too many have failed.

Pods are counted while they exist, and the counts in the status never go down, so a pod that is
cleaned up after it ended stays counted. A failed pod is replaced after a delay that doubles from
ten seconds to six minutes. When the Job ends, for good or bad, the pods still active are deleted
first and the condition is written when none is left. Indexed Jobs give each index to one pod.
"""

from collections.abc import Sequence
from typing import Any

from attrs import frozen

from kube_actors.api import Object
from kube_actors.controllers.loop import (
    Controller,
    Delete,
    Effect,
    Emit,
    Record,
    RequeueAfter,
    Round,
    View,
    Watch,
    controller_uid,
    identity,
    own_key,
    reference_to,
    seconds,
    whole,
)
from kube_actors.controllers.objects import (
    BY_OWNER,
    BY_UID,
    FINISHED_PHASES,
    drop_condition,
    find_condition,
    is_true,
    owner_keys,
    pod_from,
    ready_since_s,
    safe_suffix,
    suffixed,
    workload,
    write_status,
)
from kube_actors.controllers.workloads.pod_changes import create_pods, delete_pods

BACKOFF_FIRST_S = 10.0
BACKOFF_MAX_S = 360.0
INDEX = "batch.kubernetes.io/job-completion-index"


@frozen
class JobPod(Record):
    """One pod of a Job; ``ended_s`` is when its last container stopped."""

    owner_uid: str
    phase: str
    ready: bool
    deleting: bool
    index: int | None
    ended_s: float | None

    @property
    def active(self) -> bool:
        return not self.deleting and self.phase not in FINISHED_PHASES

    @property
    def terminating(self) -> bool:
        return self.deleting and self.phase not in FINISHED_PHASES

    @property
    def failed(self) -> bool:
        return self.phase == "Failed" or (self.deleting and self.phase != "Succeeded")


@frozen
class JobState:
    job: Object
    pods: Sequence[JobPod]


@frozen
class Count:
    """``ending`` is (type, reason, message) once the Job's fate is known."""

    active: tuple[JobPod, ...]
    terminating: int
    succeeded: int
    failed: int
    ending: tuple[str, str, str] | None


def job_pod(obj: Object) -> JobPod:
    """Keep what counting a Job's pods needs."""
    meta, status = obj["metadata"], obj.get("status") or {}
    index = (meta.get("annotations") or {}).get(INDEX, "")
    ended = [
        seconds(((one.get("state") or {}).get("terminated") or {}).get("finishedAt"))
        for one in status.get("containerStatuses") or ()
    ]
    return JobPod(
        *identity(obj),
        owner_uid=controller_uid(obj),
        phase=status.get("phase", ""),
        ready=ready_since_s(obj) is not None,
        deleting=bool(meta.get("deletionTimestamp")),
        index=int(index) if index.isdigit() else None,
        ended_s=max((time for time in ended if time is not None), default=None),
    )


def is_finished(job: Object) -> bool:
    """Tell whether a Job has ended."""
    conditions = (job.get("status") or {}).get("conditions")
    return is_true(conditions, "Complete") or is_true(conditions, "Failed")


def count(state: JobState, now_s: float) -> Count:
    """Count pods and judge whether the Job has come to an end."""
    spec, status = state.job["spec"], state.job.get("status") or {}
    active = tuple(pod for pod in state.pods if pod.active)
    terminating = sum(1 for pod in state.pods if pod.terminating)
    done = [pod for pod in state.pods if pod.phase == "Succeeded"]
    if _indexed(spec):
        succeeded = len({pod.index for pod in done if pod.index is not None})
    else:
        succeeded = len(done)
    succeeded = max(succeeded, status.get("succeeded", 0))
    failed = sum(1 for pod in state.pods if pod.failed and not spec.get("suspend"))
    failed = max(failed, status.get("failed", 0))
    return Count(
        active, terminating, succeeded, failed, _ending(state, succeeded, failed, active, now_s)
    )


def _indexed(spec: Any) -> bool:
    return bool(spec.get("completionMode") == "Indexed")


def _ending(
    state: JobState, succeeded: int, failed: int, active: Sequence[JobPod], now_s: float
) -> tuple[str, str, str] | None:
    spec, status = state.job["spec"], state.job.get("status") or {}
    for type_, final in (("FailureTarget", "Failed"), ("SuccessCriteriaMet", "Complete")):
        known = find_condition(status.get("conditions"), type_)
        if known is not None and known.get("status") == "True":
            return (final, known.get("reason", ""), known.get("message", ""))
    if failed > spec.get("backoffLimit", 6):
        text = "Job has reached the specified backoff limit"
        return ("Failed", "BackoffLimitExceeded", text)
    deadline, started_s = spec.get("activeDeadlineSeconds"), seconds(status.get("startTime"))
    limited = deadline is not None and started_s is not None and not spec.get("suspend")
    if limited and now_s - (started_s or 0.0) >= deadline:
        text = "Job was active longer than specified deadline"
        return ("Failed", "DeadlineExceeded", text)
    completions = spec.get("completions")
    text = "Reached expected number of succeeded pods"
    all_done = succeeded > 0 and not active
    reached = all_done if completions is None else succeeded >= completions
    return ("Complete", "CompletionsReached", text) if reached else None


def reconcile(state: JobState, round_: Round) -> tuple[Effect, ...]:
    """Take a Job's next step: start it, add or remove pods, end it, clean it up."""
    job, spec = state.job, state.job["spec"]
    if is_finished(job):
        return _clean_up(job, round_)
    if job["metadata"].get("deletionTimestamp"):
        return ()
    now = count(state, round_.now_s)
    changes, later_s = _pod_effects(state, now, round_)
    status, events = _status(state, now, round_)
    effects: list[Effect] = [*write_status(job, status)]
    deadline, started_s = spec.get("activeDeadlineSeconds"), seconds(status.get("startTime"))
    if deadline is not None and started_s is not None and now.ending is None:
        effects.append(RequeueAfter(max(0.0, started_s + deadline - round_.now_s)))
    if later_s is not None:
        effects.append(RequeueAfter(later_s))
    return (*effects, *events, *changes)


def _clean_up(job: Object, round_: Round) -> tuple[Effect, ...]:
    ttl_s = job["spec"].get("ttlSecondsAfterFinished")
    if ttl_s is None or job["metadata"].get("deletionTimestamp"):
        return ()
    conditions = (job.get("status") or {}).get("conditions")
    final = find_condition(conditions, "Complete") or find_condition(conditions, "Failed") or {}
    ended_s = seconds(final.get("lastTransitionTime")) or round_.now_s
    left_s = ended_s + ttl_s - round_.now_s
    if left_s > 0:
        return (RequeueAfter(left_s),)
    meta = job["metadata"]
    return (Delete("Job", meta["namespace"], meta["name"], meta["uid"], "Foreground"),)


def _pod_effects(
    state: JobState, now: Count, round_: Round
) -> tuple[tuple[Effect, ...], float | None]:
    """Give the pods to add or remove, and how long to wait before failed ones are replaced."""
    spec = state.job["spec"]
    parallelism = spec.get("parallelism", 1)
    if now.ending is not None or spec.get("suspend"):
        return delete_pods(reference_to(state.job), now.active), None
    wanted = parallelism
    completions = spec.get("completions")
    if completions is not None:
        wanted = min(parallelism, completions - now.succeeded)
    elif now.succeeded:
        wanted = len(now.active)
    surplus = len(now.active) - wanted
    if surplus > 0:
        ordered = sorted(now.active, key=lambda pod: (pod.ready, pod.name))
        return delete_pods(reference_to(state.job), ordered[:surplus]), None
    # A pod that is still terminating after it failed is replaced only when it is gone.
    missing = -surplus
    if missing == 0:
        return (), None
    wait_s = _backoff_s(state, now, round_.now_s)
    if wait_s > 0:
        return (), wait_s
    return _create(state, missing), None


def _backoff_s(state: JobState, now: Count, now_s: float) -> float:
    ended = [pod.ended_s for pod in state.pods if pod.failed and pod.ended_s is not None]
    if not ended or now.failed == 0:
        return 0.0
    delay_s = min(BACKOFF_FIRST_S * 2 ** min(now.failed - 1, 10), BACKOFF_MAX_S)
    return float(max(0.0, max(ended) + delay_s - now_s))


def _create(state: JobState, missing: int) -> tuple[Effect, ...]:
    job, owner = state.job, reference_to(state.job)
    template = job["spec"]["template"]
    seen = ",".join(sorted(pod.uid for pod in state.pods))
    indexes = _free_indexes(state, missing) if _indexed(job["spec"]) else [None] * missing
    pods = []
    for place, index in enumerate(indexes):
        suffix = safe_suffix(f"{owner.uid}/{seen}/{place}", 5)
        base = owner.name if index is None else f"{owner.name}-{index}"
        notes = {} if index is None else {INDEX: str(index)}
        pod = pod_from(
            template,
            owner,
            suffixed(base, suffix),
            generate_name=f"{base}-",
            labels=notes,
            annotations=notes,
            spec={} if index is None else _with_index(template, owner.name, index),
        )
        pods.append(pod)
    return create_pods(owner, pods)


def _with_index(template: Any, job: str, index: int) -> dict[str, Any]:
    """Tell each container its index and give the pod its stable hostname."""
    spec = template.get("spec") or {}
    variable = {"name": "JOB_COMPLETION_INDEX", "value": str(index)}
    result: dict[str, Any] = {"hostname": f"{job}-{index}"[:63]}
    for member in ("initContainers", "containers"):
        if spec.get(member):
            result[member] = [
                {**one, "env": [*(one.get("env") or ()), variable]} for one in spec[member]
            ]
    return result


def _free_indexes(state: JobState, missing: int) -> list[int | None]:
    taken = {
        pod.index
        for pod in state.pods
        if pod.index is not None and (pod.active or pod.deleting or pod.phase == "Succeeded")
    }
    completions = state.job["spec"].get("completions", 0)
    free: list[int | None] = [index for index in range(completions) if index not in taken]
    return free[:missing]


def _condition(type_: str, status: str, reason: str, message: str, round_: Round) -> Any:
    return {
        "type": type_,
        "status": status,
        "lastProbeTime": round_.timestamp,
        "lastTransitionTime": round_.timestamp,
        "reason": reason,
        "message": message,
    }


def _status(
    state: JobState, now: Count, round_: Round
) -> tuple[dict[str, Any], tuple[Effect, ...]]:
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
    if _indexed(spec):
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


def gather(view: View, key: str) -> JobState | None:
    """Collect a Job and its pods."""
    job = workload(view, "jobs", key)
    if job is None:
        return None
    return JobState(job, view.indexed("pods", "owner_uid", job["metadata"]["uid"]))


JOB: Controller[JobState] = Controller(
    name="job",
    watches=(
        Watch("jobs", whole, own_key, BY_UID),
        Watch("pods", job_pod, owner_keys("jobs"), BY_OWNER),
    ),
    gather=gather,
    reconcile=reconcile,
    idle_without="jobs",
    interval_s=0.05,
)
