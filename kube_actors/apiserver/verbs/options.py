"""DeleteOptions, from a body or from the query, checked. Pure."""

from typing import Any

import attrs

from kube_actors.api import Cause, errors
from kube_actors.apiserver.decoding import decode_definition
from kube_actors.apiserver.request import Request

DEFINITION = "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions"
_POLICIES = ("Orphan", "Background", "Foreground")
_OPTIONS = errors.Resource("meta.k8s.io", "", "DeleteOptions")


@attrs.frozen
class DeleteOptions:
    """``grace_s`` None: the object's own; ``propagation`` "": the kind's default."""

    grace_s: int | None = None
    propagation: str = ""
    uid: str = ""
    resource_version: str = ""
    dry_run: bool = False


def parse_options(request: Request) -> DeleteOptions:
    """Raises ``StatusError`` 400 or 422."""
    body = decode_definition(request, DEFINITION)
    query = request.query
    grace = query.integer("gracePeriodSeconds")
    return options_from(
        {**({} if grace is None else {"gracePeriodSeconds": grace}), **body},
        query.get("propagationPolicy"),
        query.flag("orphanDependents"),
    )


def options_from(
    body: dict[str, Any], propagation: str = "", orphan: bool | None = None
) -> DeleteOptions:
    """Return the options of a well-typed body; raises ``StatusError`` 422."""
    preconditions = body.get("preconditions") or {}
    dry_run = tuple(body.get("dryRun") or ())
    if dry_run not in ((), ("All",)):
        cause = Cause.not_supported("dryRun", list(dry_run), ("All",))
        raise errors.invalid(_OPTIONS, "", [cause])
    return DeleteOptions(
        body.get("gracePeriodSeconds"),
        _propagation(body, propagation, orphan),
        preconditions.get("uid") or "",
        preconditions.get("resourceVersion") or "",
        bool(dry_run),
    )


def _propagation(body: dict[str, Any], given: str, orphan: bool | None) -> str:
    policy = body.get("propagationPolicy") or given
    orphans = body.get("orphanDependents")
    orphans = orphan if orphans is None else orphans
    if policy and orphans is not None:
        cause = Cause.invalid(
            "propagationPolicy",
            policy,
            "orphanDependents and deletionPropagation cannot be both set",
        )
        raise errors.invalid(_OPTIONS, "", [cause])
    if policy and policy not in _POLICIES:
        cause = Cause.not_supported("propagationPolicy", policy, (*_POLICIES, "nil"))
        raise errors.invalid(_OPTIONS, "", [cause])
    if orphans is not None:
        return "Orphan" if orphans else "Background"
    return str(policy)
