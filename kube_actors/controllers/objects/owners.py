"""From a controlled object to its owner: which keys an event wakes, and the workload itself.

A workload is kept whole under its key and by its uid; what it controls stands under ``owner_uid``.
An event about a controlled object wakes the object that controls it, and the one that did so just
before; an object that nobody controls wakes every workload that could adopt it.
"""

from collections.abc import Callable
from typing import Any

from kube_actors.api import Object, StatusError
from kube_actors.api.selectors import LabelSelector, from_label_selector
from kube_actors.controllers.loop import Key, View, Whole, attribute_index, key_of, split_key

BY_UID = {"uid": attribute_index("uid")}
BY_OWNER = {"owner_uid": attribute_index("owner_uid")}

WakeUp = Callable[[View, Any, Any], list[Key]]


def workload(view: View, kind: str, key: Key) -> Object | None:
    """Decode a workload; None when it is gone or has no pod template to make pods of."""
    record: Whole | None = view.get(kind, *split_key(key))
    if record is None:
        return None
    obj = record.object()
    return obj if (obj.get("spec") or {}).get("template") else None


def owner_keys(kind: str) -> WakeUp:
    """Wake the object of ``kind`` (indexed by ``uid``) that controls the changed one, or did."""

    def keys(view: View, old: Any, new: Any) -> list[Key]:
        if old == new:
            return []
        uids = [record.owner_uid for record in (old, new) if record is not None]
        return [
            key_of(owner.namespace, owner.name)
            for uid in dict.fromkeys(uids)
            if uid
            for owner in view.indexed(kind, "uid", uid)
        ]

    return keys


def claimant_keys(kind: str, selector: Callable[[Any], LabelSelector | None]) -> WakeUp:
    """Wake the owner, or for an orphan those of ``kind`` whose selector matches its labels.

    ``kind`` is indexed by ``uid`` and ``namespace``; ``selector`` reads it from a record of it.
    """
    of_owner = owner_keys(kind)

    def keys(view: View, old: Any, new: Any) -> list[Key]:
        woken = of_owner(view, old, new)
        if old == new or new is None or new.owner_uid or new.deleting:
            return woken
        for candidate in view.indexed(kind, "namespace", new.namespace):
            matcher = selector(candidate)
            if matcher is not None and matcher.matches(new.labels):
                woken.append(key_of(candidate.namespace, candidate.name))
        return woken

    return keys


def workload_selector(selector: Any) -> LabelSelector | None:
    """Read a workload's selector; None for one that is empty or cannot be read: it owns nothing."""
    try:
        read = from_label_selector(selector)
    except StatusError:
        return None
    return None if read.empty else read
