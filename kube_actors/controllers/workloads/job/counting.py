"""Counts a Job's pods and judges whether the Job has come to an end.

Pods are counted while they exist, and the counts in the status never go down, so a pod that is
cleaned up after it ended stays counted. An end once announced in a condition is not judged again.
"""

from collections.abc import Sequence
from typing import Any

from attrs import frozen

from kube_actors.api import Object
from kube_actors.controllers.loop import Record, controller_uid, identity, seconds
from kube_actors.controllers.objects import FINISHED_PHASES, find_condition, ready_since_s

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
        """Whether it is running or may still run."""
        return not self.deleting and self.phase not in FINISHED_PHASES

    @property
    def terminating(self) -> bool:
        """Whether it was asked to go and has not ended yet."""
        return self.deleting and self.phase not in FINISHED_PHASES

    @property
    def failed(self) -> bool:
        """Whether it counts as a failure: so does one deleted before it has succeeded."""
        return self.phase == "Failed" or (self.deleting and self.phase != "Succeeded")


@frozen
class JobState:
    """A Job and every pod that it controls, ended ones too."""

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


def count(state: JobState, now_s: float) -> Count:
    """Count pods and judge whether the Job has come to an end."""
    spec, status = state.job["spec"], state.job.get("status") or {}
    active = tuple(pod for pod in state.pods if pod.active)
    terminating = sum(1 for pod in state.pods if pod.terminating)
    done = [pod for pod in state.pods if pod.phase == "Succeeded"]
    if is_indexed(spec):
        succeeded = len({pod.index for pod in done if pod.index is not None})
    else:
        succeeded = len(done)
    succeeded = max(succeeded, status.get("succeeded", 0))
    failed = sum(1 for pod in state.pods if pod.failed and not spec.get("suspend"))
    failed = max(failed, status.get("failed", 0))
    return Count(
        active, terminating, succeeded, failed, _ending(state, succeeded, failed, active, now_s)
    )


def is_indexed(spec: Any) -> bool:
    """Tell whether each pod has an index of its own, so that success counts once per index."""
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
