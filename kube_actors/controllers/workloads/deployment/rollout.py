"""How large each ReplicaSet of a Deployment should be: the arithmetic of a rollout.

Pure numbers in, pure numbers out. Two promises hold at every step: never more than ``replicas +
max_surge`` pods are asked for, and nothing is scaled down that would leave fewer than ``replicas -
max_unavailable`` pods available. The rules are Kubernetes' (pkg/controller/deployment/rolling.go,
sync.go, util/deployment_util.go).
"""

from collections.abc import Sequence
from math import floor
from typing import Any

from attrs import evolve, frozen

from kube_actors.controllers.objects import scaled_value


@frozen
class Size:
    """One ReplicaSet: what it is asked for, what is available, and its place in time.

    ``max_replicas`` is what its Deployment could have had when it was last scaled (0: unknown).
    """

    name: str
    replicas: int
    available: int = 0
    created: tuple[float, str] = (0.0, "")
    max_replicas: int = 0


@frozen
class Strategy:
    """``replicas`` wanted; ``max_surge`` and ``max_unavailable`` are resolved counts of pods."""

    replicas: int
    rolling: bool
    max_surge: int
    max_unavailable: int

    @property
    def total_max(self) -> int:
        """The most pods that may be asked for at once, old and new together."""
        return self.replicas + self.max_surge


def strategy_of(spec: dict[str, Any]) -> Strategy:
    """Read a Deployment's spec: surge rounds up, unavailable rounds down, never both zero."""
    replicas = spec.get("replicas", 1)
    strategy = spec.get("strategy") or {}
    if strategy.get("type", "RollingUpdate") != "RollingUpdate":
        return Strategy(replicas, False, 0, 0)
    rolling = strategy.get("rollingUpdate") or {}
    surge = scaled_value(rolling.get("maxSurge", "25%"), replicas, round_up=True)
    unavailable = scaled_value(rolling.get("maxUnavailable", "25%"), replicas, round_up=False)
    if surge == 0 and unavailable == 0:
        unavailable = 1
    return Strategy(replicas, True, surge, min(unavailable, replicas))


def total(sizes: Sequence[Size]) -> int:
    """Sum up how many pods the sets are asked for."""
    return sum(size.replicas for size in sizes)


def new_size(strategy: Strategy, new: Size | None, old: Sequence[Size]) -> int:
    """Tell how large the new ReplicaSet may become now."""
    current = 0 if new is None else new.replicas
    if not strategy.rolling or current > strategy.replicas:
        return strategy.replicas
    room = strategy.total_max - total(old) - current
    if room <= 0:
        return current
    return current + min(room, strategy.replicas - current)


def scale_down_old(strategy: Strategy, new: Size, old: Sequence[Size]) -> dict[str, int]:
    """Give smaller sizes for old ReplicaSets: first what is unhealthy, then what can be spared."""
    if total(old) == 0:
        return {}
    available_min = strategy.replicas - strategy.max_unavailable
    new_unavailable = new.replicas - new.available
    spare = total(old) + new.replicas - available_min - new_unavailable
    if spare <= 0:
        return {}
    changed: dict[str, int] = {}
    kept: list[Size] = []
    for size in sorted(old, key=lambda size: size.created):
        unhealthy = min(spare, max(0, size.replicas - size.available))
        if unhealthy:
            spare -= unhealthy
            size = evolve(size, replicas=size.replicas - unhealthy)
            changed[size.name] = size.replicas
        kept.append(size)
    available = new.available + sum(size.available for size in kept)
    healthy_spare = available - available_min
    for size in kept:
        if healthy_spare <= 0:
            break
        fewer = min(size.replicas, healthy_spare)
        if fewer:
            healthy_spare -= fewer
            changed[size.name] = size.replicas - fewer
    return changed


def proportional(strategy: Strategy, active: Sequence[Size], reported: int) -> dict[str, int]:
    """Spread a change of scale over several active ReplicaSets by their share.

    ``reported`` (the status's replicas) is the base of the share where a set records none.
    """
    allowed = strategy.total_max if strategy.replicas > 0 else 0
    to_add = allowed - total(active)
    if to_add == 0:
        return {size.name: size.replicas for size in active}
    # Growing favours the larger then newer set, shrinking the larger then older.
    if to_add > 0:
        ordered = sorted(active, key=lambda size: size.created, reverse=True)
    else:
        ordered = sorted(active, key=lambda size: size.created)
    ordered.sort(key=lambda size: -size.replicas)
    added = 0
    result: dict[str, int] = {}
    for size in ordered:
        share = _share(strategy, size, reported)
        left = to_add - added
        share = 0 if left == 0 else min(share, left) if to_add > 0 else max(share, left)
        result[size.name] = size.replicas + share
        added += share
    first = ordered[0].name
    result[first] = max(0, result[first] + to_add - added)
    return result


def _share(strategy: Strategy, size: Size, reported: int) -> int:
    if strategy.replicas == 0:
        return -size.replicas
    before = size.max_replicas or reported
    if before <= 0:
        return 0
    # Go rounds halves away from zero; sizes are never negative here.
    return floor(size.replicas * strategy.total_max / before + 0.5) - size.replicas
