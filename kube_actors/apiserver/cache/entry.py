"""One stored object in the cache: the store's own bytes, and what selectors need, lazily."""

from collections.abc import Mapping
from typing import Any

import orjson

from kube_actors.api import errors
from kube_actors.api.selectors import fields_of
from kube_actors.apiserver.storage import splice


class Entry:
    """Immutable in meaning; ``labels`` and ``fields`` are decoded at first use and kept."""

    __slots__ = ("_fields", "_labels", "key", "kind", "name", "namespace", "revision", "value")

    def __init__(
        self,
        kind: errors.Named,
        key: bytes,
        namespace: str,
        name: str,
        value: bytes,
        revision: int,
    ) -> None:
        self.kind = kind
        self.key = key
        self.namespace = namespace
        self.name = name
        self.value = value
        self.revision = revision
        self._labels: Mapping[str, str] | None = None
        self._fields: Mapping[str, str] | None = None

    @property
    def labels(self) -> Mapping[str, str]:
        if self._labels is None:
            self._project()
        assert self._labels is not None
        return self._labels

    @property
    def fields(self) -> Mapping[str, str]:
        if self._fields is None:
            self._project()
        assert self._fields is not None
        return self._fields

    def body(self) -> bytes:
        """Return the object's JSON with its resourceVersion."""
        return splice(self.value, self.revision)

    def decode(self) -> dict[str, Any]:
        """Return a fresh tree without resourceVersion."""
        obj: dict[str, Any] = orjson.loads(self.value)
        return obj

    def _project(self) -> None:
        obj = orjson.loads(self.value)
        self._labels = obj["metadata"].get("labels") or {}
        self._fields = fields_of(self.kind, obj)
