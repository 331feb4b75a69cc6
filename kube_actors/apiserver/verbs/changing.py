"""update and patch: decided on the stored state, validated, put if the state is still that one."""

from collections.abc import Callable
from typing import Any

import orjson

from kube_actors.api import Object, errors
from kube_actors.api.patches import json_patch, merge_patch, strategic_merge_patch
from kube_actors.apiserver.admission import Admission, admit_update
from kube_actors.apiserver.call import Call
from kube_actors.apiserver.decoding import decode_object, field_validation, media_type, structured
from kube_actors.apiserver.objects import check_versions, may_create_on_update, rules
from kube_actors.apiserver.request import Answer
from kube_actors.apiserver.transaction import Plan, Stored, change
from kube_actors.apiserver.verbs import allocation
from kube_actors.apiserver.verbs.creation import check_namespace, create_object
from kube_actors.apiserver.verbs.deletion import delete_now, finished

APPLY = "application/apply-patch+yaml"
PATCH_TYPES = (
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
)


async def update(call: Call) -> Answer:
    """Answer 200 with the new object; raises ``StatusError``."""
    given = decode_object(call.request, call.kind, call.warnings)
    _check_name(call, given)

    def decide(stored: Stored) -> Plan | None:
        old = call.served(stored)
        check_versions(call.kind, given, old)
        return plan_update(call, given, old)

    try:
        stored = await change(
            call.server, call.storage, call.namespace, call.name, decide, dry_run=call.dry_run
        )
    except errors.StatusError as error:
        upserts = may_create_on_update(call.kind) and not call.target.subresource
        if error.code != 404 or not upserts or given["metadata"].get("resourceVersion"):
            raise
        return call.answer(await create_object(call, given), 201)
    return call.answer(stored)


def _check_name(call: Call, obj: Object) -> None:
    check_namespace(call, obj)
    name = obj["metadata"].setdefault("name", call.name)
    if name != call.name:
        raise errors.bad_request(
            f"the name of the object ({name}) does not match the name on the URL ({call.name})"
        )


def plan_update(call: Call, given: Object, old: Object) -> Plan | None:
    """Return what to store for an update of ``old`` to ``given``; raises ``StatusError``."""
    server, subresource = call.server, call.target.subresource
    new = dict(given)
    if not subresource:
        if isinstance(new.get("spec"), dict):
            new["spec"] = dict(new["spec"])
        admit_update(Admission(server.cache, server.config, call.user), call.kind, new)
    new = rules.updated(call.kind, new, old, subresource)
    placed = allocation.on_update(call, new, old)
    if finished(call.kind, new):
        return delete_now(call, old)
    return Plan(value=call.value(new), also=placed.writes, guards=placed.guards)


async def patch(call: Call) -> Answer:
    """Answer 200 with the patched object; raises ``StatusError``."""
    apply = patcher(call)

    def decide(stored: Stored) -> Plan | None:
        old = call.served(stored)
        patched = apply(old)
        given = _checked(call, patched, old)
        check_versions(call.kind, given, old)
        return plan_update(call, given, old)

    stored = await change(
        call.server, call.storage, call.namespace, call.name, decide, dry_run=call.dry_run
    )
    call.warnings[:] = dict.fromkeys(call.warnings)
    return call.answer(stored)


def patcher(call: Call) -> Callable[[Object], Object]:
    """Return the function that applies the request's patch; raises ``StatusError`` 400, 415."""
    kind, body = media_type(call.request.content_type), call.request.body
    if kind == APPLY:
        raise errors.StatusError(
            415,
            "UnsupportedMediaType",
            "server-side apply is not served yet: use client-side apply "
            "(kubectl apply without --server-side); accepted patch types: "
            + ", ".join(PATCH_TYPES),
        )
    if kind not in PATCH_TYPES:
        raise errors.unsupported_media_type(PATCH_TYPES)
    if kind == PATCH_TYPES[0]:
        operations = decode_patch(body)
        return lambda old: json_patch(old, operations)
    fields = decode_patch(body)
    if kind == PATCH_TYPES[1]:
        return lambda old: merge_patch(old, fields)
    if call.kind.definition is not None:
        raise errors.unsupported_media_type(PATCH_TYPES[:2])
    return lambda old: strategic_merge_patch(old, fields, call.kind)


def decode_patch(body: bytes) -> Any:
    """Parse the body of a JSON or merge patch. Raises StatusError 400."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise errors.bad_request(f"error decoding patch: {error}") from None


def _checked(call: Call, patched: Object, old: Object) -> Object:
    if not isinstance(patched, dict):
        raise errors.bad_request("the patched object is no object")
    if (patched.get("apiVersion"), patched.get("kind")) != (old["apiVersion"], old["kind"]):
        raise errors.bad_request("a patch may not change apiVersion or kind")
    if not isinstance(patched.get("metadata"), dict):
        raise errors.bad_request("the patched object has no metadata")
    validation = field_validation(call.request)
    given = structured(patched, call.kind, validation, call.warnings)
    _check_name(call, given)
    return given
