from typing import Any

import pytest

from kube_actors.api import Object
from kube_actors.node.backoff import Backoff
from kube_actors.node.lifecycle.actions import (
    Action,
    Finish,
    Pull,
    RunSandbox,
    Start,
    Stop,
    StopSandbox,
    decide,
)
from kube_actors.node.lifecycle.observation import Observed, Problem, Rejection
from kube_actors.node.probes import ProbeView
from kube_actors.node.runtimes import ContainerState, ImageSpec, ImageState, ImageStatus, ProbeKind
from tests.node.objects import NOW, PATIENCE, a_pod, a_run, deleted, exited, seen

FIRST = {"name": "first", "image": "img"}
SECOND = {"name": "second", "image": "img"}
SIDE = {"name": "side", "image": "img", "restartPolicy": "Always"}
ABSENT = {"web": ImageStatus(ImageState.ABSENT)}
FAILED = {"web": ImageStatus(ImageState.FAILED, "", "ErrImagePull", "no", NOW - 5)}
CRASHED_TWICE = {"restart/web": Backoff(20.0, NOW - 30)}
OVERDUE = a_pod(activeDeadlineSeconds=60)


def actions(pod: Object, observed: Observed) -> tuple[Action, ...]:
    return decide(pod, observed, PATIENCE, NOW).actions


def kill(name: str = "web", grace_s: float = 30.0, probe: ProbeKind | None = None) -> Stop:
    return Stop(name, f"test://{name}-0", grace_s, probe)


