"""The paths of an OpenAPI v3 document: which operations a resource has and what they take.

kubectl reads three things from here: which kind a path is about, whether a PATCH knows the
``fieldValidation`` and ``dryRun`` parameters, and which patch types it accepts.
"""

from typing import Any

from kube_actors.api.kinds import Kind, Subresource, schema_name
from kube_actors.api.openapi.schemas import DELETE_OPTIONS, PATCH, STATUS, component_name, reference

Document = dict[str, Any]
_PATCH_TYPES = (
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
)
_WRITE = ("pretty", "dryRun", "fieldManager", "fieldValidation")
_LIST = (
    "pretty",
    "allowWatchBookmarks",
    "continue",
    "fieldSelector",
    "labelSelector",
    "limit",
    "resourceVersion",
    "resourceVersionMatch",
    "sendInitialEvents",
    "timeoutSeconds",
    "watch",
)
_DELETE = ("pretty", "dryRun", "gracePeriodSeconds", "orphanDependents", "propagationPolicy")
_TYPES = {
    "allowWatchBookmarks": "boolean",
    "force": "boolean",
    "gracePeriodSeconds": "integer",
    "limit": "integer",
    "orphanDependents": "boolean",
    "sendInitialEvents": "boolean",
    "timeoutSeconds": "integer",
    "watch": "boolean",
}
_NO_TYPE = "io.k8s.apimachinery.pkg.runtime.RawExtension"


def of_kind(kind: Kind) -> Document:
    """Return the paths of one resource and its subresources."""
    root = f"/apis/{kind.group}/{kind.version}" if kind.group else f"/api/{kind.version}"
    scope = "/namespaces/{namespace}" if kind.namespaced else ""
    base = f"{root}{scope}/{kind.plural}"
    found = {base: _collection(kind)}
    if "get" in kind.verbs:
        found[f"{base}/{{name}}"] = _item(kind)
    if kind.namespaced and "list" in kind.verbs:
        everywhere = _operation(kind, "list", _LIST, suffix="ForAllNamespaces")
        found[f"{root}/{kind.plural}"] = {"get": everywhere}
    for name in kind.subresources:
        sub = kind.subresource(name)
        if sub is not None:
            found[f"{base}/{{name}}/{name}"] = _sub(kind, sub)
    for path, operations in found.items():
        operations["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in ("namespace", "name")
            if f"{{{name}}}" in path
        ]
    return found


def _collection(kind: Kind) -> Document:
    operations: Document = {}
    if "list" in kind.verbs:
        operations["get"] = _operation(kind, "list", _LIST)
    if "create" in kind.verbs:
        operations["post"] = _operation(kind, "post", _WRITE, body=component_name(kind))
    if "deletecollection" in kind.verbs:
        operations["delete"] = _operation(
            kind, "deletecollection", (*_LIST, *_DELETE[1:]), body=DELETE_OPTIONS
        )
    return operations


def _item(kind: Kind) -> Document:
    operations: Document = {"get": _operation(kind, "get", ("pretty",))}
    if "update" in kind.verbs:
        operations["put"] = _operation(kind, "put", _WRITE, body=component_name(kind))
    if "patch" in kind.verbs:
        operations["patch"] = _operation(kind, "patch", (*_WRITE, "force"), body=PATCH)
    if "delete" in kind.verbs:
        operations["delete"] = _operation(kind, "delete", _DELETE, body=DELETE_OPTIONS)
    return operations


def _sub(kind: Kind, sub: Subresource) -> Document:
    name = schema_name(sub.group, sub.version, sub.kind)
    if sub.kind == kind.kind:
        name = component_name(kind)
    verbs = {"get": "get", "update": "put", "patch": "patch", "create": "post", "delete": "delete"}
    operations: Document = {}
    for verb in sub.verbs:
        method = verbs[verb]
        body = {"put": name, "post": name, "patch": PATCH}.get(method, "")
        if sub.kind.endswith("Options"):
            body = ""
        parameters = _WRITE if method in {"put", "patch", "post"} else ("pretty",)
        made = _operation(kind, method, parameters, body=body, answer=name, suffix=sub.name)
        made["x-kubernetes-group-version-kind"] = _identity(sub.group, sub.version, sub.kind)
        operations[method] = made
    return operations


def _identity(group: str, version: str, kind: str) -> Document:
    return {"group": group, "kind": kind, "version": version}


def _operation(
    kind: Kind,
    action: str,
    parameters: tuple[str, ...],
    *,
    body: str = "",
    answer: str = "",
    suffix: str = "",
) -> Document:
    answer = answer or {
        "list": f"{component_name(kind)}List",
        "delete": STATUS,
        "deletecollection": STATUS,
    }.get(action, component_name(kind))
    if answer.endswith("Options"):
        answer = _NO_TYPE
    group = kind.group.split(".", 1)[0] or "core"
    scope = "Namespaced" if kind.namespaced else ""
    content = {"application/json": {"schema": reference(answer)}}
    if answer == _NO_TYPE:
        content = {"*/*": {"schema": {"type": "string"}}}
    operation: Document = {
        "operationId": f"{action}{_title(group)}{_title(kind.version)}{scope}{kind.kind}"
        + _title(suffix),
        "tags": [f"{group}_{kind.version}"],
        "parameters": [_parameter(name) for name in parameters],
        "responses": {"200": {"description": "OK", "content": content}},
        "x-kubernetes-action": action,
        "x-kubernetes-group-version-kind": _identity(kind.group, kind.version, kind.kind),
    }
    if body:
        operation["requestBody"] = _body(kind, body)
    return operation


def _body(kind: Kind, name: str) -> Document:
    types: tuple[str, ...] = ("*/*",)
    if name == PATCH:
        types = _PATCH_TYPES[:2] if kind.definition is not None else _PATCH_TYPES
    schema = {"schema": reference(name)}
    return {"content": dict.fromkeys(types, schema), "required": name != DELETE_OPTIONS}


def _title(text: str) -> str:
    return text[:1].upper() + text[1:]


def _parameter(name: str) -> Document:
    schema: Document = {"type": _TYPES.get(name, "string"), "uniqueItems": True}
    return {"name": name, "in": "query", "schema": schema}
