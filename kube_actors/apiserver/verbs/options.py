"""DeleteOptions, from a body or from the query, checked. Pure."""

from typing import Any

import attrs
import orjson

from kube_actors.api import errors
from kube_actors.apiserver.decoding import decode_body
from kube_actors.apiserver.request import Request

_POLICIES = ("Orphan", "Background", "Foreground")
_OPTIONS = errors.Resource("meta.k8s.io", "", "DeleteOptions")


@attrs.frozen
class DeleteOptions:
    """``grace_s`` None: the object's own; ``propagation`` "": the kind's default."""

    grace_s: int | None = None
    propagation: str = ""
    uid: str = ""
    resource_version: str = ""
    dry_run: tuple[str, ...] = ()


def parse_options(request: Request) -> DeleteOptions:
    """Raises ``StatusError`` 400 or 422."""
    body: dict[str, Any] = {}
    if request.body.strip():
        found = decode_body(request).value
        if not isinstance(found, dict):
            raise errors.bad_request("DeleteOptions must be an object")
        if found.get("kind") not in (None, "", "DeleteOptions"):
            raise errors.bad_request(f"the body must be DeleteOptions, not {found.get('kind')}")
        body = found
    query = request.query
    grace: Any = body.get("gracePeriodSeconds")
    if grace is None and query.has("gracePeriodSeconds"):
        text = query.get("gracePeriodSeconds")
        if not text.lstrip("-").isdigit():
            raise errors.bad_request(f"invalid gracePeriodSeconds {text!r}")
        grace = int(text)
    if grace is not None and (not isinstance(grace, int) or isinstance(grace, bool)):
        raise errors.bad_request(f"invalid gracePeriodSeconds {orjson.dumps(grace).decode()}")
    preconditions = body.get("preconditions") or {}
    return DeleteOptions(
        grace,
        _propagation(body, query.get("propagationPolicy"), query.flag("orphanDependents")),
        preconditions.get("uid") or "",
        preconditions.get("resourceVersion") or "",
        tuple(body.get("dryRun") or ()),
    )


def _propagation(body: dict[str, Any], given: str, orphan: bool | None) -> str:
    policy = body.get("propagationPolicy") or given
    orphans = body.get("orphanDependents")
    orphans = orphan if orphans is None else orphans
    if policy and orphans is not None:
        cause = errors.Cause.invalid(
            "propagationPolicy",
            policy,
            "orphanDependents and deletionPropagation cannot be both set",
        )
        raise errors.invalid(_OPTIONS, "", [cause])
    if policy and policy not in _POLICIES:
        cause = errors.Cause.not_supported("propagationPolicy", policy, (*_POLICIES, "nil"))
        raise errors.invalid(_OPTIONS, "", [cause])
    if orphans is not None:
        return "Orphan" if orphans else "Background"
    return str(policy)
