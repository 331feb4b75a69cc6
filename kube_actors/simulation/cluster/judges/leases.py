"""Whether leaders' leases change hands only when the old leader must have stopped.

A candidate may wait by a clock that is off and runs fast, a leader renews by one that runs slow.
The stamps in a lease are made by machines' clocks; what they meant is known here, for the world
keeps every clock. A leader that fails to renew stops ``renew_deadline_s`` after it last began to.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from attrs import frozen

from kube_actors.simulation.cluster.history import Change
from kube_actors.simulation.cluster.promises import Breaches

LEASES = "coordination.k8s.io/leases"
ELECTED_IN = "kube-system"


@frozen
class _Held:
    holder: str
    renewed_s: float


class LeaseExclusive:
    """``lease-exclusive``, judged when a lease changes hands. A listener of the history.

    ``true_s`` says when it was, by the world's clock, that a machine's wall clock read a time.
    """

    def __init__(
        self, breaches: Breaches, renew_deadline_s: float, true_s: Callable[[str, float], float]
    ) -> None:
        self._breaches = breaches
        self._renew_deadline_s = renew_deadline_s
        self._true_s = true_s
        self._held: dict[str, _Held] = {}
        self.handed_over = 0

    def __call__(self, change: Change) -> None:
        if change.resource != LEASES or f"/{ELECTED_IN}/" not in change.key:
            return
        before = self._held.get(change.key)
        spec: dict[str, Any] = (change.object or {}).get("spec") or {}
        holder = str(spec.get("holderIdentity") or "")
        if not holder:
            self._held.pop(change.key, None)
            return
        read_s = datetime.fromisoformat(spec["renewTime"]).timestamp()
        renewed_s = self._true_s(holder, read_s)
        self._held[change.key] = _Held(holder, renewed_s)
        if before is None or before.holder == holder:
            return
        self.handed_over += 1
        waited_s = renewed_s - before.renewed_s
        if waited_s < self._renew_deadline_s:
            text = (
                f"{change.key} went from {before.holder} to {holder} {waited_s:.2f} s after it was"
                f" renewed at revision {change.revision}: the old one leads for"
                f" {self._renew_deadline_s:g} s"
            )
            self._breaches.found("lease-exclusive", text)
