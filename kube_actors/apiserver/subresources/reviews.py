"""Reviews: questions about tokens and permissions, answered at once and never stored."""

from collections.abc import Awaitable, Callable
from typing import Any

import orjson

from kube_actors.api import Cause, Kind, Object, errors
from kube_actors.apiserver.call import Call
from kube_actors.apiserver.decoding import decode_object
from kube_actors.apiserver.request import AnyAnswer, User
from kube_actors.apiserver.who import Attributes, user_of_token

Handler = Callable[[Call], Awaitable[AnyAnswer]]


def find_review(kind: Kind) -> Handler | None:
    """Return what answers ``kind`` if it is a review."""
    if kind.group not in ("authorization.k8s.io", "authentication.k8s.io"):
        return None
    judge = _JUDGES.get(kind.plural)
    if judge is None:
        return None

    async def handler(call: Call) -> AnyAnswer:
        obj = decode_object(call.request, call.kind, call.warnings)
        return call.answer_body(orjson.dumps({**obj, "status": judge(call, obj)}), 201)

    return handler


def _access(call: Call, user: User, obj: Object) -> dict[str, Any]:
    spec = obj.get("spec") or {}
    resource, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if (resource is None) == (path is None):
        cause = Cause.invalid(
            "spec.resourceAttributes",
            None,
            "exactly one of nonResourceAttributes or resourceAttributes must be specified",
        )
        raise errors.invalid(call.kind, "", [cause])
    if resource is not None:
        asked = Attributes(
            resource.get("verb", ""),
            resource.get("group", ""),
            resource.get("resource", ""),
            resource.get("subresource", ""),
            resource.get("namespace", ""),
            resource.get("name", ""),
        )
    else:
        assert path is not None
        asked = Attributes(path.get("verb", ""), path=path.get("path", ""))
    allowed = call.server.authorizer.allows(user, asked)
    return {"allowed": True} if allowed else {"allowed": False, "reason": ""}


def _self_access(call: Call, obj: Object) -> dict[str, Any]:
    return _access(call, call.user, obj)


def _subject_access(call: Call, obj: Object) -> dict[str, Any]:
    spec = obj.get("spec") or {}
    if not spec.get("user") and not spec.get("groups"):
        cause = Cause.invalid("spec.user", "", "at least one of user or group must be specified")
        raise errors.invalid(call.kind, "", [cause])
    user = User(spec.get("user", ""), tuple(spec.get("groups") or ()), spec.get("uid", ""))
    return _access(call, user, obj)


def _local_access(call: Call, obj: Object) -> dict[str, Any]:
    spec = obj.get("spec") or {}
    asked = spec.get("resourceAttributes")
    if asked is not None and asked.get("namespace") != call.namespace:
        path = "spec.resourceAttributes.namespace"
        cause = Cause.invalid(
            path, asked.get("namespace", ""), f"must match metadata.namespace: {call.namespace}"
        )
        raise errors.invalid(call.kind, "", [cause])
    if spec.get("nonResourceAttributes") is not None:
        cause = Cause.invalid(
            "spec.nonResourceAttributes",
            spec["nonResourceAttributes"],
            "disallowed on this kind of request",
        )
        raise errors.invalid(call.kind, "", [cause])
    return _subject_access(call, obj)


def _self_rules(call: Call, obj: Object) -> dict[str, Any]:
    namespace = (obj.get("spec") or {}).get("namespace", "")
    if not namespace:
        raise errors.bad_request("no namespace on request")
    everything = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}
    paths = {"verbs": ["*"], "nonResourceURLs": ["*"]}
    if "system:masters" in call.user.groups:
        return {"resourceRules": [everything], "nonResourceRules": [paths], "incomplete": False}
    resource_rules: list[Object] = []
    path_rules: list[Object] = []
    for rule in call.server.authorizer.rules_of(call.user):
        if rule.namespace not in ("", namespace):
            continue
        (path_rules if rule.paths else resource_rules).append(rule.source)
    return {
        "resourceRules": resource_rules,
        "nonResourceRules": path_rules,
        "incomplete": False,
    }


def _self_subject(call: Call, obj: Object) -> dict[str, Any]:
    return {"userInfo": user_info(call.user)}


def user_info(user: User) -> dict[str, Any]:
    """Return a user as authentication/v1's UserInfo, what is empty left out."""
    info: dict[str, Any] = {"username": user.name}
    if user.uid:
        info["uid"] = user.uid
    if user.groups:
        info["groups"] = list(user.groups)
    return info


def _token(call: Call, obj: Object) -> dict[str, Any]:
    spec = obj.get("spec") or {}
    token = spec.get("token", "")
    if not token:
        raise errors.bad_request("token is required for TokenReview in authentication")
    server = call.server
    wanted = tuple(spec.get("audiences") or ())
    now_s = server.clock.now()
    user = user_of_token(token, server.config, server.signer, server.cache, now_s, wanted)
    if user is None:
        return {"user": {}, "error": "invalid bearer token"}
    return {"authenticated": True, "user": user_info(user), "audiences": list(wanted)}


_JUDGES: dict[str, Callable[[Call, Object], dict[str, Any]]] = {
    "localsubjectaccessreviews": _local_access,
    "selfsubjectaccessreviews": _self_access,
    "selfsubjectreviews": _self_subject,
    "selfsubjectrulesreviews": _self_rules,
    "subjectaccessreviews": _subject_access,
    "tokenreviews": _token,
}
