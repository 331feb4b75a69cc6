"""Which pods a Job adds or removes now, and what the pods it makes look like.

A failed pod is replaced after a delay that doubles from ten seconds to six minutes. New pods are
named after the Job's uid and the pods seen, so a lost answer makes nothing twice; Indexed Jobs give
each index to one pod.
"""

from typing import Any

from kube_actors.controllers.loop import Effect, Round, reference_to
from kube_actors.controllers.objects import pod_from, safe_suffix, suffixed
from kube_actors.controllers.workloads.job.counting import INDEX, Count, JobState, is_indexed
from kube_actors.controllers.workloads.pod_changes import create_pods, delete_pods

BACKOFF_FIRST_S = 10.0
BACKOFF_MAX_S = 360.0


def pod_effects(
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
    indexes = _free_indexes(state, missing) if is_indexed(job["spec"]) else [None] * missing
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
