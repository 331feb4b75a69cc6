"""Namespaces that stay, as the controllers that keep something in each of them see them.

One that is being deleted counts as gone: what is put into it now would only be in the way.
"""

from attrs import frozen

from kube_actors.api import Object
from kube_actors.controllers.loop import Record, View, identity


@frozen
class NamespaceRecord(Record):
    """``active`` until it is being deleted."""

    active: bool


def namespace_record(obj: Object) -> NamespaceRecord:
    """Keep whether a namespace stays."""
    phase = (obj.get("status") or {}).get("phase")
    leaving = phase == "Terminating" or obj["metadata"].get("deletionTimestamp")
    return NamespaceRecord(*identity(obj), active=not leaving)


def namespace_keys(
    _view: View, old: NamespaceRecord | None, new: NamespaceRecord | None
) -> tuple[str, ...]:
    """Wake a namespace that stays."""
    return (new.name,) if new is not None and new.active and old != new else ()


def namespace_of_object(_view: View, old: Record | None, new: Record | None) -> tuple[str, ...]:
    """Wake the namespace of an object that came, changed or went."""
    record = new if new is not None else old
    return () if old == new or record is None else (record.namespace,)
