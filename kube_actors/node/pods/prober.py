"""Runs the probes of a node's containers on the node's timers.

A real probe is a short task when its time has come; a scripted one is answered on the spot and
not asked again before its answer can change, so a thousand simulated pods cost nothing while
nothing happens to them. A pod is looked at again only when a verdict changed.
"""

from functools import partial
from typing import Any

from attrs import evolve

from kube_actors.api import Object
from kube_actors.node.pods.context import NodeContext
from kube_actors.node.pods.entry import PodEntry, Probe
from kube_actors.node.probes import (
    EAGER_S,
    ProbeFailed,
    ProbeTrack,
    first_track,
    is_settled,
    perform,
    probe_of,
    record,
)
from kube_actors.node.runtimes import ContainerStatus, ProbeKind


class Prober:
    """One per kubelet; a pod whose verdict changed comes into its queue."""

    def __init__(self, context: NodeContext) -> None:
        self._clock = context.clock
        self._runtime = context.runtime
        self._tasks = context.tasks
        self._queue = context.queue
        self._events = context.events

    def follow(
        self, entry: PodEntry, pod: Object, running: dict[str, ContainerStatus], now: float
    ) -> None:
        """Begin to probe runs that are new, stop probing those that are over."""
        for key, probe in list(entry.probes.items()):
            run = running.get(key[0])
            if run is None or run.id != probe.container_id:
                del entry.probes[key]
        ending = entry.gone or bool(pod["metadata"].get("deletionTimestamp"))
        spec = pod["spec"]
        for container in (*(spec.get("initContainers") or ()), *spec["containers"]):
            run = running.get(container["name"])
            if run is None:
                continue
            for kind in ProbeKind:
                if ending and kind is not ProbeKind.READINESS:
                    entry.probes.pop((run.name, kind), None)
                elif (run.name, kind) not in entry.probes:
                    self._begin(entry, pod, container, run, kind, now)

    def _begin(
        self,
        entry: PodEntry,
        pod: Object,
        container: dict[str, Any],
        run: ContainerStatus,
        kind: ProbeKind,
        now: float,
    ) -> None:
        spec = probe_of(container, kind)
        if spec is None:
            return
        startup = entry.probes.get((run.name, ProbeKind.STARTUP))
        if kind is not ProbeKind.STARTUP and startup is not None and not startup.track.verdict:
            return
        track = first_track(spec, run.started_at, now)
        if _was_well(pod, run, kind):
            track = evolve(track, verdict=True, last=True, in_a_row=spec.success_threshold)
        probe = entry.probes[run.name, kind] = Probe(run.id, spec, track)
        if track.next_at <= now:
            self._fire(entry, run.name, probe)
        else:
            self._arm(entry, run.name, probe)

    def _arm(self, entry: PodEntry, name: str, probe: Probe) -> None:
        self._queue.timers.at(probe.track.next_at, partial(self._fire, entry, name, probe))

    def _fire(self, entry: PodEntry, name: str, probe: Probe) -> None:
        """Ask now, unless the run that this was armed for is over."""
        if entry.probes.get((name, probe.spec.kind)) is not probe or probe.flying:
            return
        kind = probe.spec.kind
        if kind is ProbeKind.STARTUP and probe.track.verdict is not None:
            return
        now = self._clock.now()
        scripted = self._runtime.scripted_probe(probe.container_id, kind, now)
        if scripted is None:
            probe.flying = True
            self._tasks.start_soon(self._ask, entry, name, probe)
            return
        message = "" if scripted.success else scripted.message
        self._answer(entry, name, probe, scripted.success, message)
        if is_settled(probe.track):
            later = max(probe.track.next_at, scripted.valid_until)
            probe.track = evolve(probe.track, next_at=later)
        elif not scripted.success and probe.track.verdict is None:
            later = min(now + probe.spec.period_s, max(scripted.valid_until, now + EAGER_S))
            probe.track = evolve(probe.track, next_at=later)
        self._arm(entry, name, probe)

    async def _ask(self, entry: PodEntry, name: str, probe: Probe) -> None:
        success, message = True, ""
        container = _container(entry.object(), name)
        try:
            await perform(
                probe.spec.action,
                container,
                probe.container_id,
                entry.ip,
                self._runtime,
                probe.spec.timeout_s,
            )
        except ProbeFailed as failure:
            success, message = False, str(failure)
        probe.flying = False
        if entry.probes.get((name, probe.spec.kind)) is probe:
            self._answer(entry, name, probe, success, message)
            self._arm(entry, name, probe)
            self._queue.nudge()

    def _answer(
        self, entry: PodEntry, name: str, probe: Probe, success: bool, message: str
    ) -> None:
        before: ProbeTrack = probe.track
        now = self._clock.now()
        probe.track = record(before, probe.spec, success, now)
        eager = before.verdict is None and probe.track.next_at - now < probe.spec.period_s
        if not success and not is_settled(before) and not eager:
            kind = probe.spec.kind.value.capitalize()
            text = f"{kind} probe failed: {message}"
            self._events.record(entry, "Warning", "Unhealthy", text, name)
        if probe.track.verdict is not before.verdict:
            self._queue.look(entry.uid)


def _was_well(pod: Object, run: ContainerStatus, kind: ProbeKind) -> bool:
    """A run adopted from before the kubelet's restart keeps the verdict it was reported with."""
    status = pod.get("status") or {}
    for field in ("containerStatuses", "initContainerStatuses"):
        for reported in status.get(field) or ():
            if reported.get("containerID") == run.id:
                wanted = "ready" if kind is ProbeKind.READINESS else "started"
                return kind is not ProbeKind.LIVENESS and bool(reported.get(wanted))
    return False


def _container(pod: Object, name: str) -> dict[str, Any]:
    spec = pod["spec"]
    every = (*spec["containers"], *(spec.get("initContainers") or ()))
    return next(container for container in every if container["name"] == name)
