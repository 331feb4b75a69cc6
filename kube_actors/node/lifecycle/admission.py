"""Whether a pod that was bound to the node fits it: the kubelet's own last check. Pure.

The scheduler may have decided on old news, and a pod may name its node itself. A pod that does not
fit fails at once with the reason (OutOfcpu, OutOfmemory, OutOfpods, NodeAffinity).
"""

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import frozen

from kube_actors.api import Object, parse_quantity
from kube_actors.node.lifecycle.assessment import is_sidecar
from kube_actors.node.lifecycle.observation import Rejection

RESOURCES = ("cpu", "memory", "ephemeral-storage")


@frozen
class Requests:
    """What a pod asks for: cpu in thousandths, the rest in bytes."""

    cpu: int = 0
    memory: int = 0
    ephemeral_storage: int = 0

    def amounts(self) -> tuple[int, int, int]:
        """Return the amounts in the order of ``RESOURCES``."""
        return self.cpu, self.memory, self.ephemeral_storage


def requests_of(pod: Object) -> Requests:
    """Sum the containers and sidecars, or the largest init container if that is more."""
    spec = pod["spec"]
    running = [_of_container(c) for c in spec["containers"]]
    running += [_of_container(c) for c in spec.get("initContainers") or () if is_sidecar(c)]
    alone = [_of_container(c) for c in spec.get("initContainers") or () if not is_sidecar(c)]
    overhead = _amounts(spec.get("overhead") or {})
    sums = [sum(values) for values in zip(*running, strict=True)]
    tops = [max(values) for values in zip(sums, *alone, strict=True)]
    return Requests(*(top + extra for top, extra in zip(tops, overhead, strict=True)))


def admit(
    pod: Object,
    others: Iterable[Requests],
    allocatable: Mapping[str, str],
    node_labels: Mapping[str, str],
) -> Rejection | None:
    """Return why the node cannot take ``pod`` beside ``others``, or None."""
    selector = pod["spec"].get("nodeSelector") or {}
    if any(node_labels.get(key) != value for key, value in selector.items()):
        return Rejection("NodeAffinity", "Predicate NodeAffinity failed")
    present = list(others)
    limit = parse_quantity(allocatable.get("pods", "110")).value()
    if len(present) + 1 > limit:
        return _rejection("pods", 1, len(present), limit)
    wanted = requests_of(pod).amounts()
    totals = [sum(values) for values in zip(*(r.amounts() for r in present), strict=True)]
    for name, asked, used in zip(RESOURCES, wanted, totals or (0, 0, 0), strict=True):
        if not asked or name not in allocatable:
            continue
        quantity = parse_quantity(allocatable[name])
        capacity = quantity.milli() if name == "cpu" else quantity.value()
        if used + asked > capacity:
            return _rejection(name, asked, used, capacity)
    return None


def _of_container(container: dict[str, Any]) -> tuple[int, int, int]:
    return _amounts((container.get("resources") or {}).get("requests") or {})


def _amounts(amounts: Mapping[str, Any]) -> tuple[int, int, int]:
    return (
        parse_quantity(amounts.get("cpu", 0)).milli(),
        parse_quantity(amounts.get("memory", 0)).value(),
        parse_quantity(amounts.get("ephemeral-storage", 0)).value(),
    )


def _rejection(resource: str, asked: int, used: int, capacity: int) -> Rejection:
    message = (
        f"Node didn't have enough resource: {resource}, requested: {asked}, used: {used}, "
        f"capacity: {capacity}"
    )
    return Rejection(f"OutOf{resource}", message)
