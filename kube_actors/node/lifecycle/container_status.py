"""One entry of ``containerStatuses``: state, last state, readiness, restarts. Pure."""

from typing import Any

from kube_actors.node.lifecycle.assessment import Assessment, Need, is_sidecar
from kube_actors.node.lifecycle.observation import Observed
from kube_actors.node.probes import ProbeView
from kube_actors.node.runtimes import ContainerState, ContainerStatus
from kube_actors.node.timestamps import format_timestamp

Entry = dict[str, Any]


def container_status(
    container: dict[str, Any],
    found: Assessment,
    observed: Observed,
    waiting_reason: str,
    old: dict[str, Entry],
    *,
    init: bool,
) -> Entry:
    """``waiting_reason`` is shown while it has no reason of its own (ContainerCreating …).

    ``old`` are the entries the API has, by name: where the runtime kept no previous run, the
    last state reported stays.
    """
    name = found.name
    reported = old.get(name) or {}
    state = _state(found, observed, "PodInitializing" if init else waiting_reason)
    run = found.run
    view = observed.probes.get(name, ProbeView(False, False))
    entry: Entry = {
        "name": name,
        "state": state,
        "lastState": _last_state(found, state, reported),
        "ready": is_ready(container, found, observed, init=init),
        "restartCount": run.attempt if run is not None else int(reported.get("restartCount") or 0),
        "image": (run.image if run is not None else "") or container.get("image", ""),
        "imageID": run.image_ref if run is not None else "",
        "started": view.started and "running" in state,
    }
    if run is not None and run.id:
        entry["containerID"] = run.id
    return entry


def is_ready(
    container: dict[str, Any], found: Assessment, observed: Observed, *, init: bool = False
) -> bool:
    """An app or sidecar is ready when its probes say so, an init container once it succeeded."""
    if init and not is_sidecar(container):
        return found.succeeded
    if not found.running or (found.run is not None and found.run.id in observed.hooking):
        return False
    return observed.probes.get(found.name, ProbeView(False, False)).ready


def _state(found: Assessment, observed: Observed, waiting_reason: str) -> Entry:
    run = found.run
    if run is not None and run.state is ContainerState.RUNNING and run.id not in observed.hooking:
        return {"running": {"startedAt": format_timestamp(run.started_at)}}
    if run is not None and run.state is not ContainerState.EXITED:
        return {"waiting": {"reason": waiting_reason}}
    if found.need is Need.WAIT and found.reason:
        waiting = {"reason": found.reason}
        if found.message:
            waiting["message"] = found.message
        return {"waiting": waiting}
    if run is not None:
        return {"terminated": _terminated(run)}
    return {"waiting": {"reason": waiting_reason}}


def _last_state(found: Assessment, state: Entry, reported: Entry) -> Entry:
    if "waiting" in state and found.run is not None:
        ended = found.run if found.run.state is ContainerState.EXITED else found.previous
    else:
        ended = found.previous
    if ended is not None and ended.state is ContainerState.EXITED:
        return {"terminated": _terminated(ended)}
    if found.attempt > 0 or found.run is None:
        return dict(reported.get("lastState") or {})
    return {}


def _terminated(run: ContainerStatus) -> Entry:
    reason = run.reason or ("Completed" if run.exit_code == 0 else "Error")
    ended: Entry = {"exitCode": run.exit_code, "reason": reason}
    if run.message:
        ended["message"] = run.message
    ended["startedAt"] = format_timestamp(run.started_at)
    ended["finishedAt"] = format_timestamp(run.finished_at)
    if run.id:
        ended["containerID"] = run.id
    return ended
