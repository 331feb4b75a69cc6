"""Makes a CronJob's Jobs when they are due.

A Job is named after the minute it was due, so a due time is served once whatever happens. Of times
missed while nobody looked only the latest is served, and only within ``startingDeadlineSeconds``.
``Forbid`` skips a time while a Job is running, ``Replace`` ends the running ones. Finished Jobs
beyond the history limits are deleted, oldest first.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from attrs import frozen

from kube_actors.api import Object
from kube_actors.controllers.loop import (
    Controller,
    Create,
    Delete,
    Effect,
    Emit,
    Record,
    Reference,
    RequeueAfter,
    Round,
    View,
    Watch,
    Whole,
    controller_uid,
    identity,
    own_key,
    reference_to,
    seconds,
    split_key,
    whole,
)
from kube_actors.controllers.objects import (
    BY_OWNER,
    BY_UID,
    controlled_by,
    is_true,
    owner_keys,
    write_status,
)
from kube_actors.controllers.workloads.cron_schedule import BadSchedule, Schedule, parse_schedule

SCHEDULED = "batch.kubernetes.io/cronjob-scheduled-timestamp"


@frozen
class CronChild(Record):
    """A Job of a CronJob; ``ended`` is "", Complete or Failed."""

    owner_uid: str
    ended: str
    created_s: float
    ended_at: str

    @property
    def reference(self) -> dict[str, str]:
        """The Job as an entry of the CronJob's ``status.active``."""
        return {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "namespace": self.namespace,
            "name": self.name,
            "uid": self.uid,
            "resourceVersion": str(self.resource_version),
        }


@frozen
class CronState:
    """A CronJob and every Job that it controls, ended ones too."""

    cronjob: Object
    jobs: Sequence[CronChild]


def cron_child(obj: Object) -> CronChild:
    """Keep whether a Job has ended."""
    status = obj.get("status") or {}
    ended = next(
        (type_ for type_ in ("Complete", "Failed") if is_true(status.get("conditions"), type_)), ""
    )
    return CronChild(
        *identity(obj),
        owner_uid=controller_uid(obj),
        ended=ended,
        created_s=seconds(obj["metadata"].get("creationTimestamp")) or 0.0,
        ended_at=status.get("completionTime", "") if ended == "Complete" else "",
    )


def latest_due(
    schedule: Schedule, since_s: float, now_s: float, zone: tzinfo
) -> tuple[float | None, float | None]:
    """Give the latest time due in (since, now], and the next one after now."""
    next_s = schedule.after(now_s, zone)
    first_s = schedule.after(since_s, zone)
    if first_s is None or first_s > now_s:
        return None, next_s
    # Any number may have been missed. Due times are minutes: halve until only one fits.
    low_s, high_s = since_s, now_s
    while high_s - low_s > 30:
        middle_s = (low_s + high_s) / 2
        later_s = schedule.after(middle_s, zone)
        if later_s is not None and later_s <= now_s:
            low_s = middle_s
        else:
            high_s = middle_s
    return schedule.after(low_s, zone), next_s


