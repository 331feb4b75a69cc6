"""What is done for a pod next: the kubelet's decision, from what is wanted and what is so.

``decide`` is level-triggered: given the same pod and the same observation it answers the same, so a
kubelet that died halfway simply asks again. Containers start in their order (init containers one
after another, sidecars before the rest); a pod that is deleted, failed, past its deadline or
unknown to the API is brought to an end with its grace period and then finished.
"""

from typing import Any

from attrs import frozen

from kube_actors.api import Object
from kube_actors.node.lifecycle.assessment import (
    Assessment,
    Need,
    Patience,
    assess,
    image_of,
    is_sidecar,
)
from kube_actors.node.lifecycle.observation import Observed
from kube_actors.node.probes import ProbeView
from kube_actors.node.runtimes import ImageSpec, ProbeKind, SandboxState
from kube_actors.node.timestamps import parse_timestamp

DEFAULT_GRACE_S = 30.0
TERMINAL = ("Succeeded", "Failed")


@frozen
class RunSandbox:
    """Give the pod its address, directory, volumes and sandbox."""


@frozen
class Pull:
    """Begin to pull the image of the container called ``name``."""

    name: str
    image: ImageSpec


@frozen
class Start:
    """Create and start the container's ``attempt`` (0 is the first)."""

    name: str
    attempt: int


@frozen
class Stop:
    """End a run within ``grace_s``; ``probe`` says which failing probe asked for it."""

    name: str
    container_id: str
    grace_s: float
    probe: ProbeKind | None = None


@frozen
class StopSandbox:
    """Nothing runs and nothing will: the address may go to another pod."""


@frozen
class Finish:
    """All is ended: report it, delete the pod from the API (grace 0) and forget it."""


Action = RunSandbox | Pull | Start | Stop | StopSandbox | Finish


@frozen
class Plan:
    """``wake_at``: when to decide again though nothing happened (unix seconds, inf: never).

    ``deadline_exceeded``: the pod has to end because it was active for too long.
    """

    actions: tuple[Action, ...] = ()
    wake_at: float = float("inf")
    deadline_exceeded: bool = False


@frozen
class Containers:
    """The pod's containers with what each needs; ``apps`` excludes init ones and sidecars."""

    init: tuple[tuple[dict[str, Any], Assessment], ...]
    apps: tuple[tuple[dict[str, Any], Assessment], ...]

    @property
    def every(self) -> tuple[tuple[dict[str, Any], Assessment], ...]:
        """Init containers and sidecars, then apps, each in the order of the spec."""
        return self.init + self.apps


def assess_all(pod: Object, observed: Observed, patience: Patience, now: float) -> Containers:
    """Assess every container of the pod at ``now`` (unix seconds), each for itself."""
    spec = pod["spec"]
    return Containers(
        tuple(
            (c, assess(pod, c, observed, patience, now, init=True))
            for c in spec.get("initContainers") or ()
        ),
        tuple((c, assess(pod, c, observed, patience, now)) for c in spec["containers"]),
    )


def deadline_at(pod: Object, observed: Observed) -> float:
    """When activeDeadlineSeconds runs out (unix seconds, inf without one)."""
    seconds = pod["spec"].get("activeDeadlineSeconds")
    if seconds is None:
        return float("inf")
    started = parse_timestamp((pod.get("status") or {}).get("startTime"))
    return (started or observed.accepted_at) + float(seconds)


def grace_period_s(pod: Object, observed: Observed) -> float:
    """The time a container has between being asked to end and being killed."""
    meta = pod["metadata"]
    grace = meta.get("deletionGracePeriodSeconds") if meta.get("deletionTimestamp") else None
    if grace is None:
        grace = pod["spec"].get("terminationGracePeriodSeconds")
    return DEFAULT_GRACE_S if grace is None else float(grace)


