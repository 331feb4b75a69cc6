"""Whatever comes in: pruning is complete, and types are judged as another validator does."""

import functools
from typing import Any

import jsonschema_rs
import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from kube_actors.api import BUILTIN
from kube_actors.api.data import definitions
from kube_actors.api.schema import (
    validate_structure,
)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 2**40) | st.text(max_size=8) | st.just(1.5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
field_names = st.sampled_from(
    [
        "spec",
        "metadata",
        "name",
        "labels",
        "containers",
        "image",
        "ports",
        "replicas",
        "selector",
        "template",
        "env",
        "value",
        "resources",
        "limits",
        "cpu",
        "zzz",
        "status",
        "volumes",
    ]
)
shaped = st.recursive(
    json_values,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(field_names, inner, max_size=5),
    max_leaves=20,
)


def unknown_in(name: str, value: Any) -> list[str]:
    """Find fields that a definition does not have, straight from the data."""
    return _unknown(definitions()[name], value)


def _unknown(schema: dict[str, Any], value: Any) -> list[str]:
    if isinstance(schema.get("$ref"), str):
        return _unknown(definitions()[schema["$ref"]], value)
    found: list[str] = []
    if "properties" in schema and isinstance(value, dict):
        for key, child in value.items():
            known = schema["properties"].get(key)
            found += [key] if known is None else _unknown(known, child)
    for key in ("items", "additionalProperties"):
        if key in schema and isinstance(value, list if key == "items" else dict):
            for child in value if key == "items" else value.values():
                found += _unknown(schema[key], child)
    return found


@settings(max_examples=300, deadline=None)
@given(spec=shaped, kind=st.sampled_from(["Pod", "Deployment", "Service", "Job"]))
def test_pruning_never_keeps_an_unknown_field(spec: Any, kind: str) -> None:
    found_kind = BUILTIN.find(kind)
    obj = {"apiVersion": found_kind.api_version, "kind": kind, "spec": spec}
    found = validate_structure(found_kind, obj)
    assert unknown_in(found_kind.schema, found.obj) == []
    again = validate_structure(found_kind, found.obj)
    assert again.unknown == []
    if not found.errors:
        assert again.obj is found.obj


@functools.cache
def oracle(name: str) -> Any:
    """Make an independent validator from the same data: types only, nothing required."""
    return jsonschema_rs.validator_for(
        {
            "$ref": f"#/$defs/{name}",
            "$defs": {key: _plain(value) for key, value in definitions().items()},
        }
    )


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    if isinstance(schema.get("$ref"), str):
        return {"anyOf": [{"type": "null"}, {"$ref": f"#/$defs/{schema['$ref']}"}]}
    if schema.get("x-kubernetes-int-or-string"):
        int32 = {"type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1}
        return {"anyOf": [{"type": ["string", "null"]}, int32]}
    if schema.get("format") == "quantity":
        # What is no quantity is told in other words than what has the wrong type.
        return {}
    result: dict[str, Any] = {}
    if "type" in schema and not schema.get("x-kubernetes-preserve-unknown-fields"):
        result["type"] = [schema["type"], "null"]
    bits = {"int32": 31, "int64": 63}.get(schema.get("format", ""), 0)
    if schema.get("type") == "integer":
        bits = bits or 63
        result |= {"minimum": -(2**bits), "maximum": 2**bits - 1}
    if "properties" in schema:
        result["properties"] = {k: _plain(v) for k, v in schema["properties"].items()}
    for key in ("items", "additionalProperties"):
        if key in schema:
            result[key] = _plain(schema[key])
    return result


@settings(max_examples=300, deadline=None)
@given(spec=shaped, kind=st.sampled_from(["Pod", "Deployment", "Service", "Job"]))
def test_types_are_judged_as_an_independent_validator_judges_them(spec: Any, kind: str) -> None:
    found_kind = BUILTIN.find(kind)
    obj = {"apiVersion": found_kind.api_version, "kind": kind, "spec": spec}
    mine = [
        error
        for error in validate_structure(found_kind, obj).errors
        if error.startswith("json: cannot unmarshal")
    ]
    assert (not mine) == oracle(found_kind.schema).is_valid(orjson.loads(orjson.dumps(obj)))
