"""The schemas of an OpenAPI v3 document, with prose for ``kubectl explain`` where there is some."""

from collections.abc import Iterable, Mapping
from typing import Any

from kube_actors.api.data import definitions, descriptions
from kube_actors.api.kinds import Kind, schema_name
from kube_actors.api.schema import OBJECT_META

Schema = dict[str, Any]
_META = "io.k8s.apimachinery.pkg.apis.meta.v1."
LIST_META = f"{_META}ListMeta"
DELETE_OPTIONS = f"{_META}DeleteOptions"
STATUS = f"{_META}Status"
PATCH = f"{_META}Patch"
_ALWAYS = (DELETE_OPTIONS, STATUS, PATCH, LIST_META, OBJECT_META)
_PRESERVE = "x-kubernetes-preserve-unknown-fields"


def reference(name: str) -> Schema:
    """Refer to a schema among the document's components."""
    return {"$ref": f"#/components/schemas/{name}"}


def component_name(kind: Kind) -> str:
    """Return a kind's name among the components: a custom one's is its group reversed."""
    if kind.definition is None:
        return kind.schema
    labels = [*reversed(kind.group.split(".")), kind.version, kind.kind]
    return ".".join(labels)


def components(members: Iterable[Kind]) -> Schema:
    """Return all schemas that these kinds need, by name."""
    found: Schema = {}
    pending = list(_ALWAYS)
    known = definitions()
    for kind in members:
        name = component_name(kind)
        if kind.definition is not None:
            found[name] = _custom(kind, kind.definition)
            found[f"{name}List"] = _list_of(kind, name)
        else:
            pending += [name, f"{name}List"]
        for each in kind.subresources:
            taken = kind.subresource(each)
            if taken is not None:
                pending.append(schema_name(taken.group, taken.version, taken.kind))
    while pending:
        name = pending.pop()
        if name not in found and name in known:
            found[name] = _published(name, known[name])
            pending += list(_references(known[name]))
    return dict(sorted(found.items()))


def _references(schema: Mapping[str, Any]) -> Iterable[str]:
    if isinstance(schema.get("$ref"), str):
        yield schema["$ref"]
    for child in schema.get("properties", {}).values():
        yield from _references(child)
    for key in ("items", "additionalProperties"):
        if key in schema:
            yield from _references(schema[key])


def _published(name: str, schema: Mapping[str, Any]) -> Schema:
    prose = descriptions().get(name, {})
    result: Schema = {"description": prose[""]} if "" in prose else {}
    result.update(_translated(schema, prose))
    return result


def _translated(schema: Mapping[str, Any], prose: Mapping[str, str]) -> Schema:
    if isinstance(schema.get("$ref"), str):
        rest = {key: value for key, value in schema.items() if key != "$ref"}
        target = reference(schema["$ref"])
        # A reference hides whatever stands beside it.
        return {**rest, "allOf": [target]} if rest else target
    if schema.get("x-kubernetes-int-or-string"):
        return {"oneOf": [{"type": "integer"}, {"type": "string"}], "format": "int-or-string"}
    if schema.get("format") == "quantity":
        return {"oneOf": [{"type": "string"}, {"type": "number"}]}
    result = {key: value for key, value in schema.items() if key != _PRESERVE}
    if result.get("format") == "micro-time":
        result["format"] = "date-time"
    if "properties" in schema:
        result["properties"] = {
            key: _described(_translated(child, {}), prose.get(key))
            for key, child in schema["properties"].items()
        }
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), Mapping):
            result[key] = _translated(schema[key], {})
    return result


def _described(schema: Schema, text: str | None) -> Schema:
    if text is None:
        return schema
    if "$ref" in schema:
        return {"description": text, "allOf": [schema]}
    return {"description": text, **schema}


def _identity(kind: Kind, name: str) -> list[Schema]:
    return [{"group": kind.group, "kind": name, "version": kind.version}]


def _custom(kind: Kind, definition: Mapping[str, Any]) -> Schema:
    properties = {
        **definition.get("properties", {}),
        "apiVersion": {"type": "string"},
        "kind": {"type": "string"},
        "metadata": {"allOf": [reference(OBJECT_META)]},
    }
    return {
        **definition,
        "type": "object",
        "properties": properties,
        "x-kubernetes-group-version-kind": _identity(kind, kind.kind),
    }


def _list_of(kind: Kind, name: str) -> Schema:
    return {
        "type": "object",
        "required": ["items"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "items": {"type": "array", "items": reference(name)},
            "metadata": {"allOf": [reference(LIST_META)]},
        },
        "x-kubernetes-group-version-kind": _identity(kind, kind.list_kind),
    }
