"""Runs a Job's pods until enough have succeeded or too many have failed.

When the Job ends, for good or bad, the pods still active are deleted first and the final condition
is written when none is left. A finished Job goes ``ttlSecondsAfterFinished`` later, if it has that.
"""

from kube_actors.api import Object
from kube_actors.controllers.loop import (
    Controller,
    Delete,
    Effect,
    RequeueAfter,
    Round,
    View,
    Watch,
    own_key,
    seconds,
    whole,
)
from kube_actors.controllers.objects import (
    BY_OWNER,
    BY_UID,
    find_condition,
    is_true,
    owner_keys,
    workload,
    write_status,
)
from kube_actors.controllers.workloads.job.counting import JobState, count, job_pod
from kube_actors.controllers.workloads.job.pods import pod_effects
from kube_actors.controllers.workloads.job.status import job_status


def is_finished(job: Object) -> bool:
    """Tell whether a Job has ended."""
    conditions = (job.get("status") or {}).get("conditions")
    return is_true(conditions, "Complete") or is_true(conditions, "Failed")


def reconcile(state: JobState, round_: Round) -> tuple[Effect, ...]:
    """Take a Job's next step: start it, add or remove pods, end it, clean it up."""
    job, spec = state.job, state.job["spec"]
    if is_finished(job):
        return _clean_up(job, round_)
    if job["metadata"].get("deletionTimestamp"):
        return ()
    now = count(state, round_.now_s)
    changes, later_s = pod_effects(state, now, round_)
    status, events = job_status(state, now, round_)
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
