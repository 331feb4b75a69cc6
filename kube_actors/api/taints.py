"""Taints and what tolerates them, by core/v1's rules (``Toleration.ToleratesTaint``).

The scheduler, the DaemonSet controller and taint eviction all ask the same question of the same
few tolerations, so they are read once: equal ones, of thousands of pods, are one tuple.
"""

from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from typing import Any

from attrs import frozen

NOT_READY = "node.kubernetes.io/not-ready"
UNREACHABLE = "node.kubernetes.io/unreachable"
UNSCHEDULABLE = "node.kubernetes.io/unschedulable"


@frozen
class Taint:
    """What keeps pods from a node; ``effect`` is NoSchedule, PreferNoSchedule or NoExecute."""

    key: str
    value: str
    effect: str


@frozen
class Toleration:
    """``key`` or ``effect`` "" mean any; ``for_s`` None tolerates for ever."""

    key: str = ""
    operator: str = "Equal"
    value: str = ""
    effect: str = ""
    for_s: int | None = None

    def tolerates(self, taint: Taint) -> bool:
        """Whether it outweighs the taint; for how long is ``for_s``."""
        if self.effect and self.effect != taint.effect:
            return False
        if self.key and self.key != taint.key:
            return False
        if self.operator == "Exists":
            return True
        return bool(self.key) and self.value == taint.value


def tolerations_of(spec: Mapping[str, Any]) -> tuple[Toleration, ...]:
    """Read a pod spec's tolerations; equal ones come back as the same tuple."""
    return _shared(
        tuple(
            (
                each.get("key") or "",
                each.get("operator") or "Equal",
                each.get("value") or "",
                each.get("effect") or "",
                each.get("tolerationSeconds"),
            )
            for each in spec.get("tolerations") or ()
        )
    )


@lru_cache(maxsize=4096)
def _shared(said: tuple[tuple[str, str, str, str, int | None], ...]) -> tuple[Toleration, ...]:
    return tuple(Toleration(*each) for each in said)


def taints_of(node: Mapping[str, Any]) -> tuple[Taint, ...]:
    """Read a node's taints."""
    return tuple(
        Taint(each["key"], each.get("value") or "", each["effect"])
        for each in (node.get("spec") or {}).get("taints") or ()
    )


def repelled(tolerations: Collection[Toleration], taints: Iterable[Taint]) -> bool:
    """Tell whether a NoSchedule or NoExecute taint keeps a pod with these tolerations away."""
    return any(
        taint.effect != "PreferNoSchedule"
        and not any(each.tolerates(taint) for each in tolerations)
        for taint in taints
    )
