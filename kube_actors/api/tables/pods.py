"""How a pod stands, in one word: the column that everyone looks at first.

The word is the most telling reason among the pod's phase, its gates, its init containers and its
containers, as kubectl shows it: ``Init:0/1``, ``CrashLoopBackOff``, ``Completed``, ``Terminating``.
"""

from typing import Any

from attrs import define

from kube_actors.api.tables.durations import age, human_duration, parse_time
from kube_actors.api.tables.printer import Printer, columns
from kube_actors.api.tables.words import NONE, Object, has_condition, meta, name, spec, status

_UNREACHABLE = "NodeLost"


@define
class _Tally:
    reason: str
    ready: int = 0
    restarts: int = 0
    last_restart_s: float | None = None
    sidecar_restarts: int = 0
    sidecar_restart_s: float | None = None
    initializing: bool = False


def _later(one_s: float | None, other_s: float | None) -> float | None:
    found = [each for each in (one_s, other_s) if each is not None]
    return max(found) if found else None


def _restarted_s(container: Object) -> float | None:
    ended = (container.get("lastState") or {}).get("terminated") or {}
    return parse_time(ended.get("finishedAt"))


def _ending(terminated: Object) -> str:
    """Why a container ended; its signal or exit code if nobody said why."""
    if terminated.get("reason"):
        return str(terminated["reason"])
    if terminated.get("signal"):
        return f"Signal:{terminated['signal']}"
    return f"ExitCode:{terminated.get('exitCode', 0)}"


def _sidecars(pod: Object) -> dict[str, None]:
    return {
        each.get("name", ""): None
        for each in spec(pod).get("initContainers") or ()
        if each.get("restartPolicy") == "Always"
    }


def _read_init_containers(pod: Object, tally: _Tally) -> None:
    """Look until one that is not done yet: that one tells how far initialization is."""
    sidecars = _sidecars(pod)
    total = len(spec(pod).get("initContainers") or ())
    for index, container in enumerate(status(pod).get("initContainerStatuses") or ()):
        count = int(container.get("restartCount") or 0)
        tally.restarts += count
        tally.last_restart_s = _later(tally.last_restart_s, _restarted_s(container))
        sidecar = container.get("name") in sidecars
        if sidecar:
            tally.sidecar_restarts += count
            tally.sidecar_restart_s = _later(tally.sidecar_restart_s, _restarted_s(container))
        state = container.get("state") or {}
        terminated = state.get("terminated")
        if terminated is not None and int(terminated.get("exitCode") or 0) == 0:
            continue
        if sidecar and container.get("started"):
            tally.ready += 1 if container.get("ready") else 0
            continue
        waiting = (state.get("waiting") or {}).get("reason") or ""
        if terminated is not None:
            tally.reason = f"Init:{_ending(terminated)}"
        elif waiting and waiting != "PodInitializing":
            tally.reason = f"Init:{waiting}"
        else:
            tally.reason = f"Init:{index}/{total}"
        tally.initializing = True
        return


def _read_containers(pod: Object, tally: _Tally) -> None:
    tally.restarts = tally.sidecar_restarts
    tally.last_restart_s = tally.sidecar_restart_s
    running = False
    for container in reversed(status(pod).get("containerStatuses") or ()):
        tally.restarts += int(container.get("restartCount") or 0)
        tally.last_restart_s = _later(tally.last_restart_s, _restarted_s(container))
        state = container.get("state") or {}
        waiting = (state.get("waiting") or {}).get("reason") or ""
        if waiting:
            tally.reason = waiting
        elif state.get("terminated") is not None:
            tally.reason = _ending(state["terminated"])
        elif container.get("ready") and state.get("running") is not None:
            running = True
            tally.ready += 1
    if tally.reason == "Completed" and running:
        tally.reason = "Running" if has_condition(pod, "Ready") else "NotReady"


def _tally(pod: Object) -> _Tally:
    found = status(pod)
    phase = str(found.get("phase") or "")
    tally = _Tally(str(found.get("reason") or phase))
    for condition in found.get("conditions") or ():
        gated = condition.get("reason") == "SchedulingGated"
        if condition.get("type") == "PodScheduled" and gated:
            tally.reason = "SchedulingGated"
    _read_init_containers(pod, tally)
    if not tally.initializing or has_condition(pod, "Initialized"):
        _read_containers(pod, tally)
    if meta(pod).get("deletionTimestamp"):
        if found.get("reason") == _UNREACHABLE:
            tally.reason = "Unknown"
        elif phase not in ("Succeeded", "Failed"):
            tally.reason = "Terminating"
    return tally


def pod_status(pod: Object) -> str:
    """The word of the STATUS column."""
    return _tally(pod).reason


def _gates(pod: Object) -> str:
    gates = spec(pod).get("readinessGates") or ()
    if not gates:
        return NONE
    true = sum(1 for gate in gates if has_condition(pod, str(gate.get("conditionType"))))
    return f"{true}/{len(gates)}"


def _cells(pod: Object, now_s: float) -> list[Any]:
    tally = _tally(pod)
    total = len(spec(pod).get("containers") or ()) + len(_sidecars(pod))
    restarts = str(tally.restarts)
    if tally.restarts and tally.last_restart_s is not None:
        restarts += f" ({human_duration(now_s - tally.last_restart_s)} ago)"
    ips = status(pod).get("podIPs") or ()
    ip = (ips[0].get("ip") if ips else status(pod).get("podIP")) or NONE
    return [
        name(pod),
        f"{tally.ready}/{total}",
        tally.reason,
        restarts,
        age(pod, now_s),
        ip,
        spec(pod).get("nodeName") or NONE,
        status(pod).get("nominatedNodeName") or NONE,
        _gates(pod),
    ]


def _row_conditions(pod: Object) -> list[Object]:
    phase = status(pod).get("phase")
    messages = {"Succeeded": "The pod has completed successfully.", "Failed": "The pod failed."}
    if phase not in messages:
        return []
    made = {"type": "Completed", "status": "True", "reason": phase, "message": messages[phase]}
    return [made]


POD = Printer(
    columns(
        "Name",
        "Ready",
        "Status",
        "Restarts",
        "Age",
        "+IP",
        "+Node",
        "+Nominated Node",
        "+Readiness Gates",
    ),
    _cells,
    _row_conditions,
)