TABLE: dict[str, tuple[Object, Observed, tuple[Action, ...]]] = {
    "a new pod gets its sandbox first": (a_pod(), seen(sandbox=None), (RunSandbox(),)),
    "a sandbox that failed waits before the next try": (
        a_pod(),
        seen(sandbox=None, sandbox_problem=Problem("FailedMount", "", NOW + 5)),
        (),
    ),
    "containers start side by side": (a_pod("a", "b"), seen(), (Start("a", 0), Start("b", 0))),
    "an absent image is pulled": (
        a_pod(),
        seen(images=ABSENT),
        (Pull("web", ImageSpec("img")),),
    ),
    "an image under way is waited for": (
        a_pod(),
        seen(images={"web": ImageStatus(ImageState.PULLING)}),
        (),
    ),
    "a failed pull is not repeated within its back-off": (
        a_pod(),
        seen(images=FAILED, backoffs={"image/web": Backoff(10.0, NOW - 5)}),
        (),
    ),
    "a failed pull is repeated after its back-off": (
        a_pod(),
        seen(images=FAILED, backoffs={"image/web": Backoff(4.0, NOW - 5)}),
        (Pull("web", ImageSpec("img")),),
    ),
    "an image that must not be pulled is not": (
        a_pod(containers=[{"name": "web", "image": "img", "imagePullPolicy": "Never"}]),
        seen(images=ABSENT),
        (),
    ),
    "a running container needs nothing": (a_pod(), seen(a_run()), ()),
    "an ended container starts again at once the first time": (
        a_pod(),
        seen(exited(code=1)),
        (Start("web", 1),),
    ),
    "a container that keeps crashing waits": (
        a_pod(),
        seen(exited(code=1, attempt=2), backoffs=CRASHED_TWICE),
        (),
    ),
    "a crashing container starts again after its back-off": (
        a_pod(),
        seen(exited(code=1, attempt=2, ended_s=20), backoffs=CRASHED_TWICE),
        (Start("web", 3),),
    ),
    "with OnFailure a success is the end": (
        a_pod(restartPolicy="OnFailure"),
        seen(exited()),
        (StopSandbox(),),
    ),
    "with OnFailure a failure starts again": (
        a_pod(restartPolicy="OnFailure"),
        seen(exited(code=1)),
        (Start("web", 1),),
    ),
    "with Never the others go on when one has failed": (
        a_pod("a", "b", restartPolicy="Never"),
        seen(exited("a", 1), a_run("b")),
        (),
    ),
    "with Never a failure is the end": (
        a_pod(restartPolicy="Never"),
        seen(exited(code=1)),
        (StopSandbox(),),
    ),
    "init containers go first": (a_pod(init=(FIRST, SECOND)), seen(), (Start("first", 0),)),
    "the second init container waits for the first": (
        a_pod(init=(FIRST, SECOND)),
        seen(a_run("first")),
        (),
    ),
    "the second init container follows a success": (
        a_pod(init=(FIRST, SECOND)),
        seen(exited("first")),
        (Start("second", 0),),
    ),
    "the app follows the last init container": (
        a_pod(init=(FIRST,)),
        seen(exited("first")),
        (Start("web", 0),),
    ),
    "a failed init container is tried again": (
        a_pod(init=(FIRST,)),
        seen(exited("first", 1)),
        (Start("first", 1),),
    ),
    "with Never a failed init container ends the pod": (
        a_pod(init=(FIRST,), restartPolicy="Never"),
        seen(exited("first", 1)),
        (StopSandbox(),),
    ),
    "init containers do not run again once the app has begun": (
        a_pod(init=(FIRST,)),
        seen(exited("first", 1), a_run()),
        (),
    ),
    "the app waits until a sidecar has started": (
        a_pod(init=(SIDE,)),
        seen(a_run("side"), probes={"side": ProbeView(False, False)}),
        (),
    ),
    "the app starts beside a started sidecar": (
        a_pod(init=(SIDE,)),
        seen(a_run("side")),
        (Start("web", 0),),
    ),
    "a sidecar that ended starts again beside the app": (
        a_pod(init=(SIDE,)),
        seen(exited("side"), a_run()),
        (Start("side", 1),),
    ),
    "sidecars end when the app is done": (
        a_pod(init=(SIDE,), restartPolicy="Never"),
        seen(a_run("side"), exited()),
        (kill("side"),),
    ),
    "a failed liveness probe ends the run": (
        a_pod(),
        seen(a_run(), probes={"web": ProbeView(True, True, ProbeKind.LIVENESS)}),
        (kill(probe=ProbeKind.LIVENESS),),
    ),
    "a run that was told to end is not told again": (
        a_pod(),
        seen(
            a_run(),
            probes={"web": ProbeView(True, True, ProbeKind.LIVENESS)},
            stopping={"test://web-0": NOW + 9},
        ),
        (),
    ),
    "a liveness probe may have a grace of its own": (
        a_pod(
            containers=[
                {
                    "name": "web",
                    "image": "img",
                    "livenessProbe": {"terminationGracePeriodSeconds": 3},
                }
            ]
        ),
        seen(a_run(), probes={"web": ProbeView(True, True, ProbeKind.LIVENESS)}),
        (kill(grace_s=3.0, probe=ProbeKind.LIVENESS),),
    ),
    "deletion ends every container with the grace it was given": (
        deleted(a_pod("a", "b"), 7),
        seen(a_run("a"), a_run("b")),
        (kill("a", 7.0), kill("b", 7.0)),
    ),
    "a shorter grace is passed on": (
        deleted(a_pod(), 1),
        seen(a_run(), stopping={"test://web-0": NOW + 25}),
        (kill(grace_s=1.0),),
    ),
    "a later deadline is not": (
        deleted(a_pod(), 30),
        seen(a_run(), stopping={"test://web-0": NOW + 5}),
        (),
    ),
    "sidecars end after the app": (
        deleted(a_pod(init=(SIDE,))),
        seen(a_run("side"), exited()),
        (kill("side"),),
    ),
    "a deleted pod is finished once nothing runs": (deleted(a_pod()), seen(exited()), (Finish(),)),
    "a deleted pod that never started is finished": (
        deleted(a_pod()),
        seen(sandbox=None),
        (Finish(),),
    ),
    "a pod that the API forgot is ended": (a_pod(), seen(a_run(), gone=True), (kill(),)),
    "and then finished": (a_pod(), seen(exited(), gone=True), (Finish(),)),
    "a pod past its deadline is ended": (OVERDUE, seen(a_run()), (kill(),)),
    "a pod that somebody failed is ended": (
        {**a_pod(), "status": {"phase": "Failed"}},
        seen(a_run()),
        (kill(),),
    ),
    "a rejected pod never starts": (
        a_pod(),
        seen(sandbox=None, rejection=Rejection("OutOfcpu", "")),
        (),
    ),
    "a container with a broken configuration waits": (
        a_pod(),
        seen(problems={"web": Problem("CreateContainerConfigError", "", NOW + 1)}),
        (),
    ),
}


@pytest.mark.parametrize("sentence", TABLE)
def test_the_lifecycle(sentence: str) -> None:
    pod, observed, expected = TABLE[sentence]
    assert actions(pod, observed) == expected


@pytest.mark.parametrize(
    ("more", "wake_at"),
    [
        ({"problems": {"web": Problem("X", "", NOW + 4)}}, NOW + 4),
        ({"images": FAILED, "backoffs": {"image/web": Backoff(10.0, NOW - 5)}}, NOW + 5),
        ({"images": {"web": ImageStatus(ImageState.PULLING)}}, float("inf")),
    ],
)
def test_a_plan_says_when_to_look_again(more: dict[str, Any], wake_at: float) -> None:
    assert decide(a_pod(), seen(**more), PATIENCE, NOW).wake_at == wake_at


def test_a_deadline_is_a_reason_to_look_again() -> None:
    pod = a_pod(activeDeadlineSeconds=130)
    assert decide(pod, seen(a_run()), PATIENCE, NOW).wake_at == NOW + 30


def test_a_decision_once_carried_out_is_not_made_again() -> None:
    pod = a_pod()
    assert actions(pod, seen()) == (Start("web", 0),)
    created = seen(a_run("web", ContainerState.CREATED))
    assert actions(pod, created) == ()
