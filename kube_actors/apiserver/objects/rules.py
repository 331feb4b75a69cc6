"""Defaults, server-set fields and validation of one object, as one step each."""

from kube_actors.api import Kind, Object, errors
from kube_actors.api.defaults import apply_defaults
from kube_actors.api.strategy import prepare_for_create, prepare_for_update
from kube_actors.api.validation import validate_create, validate_update


def created(kind: Kind, obj: Object, *, uid: str, timestamp: str) -> Object:
    """Return what creating ``obj`` stores; raises ``StatusError`` 400 or 422."""
    if obj["metadata"].get("resourceVersion"):
        raise errors.bad_request("resourceVersion should not be set on objects to be created")
    obj = apply_defaults(kind, obj)
    metadata = {**obj["metadata"], "uid": uid, "creationTimestamp": timestamp}
    obj = prepare_for_create(kind, {**obj, "metadata": metadata})
    causes = validate_create(kind, obj)
    if causes:
        raise errors.invalid(kind, metadata.get("name", ""), causes)
    return obj


def updated(kind: Kind, new: Object, old: Object, subresource: str) -> Object:
    """Return what updating ``old`` to ``new`` stores; raises ``StatusError`` 422."""
    if subresource in ("", "scale"):
        new = apply_defaults(kind, new)
    new = prepare_for_update(kind, new, old, subresource)
    causes = validate_update(kind, new, old, "" if subresource == "scale" else subresource)
    if causes:
        raise errors.invalid(kind, old["metadata"]["name"], causes)
    return new
