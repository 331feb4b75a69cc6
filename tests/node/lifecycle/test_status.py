from typing import Any

import pytest

from kube_actors.api import Object
from kube_actors.node.backoff import Backoff
from kube_actors.node.lifecycle.observation import Observed, Problem, Rejection, recover_runs
from kube_actors.node.lifecycle.status import compute_status
from kube_actors.node.probes import ProbeView
from kube_actors.node.runtimes import ContainerState, ImageState, ImageStatus
from kube_actors.node.timestamps import format_timestamp
from tests.node.objects import NOW, PATIENCE, UID, a_pod, a_run, deleted, exited, seen

FIRST = {"name": "first", "image": "img"}


def status_of(pod: Object, observed: Observed) -> dict[str, Any]:
    return compute_status(pod, observed, PATIENCE, NOW)


def condition(status: dict[str, Any], kind: str) -> dict[str, Any]:
    found: dict[str, Any] = next(c for c in status["conditions"] if c["type"] == kind)
    return found


PHASES: dict[str, tuple[Object, Observed, str]] = {
    "before anything ran": (a_pod(), seen(sandbox=None), "Pending"),
    "while init containers run": (a_pod(init=(FIRST,)), seen(a_run("first")), "Pending"),
    "while one container has not started": (a_pod("a", "b"), seen(a_run("a")), "Pending"),
    "while all run": (a_pod("a", "b"), seen(a_run("a"), a_run("b")), "Running"),
    "between restarts": (a_pod(), seen(exited(code=1)), "Running"),
    "between restarts OnFailure": (
        a_pod(restartPolicy="OnFailure"),
        seen(exited(code=1)),
        "Running",
    ),
    "when all succeeded": (a_pod(restartPolicy="Never"), seen(exited()), "Succeeded"),
    "when one failed for good": (
        a_pod("a", "b", restartPolicy="Never"),
        seen(exited("a"), exited("b", 1)),
        "Failed",
    ),
    "when one failed and another runs": (
        a_pod("a", "b", restartPolicy="Never"),
        seen(exited("a", 1), a_run("b")),
        "Running",
    ),
    "when an init container failed for good": (
        a_pod(init=(FIRST,), restartPolicy="Never"),
        seen(exited("first", 1)),
        "Failed",
    ),
    "while it terminates": (deleted(a_pod()), seen(a_run()), "Running"),
    "after it terminated well": (deleted(a_pod()), seen(exited()), "Succeeded"),
    "after it was killed": (deleted(a_pod()), seen(exited(code=137)), "Failed"),
    "after its deadline": (a_pod(activeDeadlineSeconds=60), seen(exited()), "Failed"),
    "once failed": ({**a_pod(), "status": {"phase": "Failed"}}, seen(a_run()), "Failed"),
    "rejected": (a_pod(), seen(rejection=Rejection("OutOfcpu", "no")), "Failed"),
}


@pytest.mark.parametrize("when", PHASES)
def test_the_phase(when: str) -> None:
    pod, observed, phase = PHASES[when]
    assert status_of(pod, observed)["phase"] == phase


WAITING: dict[str, tuple[Object, Observed, str]] = {
    "without a sandbox": (a_pod(), seen(sandbox=None), "ContainerCreating"),
    "behind init containers": (a_pod(init=(FIRST,)), seen(a_run("first")), "PodInitializing"),
    "with an image just refused": (
        a_pod(),
        seen(
            images={"web": ImageStatus(ImageState.FAILED, "", "ErrImagePull", "no", NOW)},
            backoffs={"image/web": Backoff(10, NOW)},
        ),
        "ErrImagePull",
    ),
    "with an image refused before": (
        a_pod(),
        seen(
            images={"web": ImageStatus(ImageState.FAILED, "", "ErrImagePull", "no", NOW - 5)},
            backoffs={"image/web": Backoff(10, NOW - 5)},
        ),
        "ImagePullBackOff",
    ),
    "with a broken configuration": (
        a_pod(),
        seen(problems={"web": Problem("CreateContainerConfigError", "m", NOW + 3)}),
        "CreateContainerConfigError",
    ),
    "in a crash loop": (
        a_pod(),
        seen(exited(code=1, attempt=1), backoffs={"restart/web": Backoff(10, NOW - 3)}),
        "CrashLoopBackOff",
    ),
}


