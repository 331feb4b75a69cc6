"""Words that many printers share: selectors, labels, containers, lists cut short."""

from collections.abc import Mapping, Sequence
from typing import Any

from kube_actors.api.errors import StatusError
from kube_actors.api.selectors import from_label_selector

NONE = "<none>"
UNSET = "<unset>"
UNKNOWN = "<unknown>"
Object = dict[str, Any]


def meta(obj: Object) -> Object:
    """Return the metadata, empty if there is none."""
    found: Object = obj.get("metadata") or {}
    return found


def spec(obj: Object) -> Object:
    """Return the spec, empty if there is none."""
    found: Object = obj.get("spec") or {}
    return found


def status(obj: Object) -> Object:
    """Return the status, empty if there is none."""
    found: Object = obj.get("status") or {}
    return found


def name(obj: Object) -> str:
    """Return the object's name, empty if it has none."""
    return str(meta(obj).get("name", ""))


def number(found: Mapping[str, Any], field: str, default: int = 0) -> int:
    """Return a count; a missing one or null is ``default``."""
    value = found.get(field)
    return default if value is None else int(value)


def labels_text(labels: Mapping[str, str] | None) -> str:
    """``a=b,c=d`` by key, ``<none>`` if there are none."""
    return ",".join(f"{key}={value}" for key, value in sorted((labels or {}).items())) or NONE


def selector_text(selector: Mapping[str, Any] | None) -> str:
    """A LabelSelector as one would type it."""
    try:
        return str(from_label_selector(selector)) or NONE
    except StatusError:
        return "<error>"


def pod_template(obj: Object) -> Object:
    """Return the pod template of a workload, empty if there is none."""
    template: Object = spec(obj).get("template") or {}
    return template


def containers_and_images(pod: Object) -> tuple[str, str]:
    """Names and images of the containers of a pod or pod template."""
    found = spec(pod).get("containers") or ()
    names = ",".join(str(each.get("name", "")) for each in found)
    images = ",".join(str(each.get("image", "")) for each in found)
    return names, images


def cut_short(listed: Sequence[str], most: int, empty: str = NONE) -> str:
    """The first ``most``, and how many more there are."""
    if not listed:
        return empty
    shown = ",".join(listed[:most])
    return f"{shown} + {len(listed) - most} more..." if len(listed) > most else shown


def has_condition(obj: Object, type_: str) -> bool:
    """Whether the status says that a condition is True."""
    return any(
        each.get("type") == type_ and each.get("status") == "True"
        for each in status(obj).get("conditions") or ()
    )