def decide(pod: Object, observed: Observed, patience: Patience, now: float) -> Plan:
    """Return what to do for ``pod`` now. Pure; see the module."""
    containers = assess_all(pod, observed, patience, now)
    deleted = observed.gone or bool(pod["metadata"].get("deletionTimestamp"))
    phase = (pod.get("status") or {}).get("phase")
    deadline = deadline_at(pod, observed)
    overdue = now >= deadline and phase not in TERMINAL
    if deleted or phase in TERMINAL or overdue or observed.rejection is not None:
        return _end(pod, containers, observed, now, deleted=deleted, overdue=overdue)
    if is_over(pod, containers):
        return _end(pod, containers, observed, now, deleted=False, overdue=False)
    problem = observed.sandbox_problem
    if observed.sandbox is None and problem is not None and problem.retry_at > now:
        return Plan((), min(problem.retry_at, deadline))
    if observed.sandbox is None:
        return Plan((RunSandbox(),), deadline)
    if observed.sandbox.state is not SandboxState.READY:
        return Plan((), deadline)
    actions, wake_at = _advance(pod, containers, observed, now)
    return Plan(tuple(actions), min(wake_at, deadline))


def is_over(pod: Object, containers: Containers) -> bool:
    """Every app container is done for good, or an init container failed for good."""
    for container, found in containers.init:
        if not is_sidecar(container) and found.need is Need.DONE and not found.succeeded:
            return True
    return all(found.need is Need.DONE for _, found in containers.apps)


def is_initialized(containers: Containers) -> bool:
    """Init containers succeeded; sidecars are not asked (they never complete)."""
    return all(found.succeeded for container, found in containers.init if not is_sidecar(container))


def _advance(
    pod: Object, containers: Containers, observed: Observed, now: float
) -> tuple[list[Action], float]:
    """Start what may start, stop what its probes condemn."""
    actions: list[Action] = []
    wake_at = float("inf")
    begun = any(found.run is not None and found.name not in observed.stale
                for _, found in containers.apps)  # fmt: skip
    for container, found in containers.init:
        if not is_sidecar(container) and (found.succeeded or begun):
            continue
        wake_at = min(wake_at, _container(pod, container, found, observed, now, actions))
        started = observed.probes.get(found.name, ProbeView(False, False)).started
        if not begun and not (is_sidecar(container) and found.running and started):
            return actions, wake_at
    for container, found in containers.apps:
        wake_at = min(wake_at, _container(pod, container, found, observed, now, actions))
    return actions, wake_at


def _container(
    pod: Object,
    container: dict[str, Any],
    found: Assessment,
    observed: Observed,
    now: float,
    actions: list[Action],
) -> float:
    """Append what one container needs; return when to look again."""
    if found.need is Need.START:
        actions.append(Start(found.name, found.attempt))
    elif found.need is Need.PULL:
        actions.append(Pull(found.name, image_of(container)))
    elif found.need is Need.WAIT:
        return found.until
    elif found.running and found.run is not None:
        failed = observed.probes.get(found.name, ProbeView(False, False)).failed
        if failed is not None and found.run.id not in observed.stopping:
            grace = grace_period_s(pod, observed)
            field = "startupProbe" if failed is ProbeKind.STARTUP else "livenessProbe"
            own = (container.get(field) or {}).get("terminationGracePeriodSeconds")
            actions.append(
                Stop(found.name, found.run.id, grace if own is None else float(own), failed)
            )
    return float("inf")


def _end(
    pod: Object,
    containers: Containers,
    observed: Observed,
    now: float,
    *,
    deleted: bool,
    overdue: bool,
) -> Plan:
    """Stop the app containers, then the sidecars in reverse, then the sandbox."""
    grace = grace_period_s(pod, observed)
    sidecars = [found for c, found in reversed(containers.init) if is_sidecar(c)]
    first = [found for _, found in containers.apps]
    first += [found for c, found in containers.init if not is_sidecar(c)]
    for group in (first, sidecars):
        alive = [found for found in group if found.alive]
        if alive:
            stops = (_stop(found, grace, observed, now) for found in alive)
            actions = tuple(stop for stop in stops if stop is not None)
            return Plan(actions, deadline_exceeded=overdue)
    if deleted:
        return Plan((Finish(),), deadline_exceeded=overdue)
    sandbox = observed.sandbox
    if sandbox is not None and sandbox.state is not SandboxState.STOPPED:
        return Plan((StopSandbox(),), deadline_exceeded=overdue)
    return Plan((), deadline_exceeded=overdue)


def _stop(found: Assessment, grace_s: float, observed: Observed, now: float) -> Stop | None:
    """Ask once; ask again only to shorten the time it was given."""
    run = found.run
    assert run is not None
    killed_at = observed.stopping.get(run.id)
    if killed_at is not None and now + grace_s > killed_at - 1.0:
        return None
    return Stop(found.name, run.id, grace_s)
