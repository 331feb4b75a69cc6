"""What views keep: small frozen records in place of decoded objects.

A decoded pod costs 15 kB and every controller has its own view, so each keeps only the fields its
decisions read, with names, labels and other repeated strings shared between all views of a
process. Every record knows its identity and resource version; the loop needs them to tell what a
view has already seen.
"""

import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

import orjson
from attrs import field, frozen

from kube_actors.api import Object, shared_labels


@frozen
class Record:
    """Identity of an object at one resource version.

    Records are equal when nothing that a controller keeps differs: the version does not count.
    """

    namespace: str
    name: str
    uid: str
    resource_version: int = field(eq=False)

    @property
    def guard(self) -> dict[str, str]:
        """Metadata for a patch: the server refuses it once the object is another or newer."""
        return {"uid": self.uid, "resourceVersion": str(self.resource_version)}


@frozen
class Whole(Record):
    """A kind with few objects, kept as JSON bytes and decoded when a decision needs it."""

    blob: bytes

    def object(self) -> Object:
        """Decode the object; a new tree each time."""
        return orjson.loads(self.blob)  # type: ignore[no-any-return]


@frozen
class OwnerReference:
    """One entry of ``metadata.ownerReferences`` (meta/v1); absent members are "" or False."""

    api_version: str
    kind: str
    name: str
    uid: str
    controller: bool
    block_owner_deletion: bool


def identity(obj: Object) -> tuple[str, str, str, int]:
    """Give the four fields every ``Record`` starts with."""
    meta = obj["metadata"]
    return (
        sys.intern(meta.get("namespace", "")),
        sys.intern(meta["name"]),
        sys.intern(meta.get("uid", "")),
        int(meta.get("resourceVersion") or 0),
    )


def whole(obj: Object) -> Whole:
    """Keep an object as bytes."""
    return Whole(*identity(obj), bytes(memoryview(orjson.dumps(obj))))


def labels_of(obj: Object) -> Mapping[str, str]:
    """Give an object's labels as a mapping shared by all objects with equal labels."""
    return shared_labels(obj["metadata"].get("labels"))


def owners_of(obj: Object) -> tuple[OwnerReference, ...]:
    """Give the owner references in their order."""
    return tuple(
        OwnerReference(
            sys.intern(owner.get("apiVersion", "")),
            sys.intern(owner.get("kind", "")),
            sys.intern(owner.get("name", "")),
            sys.intern(owner.get("uid", "")),
            bool(owner.get("controller")),
            bool(owner.get("blockOwnerDeletion")),
        )
        for owner in obj["metadata"].get("ownerReferences") or ()
    )


def controller_uid(obj: Object) -> str:
    """Give the uid of the controlling owner, "" without one."""
    for owner in obj["metadata"].get("ownerReferences") or ():
        if owner.get("controller"):
            return sys.intern(owner.get("uid", ""))
    return ""


def seconds(timestamp: str | None) -> float | None:
    """Read an RFC 3339 time as unix seconds; None for none, and for what is no time."""
    if not timestamp:
        return None
    try:
        return datetime.fromisoformat(timestamp).timestamp()
    except ValueError:
        return None


def attribute_index(name: str) -> Callable[[Any], Iterable[str]]:
    """Index by a string attribute; records whose attribute is "" are left out."""

    def values(record: Any) -> Iterable[str]:
        value = getattr(record, name)
        return (value,) if value else ()

    return values
