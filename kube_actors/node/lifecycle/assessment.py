"""What each container of a pod needs next: start, a pull, patience, or nothing more.

One ``Assessment`` per container is the ground on which both the actions and the status stand, so
that what a pod's status says (CrashLoopBackOff, ImagePullBackOff) is always what is being done.
"""

from enum import StrEnum
from typing import Any

from attrs import frozen

from kube_actors.api import Object
from kube_actors.node.backoff import BackoffPolicy, retry_at
from kube_actors.node.lifecycle.observation import Observed
from kube_actors.node.runtimes import ContainerState, ContainerStatus, ImageSpec, ImageState

ERROR_SHOWN_S = 1.0


@frozen
class Patience:
    """The delays between restarts and between pulls."""

    restart: BackoffPolicy
    image: BackoffPolicy


class Need(StrEnum):
    """What a container needs; DONE is for good, NOTHING means it is created or runs."""

    START = "start"
    PULL = "pull"
    WAIT = "wait"
    NOTHING = "nothing"
    DONE = "done"


@frozen
class Assessment:
    """``reason``, ``message``, ``until`` explain a WAIT; DONE is an end without a restart."""

    name: str
    need: Need
    run: ContainerStatus | None
    previous: ContainerStatus | None
    attempt: int
    reason: str = ""
    message: str = ""
    until: float = float("inf")

    @property
    def running(self) -> bool:
        """Whether its newest run has been started and has not ended."""
        return self.run is not None and self.run.state is ContainerState.RUNNING

    @property
    def alive(self) -> bool:
        """Whether its newest run has not ended: one that is only created counts."""
        return self.run is not None and self.run.state is not ContainerState.EXITED

    @property
    def succeeded(self) -> bool:
        """Whether it ended with 0 and will not be started again."""
        return self.need is Need.DONE and self.run is not None and self.run.exit_code == 0


def image_of(container: dict[str, Any]) -> ImageSpec:
    """Return what the runtime must pull for the container."""
    return ImageSpec(container.get("image", ""), bool(container.get("command")))


def is_sidecar(container: dict[str, Any]) -> bool:
    """An init container that keeps running beside the others (restartPolicy Always)."""
    return container.get("restartPolicy") == "Always"


def restarts_after(pod: Object, container: dict[str, Any], exit_code: int, init: bool) -> bool:
    """Apply the restart policy to an end with ``exit_code``."""
    policy = pod["spec"].get("restartPolicy", "Always")
    if is_sidecar(container):
        return True
    if policy == "Always":
        return exit_code != 0 if init else True
    return bool(policy == "OnFailure" and exit_code != 0)


def assess(
    pod: Object,
    container: dict[str, Any],
    observed: Observed,
    patience: Patience,
    now: float,
    *,
    init: bool = False,
) -> Assessment:
    """Say what ``container`` needs, not whether its turn has come."""
    name = container["name"]
    runs = observed.runs.get(name) or ()
    run = runs[-1] if runs else None
    previous = runs[-2] if len(runs) > 1 else None
    if run is None:
        return _to_start(container, observed, patience, now, Assessment(
            name, Need.START, None, None, 0
        ))  # fmt: skip
    if run.state is not ContainerState.EXITED:
        return Assessment(name, Need.NOTHING, run, previous, run.attempt)
    rerun = init and name in observed.stale
    if not rerun and not restarts_after(pod, container, run.exit_code, init):
        return Assessment(name, Need.DONE, run, previous, run.attempt)
    found = Assessment(name, Need.START, run, previous, run.attempt + 1)
    backoff = observed.backoffs.get(f"restart/{name}")
    due = retry_at(backoff, patience.restart, run.finished_at, now)
    if due > now and backoff is not None:
        meta = pod["metadata"]
        who = f"{meta['name']}_{meta['namespace']}({meta['uid']})"
        text = f"back-off {_duration(backoff.delay_s)} restarting failed container={name} pod={who}"
        return _wait(found, "CrashLoopBackOff", text, due)
    return _to_start(container, observed, patience, now, found)


def _to_start(
    container: dict[str, Any], observed: Observed, patience: Patience, now: float, found: Assessment
) -> Assessment:
    """The container should run: what stands between it and its start?"""
    name = found.name
    problem = observed.problems.get(name)
    if problem is not None and problem.retry_at > now:
        return _wait(found, problem.reason, problem.message, problem.retry_at)
    image = observed.images.get(name)
    text = container.get("image", "")
    if image is None or image.state is ImageState.ABSENT:
        if container.get("imagePullPolicy") == "Never":
            message = f'Container image "{text}" is not present with pull policy of Never'
            return _wait(found, "ErrImageNeverPull", message, float("inf"))
        return _need(found, Need.PULL)
    if image.state is ImageState.PRESENT:
        return found
    if image.state is ImageState.PULLING:
        return _wait(found, "", "", float("inf"))
    backoff = observed.backoffs.get(f"image/{name}")
    due = retry_at(backoff, patience.image, image.failed_at, now)
    if due <= now:
        return _need(found, Need.PULL)
    shown_until = image.failed_at + ERROR_SHOWN_S
    if now < shown_until < due:
        return _wait(found, image.reason, image.message, shown_until)
    message = f'Back-off pulling image "{text}": {image.reason}: {image.message}'
    return _wait(found, "ImagePullBackOff", message, due)


def _wait(found: Assessment, reason: str, message: str, until: float) -> Assessment:
    return Assessment(
        found.name, Need.WAIT, found.run, found.previous, found.attempt, reason, message, until
    )


def _need(found: Assessment, need: Need) -> Assessment:
    return Assessment(found.name, need, found.run, found.previous, found.attempt)


def _duration(seconds: float) -> str:
    """As Go prints it: 10s, 1m20s, 2.5s."""
    minutes, rest = divmod(seconds, 60)
    text = f"{rest:g}s"
    return f"{int(minutes)}m{text}" if minutes else text
