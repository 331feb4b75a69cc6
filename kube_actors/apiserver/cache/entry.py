"""One stored object in the cache: the store's own bytes, and what selectors need, lazily."""

import sys
from collections.abc import Mapping
from typing import Any

import orjson

from kube_actors.api import errors, shared_labels
from kube_actors.api.selectors import fields_of
from kube_actors.apiserver.objects import splice


class Entry:
    """Immutable in meaning; ``labels`` and ``fields`` are decoded at first use and kept.

    Of a superseded entry, which lives on among the recent changes, only the labels, the node and
    the phase are kept.
    """

    __slots__ = (
        "_fields",
        "_labels",
        "_node",
        "_phase",
        "key",
        "kind",
        "name",
        "namespace",
        "revision",
        "value",
    )

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
        self._node: str | None = None
        self._phase = ""

    @property
    def labels(self) -> Mapping[str, str]:
        """The object's labels, decoded when a selector first asks."""
        if self._labels is None:
            self._project()
        assert self._labels is not None
        return self._labels

    @property
    def fields(self) -> Mapping[str, str]:
        """What field selectors of its kind may ask for, decoded when one first asks."""
        if self._fields is None:
            self._fields = fields_of(self.kind, self._project())
        return self._fields

    @property
    def node(self) -> str:
        """The node that a pod is bound to, "" for none."""
        if self._node is None:
            self._project()
        assert self._node is not None
        return self._node

    @property
    def phase(self) -> str:
        """Its ``status.phase``, "" for none."""
        if self._node is None:
            self._project()
        return self._phase

    def superseded_by(self, newer: "Entry") -> None:
        """Share with ``newer`` what is equal, and drop what can be decoded again."""
        newer.key = self.key
        self._fields = None

    def body(self) -> bytes:
        """Return the object's JSON with its resourceVersion."""
        return splice(self.value, self.revision)

    def decode(self) -> dict[str, Any]:
        """Return a fresh tree without resourceVersion."""
        obj: dict[str, Any] = orjson.loads(self.value)
        return obj

    def _project(self) -> dict[str, Any]:
        obj = self.decode()
        self._labels = shared_labels(obj["metadata"].get("labels"))
        self._node = _text(obj.get("spec"), "nodeName")
        self._phase = _text(obj.get("status"), "phase")
        return obj


def _text(part: Any, name: str) -> str:
    value = part.get(name) if isinstance(part, dict) else None
    return sys.intern(value) if isinstance(value, str) else ""
