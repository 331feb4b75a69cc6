"""A pod's priority is the number of its priority class, or of the default class, or zero."""

from typing import Any

from kube_actors.api import Kind, Object, errors
from kube_actors.apiserver.cache import WatchCache

_GROUP = "scheduling.k8s.io"
_PODS = errors.Resource("", "pods", "Pod")


def admit(cache: WatchCache, pod: Object) -> None:
    """Set priority, class name and preemption policy; raises ``StatusError`` 403."""
    spec = pod.setdefault("spec", {})
    chosen = _chosen(cache, pod)
    value = int(chosen["value"]) if chosen else 0
    policy = (chosen or {}).get("preemptionPolicy") or "PreemptLowerPriority"
    name = pod["metadata"].get("name", "")
    given = spec.get("priority")
    if given is not None and given != value:
        raise errors.forbidden(
            _PODS,
            name,
            f"the integer value of priority ({given}) must not be provided in pod spec; "
            "priority admission controller computed "
            f"{value} from the given PriorityClass name",
        )
    if chosen:
        spec["priorityClassName"] = chosen["metadata"]["name"]
    spec["priority"] = value
    spec.setdefault("preemptionPolicy", policy)


def _chosen(cache: WatchCache, pod: Object) -> dict[str, Any] | None:
    classes = cache.resource(_GROUP, "priorityclasses")
    name = pod["spec"].get("priorityClassName")
    if name:
        entry = classes.get("", name)
        if entry is None:
            raise errors.forbidden(
                _PODS,
                pod["metadata"].get("name", ""),
                f"no PriorityClass with name {name} was found",
            )
        return entry.decode()
    defaults = [found for entry in classes.entries() if (found := entry.decode())["value"]]
    defaults = [found for found in defaults if found.get("globalDefault")]
    return min(defaults, key=lambda found: int(found["value"])) if defaults else None


def admit_class(cache: WatchCache, kind: Kind, obj: Object) -> None:
    """Refuse a second default class."""
    if not obj.get("globalDefault"):
        return
    for entry in cache.resource(_GROUP, "priorityclasses").entries():
        if entry.name != obj["metadata"].get("name") and entry.decode().get("globalDefault"):
            raise errors.forbidden(
                kind,
                obj["metadata"].get("name", ""),
                f"PriorityClass {entry.name} is already marked as default. "
                "Only one default can exist",
            )
