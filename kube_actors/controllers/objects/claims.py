"""Adopting what matches and has no controller; releasing what is owned and no longer matches.

Both are strategic patches of ``metadata.ownerReferences`` guarded by the object's uid, so an object
that was replaced meanwhile is not touched. Before adopting, a controller must look at the owner
live: a deleted owner that a stale view still shows would adopt what the garbage collector then
takes away.
"""

from typing import Any

from kube_actors.api import Object
from kube_actors.controllers.loop import Patch, Record, Reference


def controlled_by(owner: Reference) -> dict[str, Any]:
    """Make the owner reference by which ``owner`` controls an object."""
    return {
        "apiVersion": owner.api_version,
        "kind": owner.kind,
        "name": owner.name,
        "uid": owner.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }


def adoption(kind: str, record: Record, owner: Reference) -> Patch:
    """Make ``owner`` the controller of an object, provided it still is the same object."""
    return _owners_patch(kind, record, controlled_by(owner))


def release(kind: str, record: Record, owner_uid: str) -> Patch:
    """Take the owner reference of ``owner_uid`` off an object."""
    return _owners_patch(kind, record, {"$patch": "delete", "uid": owner_uid})


def _owners_patch(kind: str, record: Record, reference: dict[str, Any]) -> Patch:
    body = {"metadata": {"uid": record.uid, "ownerReferences": [reference]}}
    return Patch(kind, record.namespace, record.name, body, type="strategic", gone_ok=True)


def may_adopt(answer: Object | None, owner_uid: str) -> bool:
    """Tell from a live look at the owner whether it is still itself and stays."""
    if answer is None:
        return False
    meta = answer["metadata"]
    return meta.get("uid") == owner_uid and not meta.get("deletionTimestamp")
