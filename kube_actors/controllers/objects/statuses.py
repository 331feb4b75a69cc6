"""How a controller writes a status: as a guarded merge patch, and only when it differs.

A patch names the uid and the resource version the decision was made from, so a stale or deposed
writer gets 409 instead of overwriting; a controller then needs no full object to write a status.
"""

from collections.abc import Mapping
from typing import Any

from kube_actors.api import Object
from kube_actors.controllers.loop import Patch, Reference, reference_to


def write_status(obj: Object, new: Mapping[str, Any]) -> tuple[Patch, ...]:
    """Bring a whole object's status to ``new``; no effect if they say the same."""
    version = obj["metadata"]["resourceVersion"]
    return status_patch(reference_to(obj), version, obj.get("status") or {}, new)


def status_patch(
    about: Reference, resource_version: int | str, old: Mapping[str, Any], new: Mapping[str, Any]
) -> tuple[Patch, ...]:
    """Bring a status from ``old`` to ``new``; no effect if they say the same.

    A member that is 0, False or empty and was absent is no reason to write, but is written along.
    """
    changes: dict[str, Any] = {}
    for member in sorted({*old, *new}):
        before, after = old.get(member), new.get(member)
        if before != after and (before or after):
            changes[member] = _replacing(before, after)
    if not changes:
        return ()
    changes |= {member: value for member, value in new.items() if member not in old}
    guard = {"uid": about.uid, "resourceVersion": str(resource_version)}
    body = {"metadata": guard, "status": changes}
    return (Patch(about.kind, about.namespace, about.name, body, subresource="status"),)


def _replacing(before: Any, after: Any) -> Any:
    """Give what makes ``after`` of ``before``: a merge patch keeps keys that it does not name."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        return {**dict.fromkeys(before), **after}
    return after
