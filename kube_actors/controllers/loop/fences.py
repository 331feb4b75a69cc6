"""Holds a key back until the view shows what the key's last decision wrote.

Views lag behind writes. A controller that decided again too early would see fewer pods than it has
just created and create more. Every write's resource version is remembered per key, and the key
waits until its view has reached all of them; because the store numbers all writes in one sequence,
any later event of the same kind proves it too. A fence gives way after ``patience_s``: a view that
lost its events must not stop a key for ever.
"""

from collections.abc import Callable
from typing import Any

from attrs import frozen

from kube_actors.controllers.loop.controller import Key


@frozen
class Written:
    """One object as a write left it; ``gone`` says it was asked to go away."""

    kind: str
    namespace: str
    name: str
    uid: str
    resource_version: int
    created: bool = False
    gone: bool = False


class Fences:
    """What each key still has to see. ``get`` reads the view: (kind, namespace, name) → record."""

    def __init__(self, get: Callable[[str, str, str], Any], patience_s: float) -> None:
        self._get = get
        self._patience_s = patience_s
        self._expected: dict[Key, list[Written]] = {}
        self._expires_s: dict[Key, float] = {}
        self._waiting: dict[Key, str] = {}
        self._reached: dict[str, int] = {}

    def lay(self, key: Key, written: list[Written], now_s: float) -> None:
        """Make ``key`` wait for these writes, besides those it already waits for."""
        if written:
            self._expected.setdefault(key, []).extend(written)
            self._expires_s[key] = now_s + self._patience_s

    def holds(self, key: Key, now_s: float) -> float:
        """Tell how long ``key`` may still have to wait; 0 lets it pass.

        A held key is given back by ``saw`` as soon as the view is far enough.
        """
        left = self._expected.get(key)
        while left and self._shown(left[-1]):
            left.pop()
        expires_s = self._expires_s.get(key, 0.0)
        if not left or expires_s <= now_s:
            self.forget(key)
            return 0.0
        self._waiting[key] = left[-1].kind
        return expires_s - now_s

    def forget(self, key: Key) -> None:
        """Drop what ``key`` waits for: its object is gone."""
        self._expected.pop(key, None)
        self._expires_s.pop(key, None)
        self._waiting.pop(key, None)

    def saw(self, kind: str, resource_version: int, now_s: float) -> list[Key]:
        """Note how far the view of ``kind`` is; give the keys that need not wait any more."""
        if resource_version > self._reached.get(kind, 0):
            self._reached[kind] = resource_version
        if not self._waiting:
            return []
        candidates = [key for key, waits_for in self._waiting.items() if waits_for == kind]
        return [key for key in candidates if self.holds(key, now_s) == 0.0]

    def _shown(self, write: Written) -> bool:
        if not write.gone and self._reached.get(write.kind, 0) >= write.resource_version:
            return True
        record = self._get(write.kind, write.namespace, write.name)
        if record is None:
            return not write.created
        if record.uid != write.uid:
            return bool(write.gone or record.resource_version >= write.resource_version)
        if write.gone and not getattr(record, "deleting", True):
            return False
        return bool(record.resource_version >= write.resource_version)