@pytest.mark.parametrize("how", WAITING)
def test_why_a_container_waits(how: str) -> None:
    pod, observed, reason = WAITING[how]
    entry = status_of(pod, observed)["containerStatuses"][0]
    assert entry["state"]["waiting"]["reason"] == reason
    assert entry["ready"] is False


def test_a_crash_loop_tells_how_the_last_run_ended() -> None:
    observed = seen(exited(code=3, attempt=4), backoffs={"restart/web": Backoff(80, NOW)})
    entry = status_of(a_pod(), observed)["containerStatuses"][0]
    assert entry["restartCount"] == 4
    assert entry["lastState"]["terminated"]["exitCode"] == 3
    assert entry["lastState"]["terminated"]["reason"] == "Error"
    who = f"web_default({UID})"
    message = f"back-off 1m20s restarting failed container=web pod={who}"
    assert entry["state"]["waiting"]["message"] == message


def test_a_ready_pod_says_so_in_every_condition() -> None:
    status = status_of(a_pod(), seen(a_run()))
    assert {c["type"]: c["status"] for c in status["conditions"]} == {
        "PodReadyToStartContainers": "True",
        "Initialized": "True",
        "Ready": "True",
        "ContainersReady": "True",
        "PodScheduled": "True",
    }
    assert status["podIP"] == "10.0.0.2"
    assert status["hostIP"] == "127.0.0.1"
    assert status["qosClass"] == "BestEffort"


def test_an_unready_container_is_named() -> None:
    observed = seen(a_run("a"), a_run("b"), probes={"a": ProbeView(True, True)})
    status = status_of(a_pod("a", "b"), observed)
    ready = condition(status, "Ready")
    assert ready["status"] == "False"
    assert ready["reason"] == "ContainersNotReady"
    assert ready["message"] == "containers with unready status: [b]"


def test_a_condition_keeps_its_time_while_it_holds() -> None:
    before = status_of(a_pod(), seen(a_run()))
    pod = {**a_pod(), "status": before}
    later = compute_status(pod, seen(a_run(), probes={}), PATIENCE, NOW + 50)
    assert condition(later, "Initialized")["lastTransitionTime"] == format_timestamp(NOW)
    assert condition(later, "Ready")["lastTransitionTime"] == format_timestamp(NOW + 50)


def test_the_same_observation_reports_the_same_status() -> None:
    pod = a_pod()
    first = status_of(pod, seen(a_run()))
    again = compute_status({**pod, "status": first}, seen(a_run()), PATIENCE, NOW + 99)
    assert again == first


def test_readiness_gates_are_asked_and_kept() -> None:
    pod = a_pod(readinessGates=[{"conditionType": "x/ready"}])
    assert condition(status_of(pod, seen(a_run())), "Ready")["reason"] == "ReadinessGatesNotReady"
    gate = {"type": "x/ready", "status": "True"}
    pod["status"]["conditions"] = [gate]
    status = status_of(pod, seen(a_run()))
    assert condition(status, "Ready")["status"] == "True"
    assert condition(status, "x/ready") == gate


def test_a_container_behind_its_post_start_hook_is_not_running_yet() -> None:
    observed = seen(a_run(), hooking=frozenset({"test://web-0"}))
    entry = status_of(a_pod(), observed)["containerStatuses"][0]
    assert entry["state"] == {"waiting": {"reason": "ContainerCreating"}}


def test_a_deadline_is_told_as_the_reason() -> None:
    status = status_of(a_pod(activeDeadlineSeconds=60), seen(exited(code=137)))
    assert status["reason"] == "DeadlineExceeded"


def test_runs_that_the_runtime_lost_are_remembered_from_the_status() -> None:
    pod = {**a_pod(), "status": status_of(a_pod(), seen(a_run()))}
    runs, stale = recover_runs(pod, {}, NOW)
    assert stale == {"web"}
    assert runs["web"][0].exit_code == 137
    assert runs["web"][0].reason == "ContainerStatusUnknown"
    assert runs["web"][0].state is ContainerState.EXITED
