"""What an informer keeps of an object when nobody says otherwise: its name, labels and bytes."""

import sys
from typing import Any

import orjson
from attrs import frozen

from kube_actors.actor import Blob
from kube_actors.api import Object, shared_labels


@frozen
class Record:
    """``blob`` is the object's JSON as the store holds it, the same bytes within one process."""

    namespace: str
    name: str
    uid: str
    resource_version: int
    labels: dict[str, str]
    blob: Blob

    def object(self) -> Object:
        """Decode the object; a new tree each time."""
        decoded: Object = orjson.loads(self.blob)
        decoded["metadata"].setdefault("resourceVersion", str(self.resource_version))
        return decoded


def record_of(obj: dict[str, Any], blob: Blob) -> Record:
    """Keep a decoded object and its bytes; names and labels are shared within the process."""
    meta = obj["metadata"]
    return Record(
        sys.intern(meta.get("namespace", "")),
        sys.intern(meta["name"]),
        sys.intern(meta.get("uid", "")),
        int(meta.get("resourceVersion") or 0),
        shared_labels(meta.get("labels")),
        blob,
    )