def reconcile(state: CronState, round_: Round) -> tuple[Effect, ...]:
    """Make what is due, tidy what is over, and say when to look again."""
    cronjob = state.cronjob
    meta, spec = cronjob["metadata"], cronjob["spec"]
    owner = reference_to(cronjob)
    effects = _tidy(state)
    active = [job for job in state.jobs if not job.ended]
    status = dict(cronjob.get("status") or {})
    try:
        schedule, zone = parse_schedule(spec.get("schedule", "")), _zone(spec.get("timeZone"))
    except (BadSchedule, KeyError, ValueError) as error:
        return (Emit(owner, "UnparseableSchedule", f"{error}", "Warning"), *effects)
    later: list[Effect] = []
    if not meta.get("deletionTimestamp") and not spec.get("suspend"):
        made, due_s, next_s = _serve(state, owner, schedule, zone, active, round_)
        effects += made
        if due_s is not None:
            stamp = datetime.fromtimestamp(due_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            status["lastScheduleTime"] = stamp
        if next_s is not None:
            later.append(RequeueAfter(max(0.0, next_s - round_.now_s)))
    successes = [job.ended_at for job in state.jobs if job.ended_at]
    if successes:
        status["lastSuccessfulTime"] = max(successes)
    status.pop("active", None)
    if active:
        status["active"] = [job.reference for job in active]
    return (*effects, *write_status(cronjob, status), *later)


def _zone(name: str | None) -> tzinfo:
    return UTC if not name else ZoneInfo(name)


def _serve(
    state: CronState,
    owner: Reference,
    schedule: Schedule,
    zone: tzinfo,
    active: Sequence[CronChild],
    round_: Round,
) -> tuple[list[Effect], float | None, float | None]:
    """Give the effects for the time that is due, that time if it was served, and the next."""
    cronjob, spec = state.cronjob, state.cronjob["spec"]
    last_s = seconds((cronjob.get("status") or {}).get("lastScheduleTime"))
    since_s = last_s or seconds(cronjob["metadata"].get("creationTimestamp")) or round_.now_s
    deadline_s = spec.get("startingDeadlineSeconds")
    if deadline_s is not None:
        since_s = max(since_s, round_.now_s - deadline_s)
    due_s, next_s = latest_due(schedule, since_s, round_.now_s, zone)
    if due_s is None:
        return [], None, next_s
    effects: list[Effect] = []
    policy = spec.get("concurrencyPolicy", "Allow")
    if active and policy == "Forbid":
        text = (
            "Not starting job because prior execution is running and concurrency policy is Forbid"
        )
        return [Emit(owner, "JobAlreadyActive", text)], None, next_s
    if policy == "Replace":
        effects += [_remove(job) for job in active]
    job = job_for(cronjob, owner, due_s)
    effects.append(Create(job))
    text = f"Created job {job['metadata']['name']}"
    effects.append(Emit(owner, "SuccessfulCreate", text))
    return effects, due_s, next_s


def job_for(cronjob: Object, owner: Reference, due_s: float) -> Object:
    """Make the Job of one due time."""
    template = cronjob["spec"].get("jobTemplate") or {}
    theirs = template.get("metadata") or {}
    stamp = datetime.fromtimestamp(due_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    meta: dict[str, Any] = {
        "name": f"{owner.name}-{int(due_s // 60)}",
        "namespace": owner.namespace,
        "labels": theirs.get("labels") or {},
        "annotations": {**(theirs.get("annotations") or {}), SCHEDULED: stamp},
        "ownerReferences": [controlled_by(owner)],
    }
    spec = template.get("spec") or {}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": meta, "spec": spec}


def _remove(job: CronChild) -> Delete:
    return Delete("Job", job.namespace, job.name, job.uid, propagation="Background")


def _tidy(state: CronState) -> list[Effect]:
    spec = state.cronjob["spec"]
    limits = (
        ("Complete", "successfulJobsHistoryLimit", 3),
        ("Failed", "failedJobsHistoryLimit", 1),
    )
    effects: list[Effect] = []
    for ended, member, default in limits:
        over = [job for job in state.jobs if job.ended == ended]
        over.sort(key=lambda job: (job.created_s, job.name))
        surplus = len(over) - int(spec.get(member, default))
        effects += [_remove(job) for job in over[: max(0, surplus)]]
    return effects


def gather(view: View, key: str) -> CronState | None:
    """Collect a CronJob and its Jobs."""
    record: Whole | None = view.get("cronjobs", *split_key(key))
    if record is None:
        return None
    cronjob = record.object()
    if not cronjob.get("spec"):
        return None
    return CronState(cronjob, view.indexed("jobs", "owner_uid", record.uid))


CRONJOB: Controller[CronState] = Controller(
    name="cronjob",
    watches=(
        Watch("cronjobs", whole, own_key, BY_UID),
        Watch("jobs", cron_child, owner_keys("cronjobs"), BY_OWNER),
    ),
    gather=gather,
    reconcile=reconcile,
    idle_without="cronjobs",
)
