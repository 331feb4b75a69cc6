"""What one running controller sees: its informers behind the ``View`` that it asks.

Beside the informers' projections it remembers what no view can show any more: which uids went, and
when the objects of a ``timed`` watch last gave a sign of life. Both memories die with the actor.
"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from kube_actors.api import BUILTIN
from kube_actors.client import Informer

DELETED_MAX = 4096


class InformerView:
    """A controller's informers as its ``View``."""

    def __init__(self, informers: dict[str, Informer[Any]]) -> None:
        self._informers = informers
        self._by_resource = {
            BUILTIN.find(kind).group_resource: informer for kind, informer in informers.items()
        }
        self._changed_s: dict[tuple[str, str, str], float] = {}
        self._deleted: OrderedDict[str, None] = OrderedDict()

    def get(self, kind: str, namespace: str, name: str) -> Any:
        """Read the kind's informer; KeyError for a kind that the controller does not watch."""
        return self._informers[kind].get(namespace, name)

    def indexed(self, kind: str, index: str, value: str) -> Sequence[Any]:
        """Read an index of the kind's informer; KeyError if the watch declares no such index."""
        return self._informers[kind].indexed(index, value)

    def values(self, kind: str) -> Sequence[Any]:
        """Give all projections, in the order in which their objects came."""
        return self._informers[kind].values()

    def changed_at_s(self, kind: str, namespace: str, name: str) -> float | None:
        """Give the unix seconds that ``note_changed`` was told, or None."""
        return self._changed_s.get((kind, namespace, name))

    def was_deleted(self, uid: str) -> bool:
        """Tell whether ``note_deleted`` was told of this uid, of the last ``DELETED_MAX``."""
        return uid in self._deleted

    def by_resource(self, resource: str, namespace: str, name: str) -> Any:
        """Give the projection of an object named by its group resource: fences ask so."""
        return self._by_resource[resource].get(namespace, name)

    def watches(self, resource: str) -> bool:
        """Tell whether a group resource is watched: only then can its writes be waited for."""
        return resource in self._by_resource

    def note_deleted(self, uid: str) -> None:
        """Remember that an object went; of more than ``DELETED_MAX`` the oldest is forgotten."""
        self._deleted[uid] = None
        if len(self._deleted) > DELETED_MAX:
            self._deleted.popitem(last=False)

    def note_changed(self, kind: str, namespace: str, name: str, now_s: float) -> None:
        """Remember when an object of a ``timed`` watch gave its last sign, or went."""
        self._changed_s[kind, namespace, name] = now_s
