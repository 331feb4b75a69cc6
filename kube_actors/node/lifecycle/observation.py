"""Everything a kubelet knows of one pod beside its object, as one value.

The deciders (actions, status) read a pod's JSON and an ``Observed`` and nothing else, so each of
their tables is data. Runs that the runtime has lost are rebuilt from the pod's last status:
that is how a kubelet that starts on an empty machine knows what ran before.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import field, frozen

from kube_actors.api import Object
from kube_actors.node.backoff import Backoff
from kube_actors.node.probes import ProbeView
from kube_actors.node.runtimes import ContainerState, ContainerStatus, ImageStatus, SandboxStatus
from kube_actors.node.timestamps import parse_timestamp

Runs = Mapping[str, Sequence[ContainerStatus]]


@frozen
class Problem:
    """Why a container cannot be created yet, and when it is worth another try."""

    reason: str
    message: str
    retry_at: float


@frozen
class Rejection:
    """The node refused the pod (OutOfcpu …): it has failed before it began."""

    reason: str
    message: str


@frozen
class Observed:
    """``runs`` are by container name, oldest first; ``stale`` names those older than the sandbox.

    ``stopping`` maps container ids told to stop to when they will be killed; ``hooking`` are ids
    whose postStart hook still runs; ``images`` and ``problems`` are by container name;
    ``backoffs`` by ``restart/<name>`` and ``image/<name>``. ``sandbox_problem``: its address or
    volumes are missing. ``gone``: no longer in the API.
    """

    accepted_at: float
    host_ip: str
    ip: str = ""
    sandbox: SandboxStatus | None = None
    runs: Runs = field(factory=dict)
    stale: frozenset[str] = frozenset()
    images: Mapping[str, ImageStatus] = field(factory=dict)
    probes: Mapping[str, ProbeView] = field(factory=dict)
    problems: Mapping[str, Problem] = field(factory=dict)
    backoffs: Mapping[str, Backoff] = field(factory=dict)
    stopping: Mapping[str, float] = field(factory=dict)
    hooking: frozenset[str] = frozenset()
    rejection: Rejection | None = None
    sandbox_problem: Problem | None = None
    gone: bool = False

    def newest(self, name: str) -> ContainerStatus | None:
        """Return the container's last run, or None when it never had one."""
        runs = self.runs.get(name)
        return runs[-1] if runs else None


def recover_runs(pod: Object, known: Runs, now: float) -> tuple[Runs, frozenset[str]]:
    """Add the runs that only the pod's status remembers; return them with their names.

    A run that was under way counts as ended with 137 and reason ContainerStatusUnknown.
    """
    status = pod.get("status") or {}
    recovered: dict[str, Sequence[ContainerStatus]] = dict(known)
    stale: list[str] = []
    for field_name in ("initContainerStatuses", "containerStatuses"):
        for entry in status.get(field_name) or ():
            if entry["name"] in known:
                continue
            run = _recover(pod, entry, now)
            if run is not None:
                recovered[entry["name"]] = (run,)
                stale.append(entry["name"])
    return recovered, frozenset(stale)


def _recover(pod: Object, entry: dict[str, Any], now: float) -> ContainerStatus | None:
    state = entry.get("state") or {}
    running = state.get("running")
    ended = state.get("terminated") or (entry.get("lastState") or {}).get("terminated")
    if running is not None:
        ended = {
            "exitCode": 137,
            "reason": "ContainerStatusUnknown",
            "message": "The container could not be located when the pod was terminated",
            "startedAt": running.get("startedAt"),
            "containerID": entry.get("containerID", ""),
        }
    if not ended:
        return None
    return ContainerStatus(
        id=ended.get("containerID") or entry.get("containerID") or "",
        pod_uid=pod["metadata"]["uid"],
        name=entry["name"],
        attempt=int(entry.get("restartCount") or 0),
        state=ContainerState.EXITED,
        image=entry.get("image", ""),
        image_ref=entry.get("imageID", ""),
        created_at=0.0,
        started_at=parse_timestamp(ended.get("startedAt")),
        finished_at=parse_timestamp(ended.get("finishedAt")) or now,
        exit_code=int(ended.get("exitCode") or 0),
        reason=ended.get("reason") or "",
        message=ended.get("message") or "",
    )
