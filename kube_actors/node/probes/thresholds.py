"""When a container is probed next, and what a result means.

One ``ProbeTrack`` follows one probe of one container run: it counts successes and failures in a row
and turns them into a verdict by the probe's thresholds. Pure: results and times are given.
Readiness starts False, liveness starts True, startup is undecided until it succeeds or fails.
"""

from typing import Any

from attrs import evolve, frozen

from kube_actors.node.runtimes import ProbeKind


@frozen
class ProbeSpec:
    """A container's probe with Kubernetes' defaults filled in; ``action`` is the probe itself."""

    kind: ProbeKind
    action: dict[str, Any]
    initial_delay_s: float
    period_s: float
    timeout_s: float
    success_threshold: int
    failure_threshold: int
    grace_s: float | None


@frozen
class ProbeTrack:
    """``verdict`` is None until a threshold is reached the first time."""

    next_at: float
    verdict: bool | None = None
    last: bool | None = None
    in_a_row: int = 0


_FIELDS = {
    ProbeKind.STARTUP: "startupProbe",
    ProbeKind.LIVENESS: "livenessProbe",
    ProbeKind.READINESS: "readinessProbe",
}


def probe_of(container: dict[str, Any], kind: ProbeKind) -> ProbeSpec | None:
    """Return the container's probe of this kind, or None."""
    probe = container.get(_FIELDS[kind])
    if not probe:
        return None
    return ProbeSpec(
        kind=kind,
        action=probe,
        initial_delay_s=float(probe.get("initialDelaySeconds") or 0),
        period_s=float(probe.get("periodSeconds") or 10),
        timeout_s=float(probe.get("timeoutSeconds") or 1),
        success_threshold=int(probe.get("successThreshold") or 1),
        failure_threshold=int(probe.get("failureThreshold") or 3),
        grace_s=probe.get("terminationGracePeriodSeconds"),
    )


EAGER_S = 0.02


def first_track(spec: ProbeSpec, running_since: float, now: float) -> ProbeTrack:
    """Start following a probe of a container that runs since ``running_since``.

    Liveness without a delay of its own is first asked after a period: at the very start it could
    only tell that the program is not up yet.
    """
    delay_s = spec.initial_delay_s
    if spec.kind is ProbeKind.LIVENESS and not delay_s:
        delay_s = spec.period_s
    return ProbeTrack(next_at=max(running_since + delay_s, now))


def record(track: ProbeTrack, spec: ProbeSpec, success: bool, now: float) -> ProbeTrack:
    """Count one result and plan the next probe one period later.

    A container that was never ready is asked again after 40 ms, 80 ms … up to the period: failing
    tells nothing new of it, and waiting would.
    """
    in_a_row = track.in_a_row + 1 if track.last is success else 1
    eager_s = EAGER_S * 2.0 ** min(in_a_row, 20)
    never_ready = spec.kind is ProbeKind.READINESS and track.verdict is None
    if never_ready and not success and eager_s < spec.period_s:
        return evolve(track, next_at=now + eager_s, last=False, in_a_row=in_a_row)
    threshold = spec.success_threshold if success else spec.failure_threshold
    verdict = success if in_a_row >= threshold else track.verdict
    return evolve(
        track, next_at=now + spec.period_s, verdict=verdict, last=success, in_a_row=in_a_row
    )


def is_settled(track: ProbeTrack) -> bool:
    """Another result like the last would change nothing."""
    return track.verdict is not None and track.verdict is track.last


@frozen
class ProbeView:
    """What the probes of one container say together; see ``view``."""

    started: bool
    ready: bool
    failed: ProbeKind | None = None


def view(
    container: dict[str, Any], tracks: dict[ProbeKind, ProbeTrack], running: bool
) -> ProbeView:
    """Combine the verdicts: a missing startup probe has started, a missing readiness is ready.

    Liveness and readiness only count once it has started (startup gating).
    """
    if not running:
        return ProbeView(False, False)
    startup = tracks.get(ProbeKind.STARTUP)
    has_startup = bool(container.get("startupProbe"))
    if has_startup and (startup is None or startup.verdict is None):
        return ProbeView(False, False)
    if startup is not None and startup.verdict is False:
        return ProbeView(False, False, ProbeKind.STARTUP)
    liveness = tracks.get(ProbeKind.LIVENESS)
    failed = ProbeKind.LIVENESS if liveness is not None and liveness.verdict is False else None
    if not container.get("readinessProbe"):
        return ProbeView(True, True, failed)
    readiness = tracks.get(ProbeKind.READINESS)
    return ProbeView(True, readiness is not None and readiness.verdict is True, failed)
