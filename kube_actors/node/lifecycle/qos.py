"""A pod's quality of service class, from its requests and limits. Pure."""

from typing import Any

from kube_actors.api import Object, parse_quantity


def qos_class(pod: Object) -> str:
    """Guaranteed: every container limits cpu and memory at its requests; BestEffort: none asks."""
    spec = pod["spec"]
    containers = [*(spec.get("initContainers") or ()), *spec["containers"]]
    resources = [container.get("resources") or {} for container in containers]
    if not any(_asks(r.get("requests")) or _asks(r.get("limits")) for r in resources):
        return "BestEffort"
    return "Guaranteed" if all(_is_guaranteed(r) for r in resources) else "Burstable"


def _asks(amounts: dict[str, Any] | None) -> bool:
    return any(
        name in ("cpu", "memory") and bool(parse_quantity(amount))
        for name, amount in (amounts or {}).items()
    )


def _is_guaranteed(resources: dict[str, Any]) -> bool:
    limits = resources.get("limits") or {}
    requests = resources.get("requests") or limits
    return all(
        name in limits
        and bool(parse_quantity(limits[name]))
        and parse_quantity(requests.get(name, limits[name])) == parse_quantity(limits[name])
        for name in ("cpu", "memory")
    )
