"""scale: the replicas of a workload as an autoscaling/v1 Scale, whatever its kind."""

from collections.abc import Callable
from typing import Any

import orjson

from kube_actors.api import Cause, Kind, Object, errors
from kube_actors.api.patches import json_patch, merge_patch, strategic_merge_patch
from kube_actors.api.schema import validate_definition
from kube_actors.api.selectors import from_label_selector, from_labels
from kube_actors.apiserver.call import Call
from kube_actors.apiserver.decoding import decode_definition, media_type
from kube_actors.apiserver.freshness import catch_up
from kube_actors.apiserver.request import Answer
from kube_actors.apiserver.transaction import Plan, Stored, change
from kube_actors.apiserver.verbs import PATCH_TYPES, decode_patch, plan_update

_DEFINITION = "io.k8s.api.autoscaling.v1.Scale"
_SCALE = errors.Resource("autoscaling", "scales", "Scale")


def scale_of(kind: Kind, obj: Object) -> Object:
    """Return the Scale of a workload. Pure."""
    metadata = obj["metadata"]
    kept = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    selector = spec.get("selector")
    if kind.plural == "replicationcontrollers":
        text = str(from_labels(selector or {}))
    else:
        text = str(from_label_selector(selector))
    replicas = spec.get("replicas")
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {field: metadata[field] for field in kept if field in metadata},
        "spec": {"replicas": replicas} if replicas else {},
        "status": {"replicas": status.get("replicas", 0), "selector": text},
    }


async def get_scale(call: Call) -> Answer:
    """GET scale: read as fresh as a get of the workload. Raises StatusError 404."""
    call.warnings.extend(await catch_up(call.server, ""))
    entry = call.server.cached(call.kind).get(call.namespace, call.name)
    if entry is None:
        raise errors.not_found(call.kind, call.name)
    obj = call.served(Stored(entry.value, entry.revision))
    return call.answer_body(orjson.dumps(scale_of(call.kind, obj)))


async def update_scale(call: Call) -> Answer:
    """PUT scale: only ``spec.replicas`` of the workload changes, guarded by a resourceVersion if
    one is given.
    """
    body = decode_definition(call.request, _DEFINITION)
    return await _change(call, lambda scale: body)


async def patch_scale(call: Call) -> Answer:
    """PATCH scale: the patch is applied to the Scale. Raises StatusError 415 for other types."""
    kind = media_type(call.request.content_type)
    body = decode_patch(call.request.body)
    if kind == PATCH_TYPES[0]:
        return await _change(call, lambda scale: json_patch(scale, body))
    if kind == PATCH_TYPES[1]:
        return await _change(call, lambda scale: merge_patch(scale, body))
    if kind == PATCH_TYPES[2]:
        return await _change(call, lambda scale: strategic_merge_patch(scale, body, call.kind))
    raise errors.unsupported_media_type(PATCH_TYPES)


async def _change(call: Call, edit: Callable[[Object], Any]) -> Answer:
    def decide(stored: Stored) -> Plan | None:
        old = call.served(stored)
        wanted = typed_scale(edit(scale_of(call.kind, old)))
        name = (wanted.get("metadata") or {}).get("name") or call.name
        if name != call.name:
            raise errors.bad_request(
                f"the name of the object ({name}) does not match the name on the URL ({call.name})"
            )
        replicas = check_scale(call.name, wanted)
        version = (wanted.get("metadata") or {}).get("resourceVersion")
        if version and version != old["metadata"]["resourceVersion"]:
            raise errors.conflict(call.kind, call.name)
        given = {**old, "spec": {**(old.get("spec") or {}), "replicas": replicas}}
        return plan_update(call, given, old)

    stored = await change(
        call.server, call.storage, call.namespace, call.name, decide, dry_run=call.dry_run
    )
    return call.answer_body(orjson.dumps(scale_of(call.kind, call.served(stored))))


def typed_scale(scale: Any) -> Object:
    """Return a clean Scale; raises ``StatusError`` 400."""
    found = validate_definition(_DEFINITION, scale, strict="Ignore")
    if found.errors or not isinstance(found.obj, dict):
        why = found.errors[0] if found.errors else "the patched object is no object"
        raise errors.bad_request(f'Scale in version "v1" cannot be handled as a Scale: {why}')
    return found.obj


def check_scale(name: str, scale: Object) -> int:
    """Return the wanted replicas; raises ``StatusError`` 422."""
    replicas = int((scale.get("spec") or {}).get("replicas") or 0)
    if replicas < 0:
        cause = Cause.invalid("spec.replicas", replicas, "must be greater than or equal to 0")
        raise errors.invalid(_SCALE, name, [cause])
    return replicas
