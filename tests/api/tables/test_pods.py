"""The row of a pod: one word that says how it stands, and what is counted."""

from typing import Any

import pytest

from kube_actors.api import BUILTIN
from kube_actors.api.tables import to_table
from kube_actors.api.tables.pods import pod_status
from tests.api.tables.cells import MADE, META, NOW_S, Object, cells


def container(name: str = "c", *, ready: bool = False, restarts: int = 0, **state: Any) -> Object:
    return {"name": name, "ready": ready, "restartCount": restarts, "state": state}


RUNNING = {"running": {"startedAt": MADE}}


def waiting(reason: str) -> Object:
    return {"waiting": {"reason": reason}}


def ended(code: int, reason: str = "", **more: Any) -> Object:
    return {"terminated": {"exitCode": code, "reason": reason, **more}}


INITIALIZED = {"type": "Initialized", "status": "True"}
READY = {"type": "Ready", "status": "True"}


@pytest.mark.parametrize(
    ("pod", "word"),
    [
        ({"status": {"phase": "Pending"}}, "Pending"),
        ({"status": {"phase": "Failed", "reason": "Evicted"}}, "Evicted"),
        (
            {
                "status": {
                    "phase": "Pending",
                    "conditions": [{"type": "PodScheduled", "reason": "SchedulingGated"}],
                }
            },
            "SchedulingGated",
        ),
        (
            {"status": {"containerStatuses": [container(**waiting("ContainerCreating"))]}},
            "ContainerCreating",
        ),
        (
            {"status": {"containerStatuses": [container(**waiting("CrashLoopBackOff"))]}},
            "CrashLoopBackOff",
        ),
        ({"status": {"containerStatuses": [container(**waiting("ErrImagePull"))]}}, "ErrImagePull"),
        ({"status": {"containerStatuses": [container(**ended(1, "Error"))]}}, "Error"),
        ({"status": {"containerStatuses": [container(**ended(3))]}}, "ExitCode:3"),
        ({"status": {"containerStatuses": [container(**ended(137, signal=9))]}}, "Signal:9"),
        (
            {
                "status": {
                    "phase": "Succeeded",
                    "containerStatuses": [container(**ended(0, "Completed"))],
                }
            },
            "Completed",
        ),
        (
            {
                "status": {
                    "phase": "Running",
                    "conditions": [READY],
                    "containerStatuses": [
                        container(**ended(0, "Completed")),
                        container(ready=True, **RUNNING),
                    ],
                }
            },
            "Running",
        ),
        (
            {
                "status": {
                    "phase": "Running",
                    "containerStatuses": [
                        container(**ended(0, "Completed")),
                        container(ready=True, **RUNNING),
                    ],
                }
            },
            "NotReady",
        ),
        (
            {
                "spec": {"initContainers": [{"name": "i"}, {"name": "j"}]},
                "status": {
                    "initContainerStatuses": [
                        container("i", **ended(0)),
                        container("j", **waiting("PodInitializing")),
                    ],
                    "containerStatuses": [container(**waiting("PodInitializing"))],
                },
            },
            "Init:1/2",
        ),
        ({"status": {"initContainerStatuses": [container(**ended(1, "Error"))]}}, "Init:Error"),
        ({"status": {"initContainerStatuses": [container(**ended(2))]}}, "Init:ExitCode:2"),
        (
            {"status": {"initContainerStatuses": [container(**waiting("CrashLoopBackOff"))]}},
            "Init:CrashLoopBackOff",
        ),
        ({"metadata": {"deletionTimestamp": MADE}, "status": {"phase": "Running"}}, "Terminating"),
        ({"metadata": {"deletionTimestamp": MADE}, "status": {"phase": "Failed"}}, "Failed"),
        (
            {
                "metadata": {"deletionTimestamp": MADE},
                "status": {"phase": "Running", "reason": "NodeLost"},
            },
            "Unknown",
        ),
    ],
)
def test_a_pods_status_is_the_most_telling_word(pod: Object, word: str) -> None:
    assert pod_status(pod) == word


def test_a_pods_row_counts_ready_containers_restarts_and_gates() -> None:
    pod = {
        "spec": {
            "containers": [{"name": "a"}, {"name": "b"}],
            "initContainers": [{"name": "s", "restartPolicy": "Always"}],
            "nodeName": "node-1",
            "readinessGates": [{"conditionType": "Ready"}, {"conditionType": "Other"}],
        },
        "status": {
            "phase": "Running",
            "podIP": "127.1.2.3",
            "conditions": [READY, INITIALIZED],
            "initContainerStatuses": [
                {**container("s", ready=True, restarts=1, **RUNNING), "started": True}
            ],
            "containerStatuses": [
                container("a", ready=True, **RUNNING),
                {
                    **container("b", restarts=2, **RUNNING),
                    "lastState": {"terminated": {"finishedAt": "2026-01-01T00:57:00Z"}},
                },
            ],
        },
    }
    assert cells("pods", pod, wide=True) == {
        "Name": "x",
        "Ready": "2/3",
        "Status": "Running",
        "Restarts": "3 (3m ago)",
        "Age": "60m",
        "IP": "127.1.2.3",
        "Node": "node-1",
        "Nominated Node": "<none>",
        "Readiness Gates": "1/2",
    }


def test_a_finished_pods_row_is_marked_completed() -> None:
    table = to_table(BUILTIN.find("pods"), {"metadata": META, "status": {"phase": "Failed"}}, NOW_S)
    (condition,) = table["rows"][0]["conditions"]
    assert (condition["type"], condition["reason"]) == ("Completed", "Failed")
