"""Checks of custom objects against the values that their own schema allows.

The words are those of kube-apiserver for CustomResourceDefinitions: types, required fields,
enumerations, ranges, lengths, patterns, list sets and maps, and the combinations ``allOf``,
``anyOf``, ``oneOf`` and ``not``. Rules in CEL (``x-kubernetes-validations``) are not evaluated.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from kube_actors.api.causes import Cause
from kube_actors.api.kinds import Object
from kube_actors.api.validation.numbers import Causes

Schema = Mapping[str, Any]
_INT_OR_STRING = "x-kubernetes-int-or-string"
_OWN = ("apiVersion", "kind", "metadata")


def custom(definition: Schema, obj: Object) -> Causes:
    """Check the whole object, apart from what every object has."""
    properties = definition.get("properties", {})
    own = {key: child for key, child in properties.items() if key not in _OWN}
    rest = {key: value for key, value in obj.items() if key not in _OWN}
    needed = [key for key in definition.get("required", ()) if key not in _OWN]
    yield from check({**definition, "properties": own, "required": needed}, rest, "")


def check(schema: Schema, value: Any, path: str) -> Causes:
    """Check one value and all that is in it."""
    if value is None and schema.get("nullable"):
        return
    fault = _type_fault(schema, value)
    if fault:
        name = path or "<nil>"
        detail = f'{name} in body must be of type {fault}: "{type_of(value)}"'
        yield Cause.type_invalid(name, type_of(value), detail)
        return
    if "enum" in schema and value not in schema["enum"]:
        allowed = [each if isinstance(each, str) else str(each) for each in schema["enum"]]
        yield Cause.not_supported(path, value, allowed)
    if isinstance(value, dict):
        yield from _object(schema, value, path)
    elif isinstance(value, list):
        yield from _array(schema, value, path)
    elif isinstance(value, str):
        yield from _string(schema, value, path)
    elif not isinstance(value, bool) and isinstance(value, int | float):
        yield from _number(schema, value, path)
    yield from _combined(schema, value, path)


def type_of(value: Any) -> str:
    """Return JSON schema's name for a value's type."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    names = {dict: "object", list: "array", str: "string", int: "integer", float: "number"}
    return names[type(value)]


def _type_fault(schema: Schema, value: Any) -> str:
    found = type_of(value)
    if schema.get(_INT_OR_STRING):
        return "" if found in {"integer", "string"} else "integer,string"
    wanted: str = schema.get("type", "")
    if not wanted or found == wanted:
        return ""
    if wanted == "number" and found == "integer":
        return ""
    whole = wanted == "integer" and isinstance(value, float) and value.is_integer()
    return "" if whole else wanted


def _child(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _object(schema: Schema, value: dict[str, Any], path: str) -> Causes:
    for key in schema.get("required", ()):
        if key not in value:
            yield Cause.required(_child(path, key))
    least, most = schema.get("minProperties"), schema.get("maxProperties")
    if least is not None and len(value) < least:
        detail = f"{path} in body should have at least {least} properties"
        yield Cause.invalid(path, len(value), detail)
    if most is not None and len(value) > most:
        yield Cause.too_many(path, len(value), most)
    properties, extra = schema.get("properties", {}), schema.get("additionalProperties")
    for key, child in value.items():
        if key in properties:
            yield from check(properties[key], child, _child(path, key))
        elif isinstance(extra, Mapping):
            yield from check(extra, child, _child(path, key))


def _array(schema: Schema, value: list[Any], path: str) -> Causes:
    least, most = schema.get("minItems"), schema.get("maxItems")
    if least is not None and len(value) < least:
        detail = f"{path} in body should have at least {least} items"
        yield Cause.invalid(path, len(value), detail)
    if most is not None and len(value) > most:
        yield Cause.too_many(path, len(value), most)
    items = schema.get("items")
    if isinstance(items, Mapping):
        for index, child in enumerate(value):
            yield from check(items, child, f"{path}[{index}]")
    yield from _unique(schema, value, path)


def _unique(schema: Schema, value: list[Any], path: str) -> Causes:
    kind = schema.get("x-kubernetes-list-type")
    if kind not in {"set", "map"} and not schema.get("uniqueItems"):
        return
    keys = schema.get("x-kubernetes-list-map-keys", ()) if kind == "map" else ()
    seen: list[Any] = []
    for index, each in enumerate(value):
        found = {key: each.get(key) for key in keys} if keys and isinstance(each, dict) else each
        if found in seen:
            yield Cause.duplicate(f"{path}[{index}]", found)
        else:
            seen.append(found)


@lru_cache(maxsize=1024)
def _pattern(text: str) -> re.Pattern[str] | None:
    try:
        return re.compile(text)
    except re.error:
        # RE2 and Python differ in a few corners: what cannot be compiled is not checked.
        return None


def _string(schema: Schema, value: str, path: str) -> Causes:
    least, most = schema.get("minLength"), schema.get("maxLength")
    if least is not None and len(value) < least:
        detail = f"{path} in body should be at least {least} chars long"
        yield Cause.invalid(path, value, detail)
    if most is not None and len(value) > most:
        yield Cause.too_long(path, most)
    if "pattern" in schema:
        pattern = _pattern(schema["pattern"])
        if pattern is not None and not pattern.search(value):
            detail = f"{path} in body should match '{schema['pattern']}'"
            yield Cause.invalid(path, value, detail)


def _number(schema: Schema, value: float, path: str) -> Causes:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None:
        exclusive = schema.get("exclusiveMinimum", False)
        if value < low or (exclusive and value == low):
            words = "greater than" if exclusive else "greater than or equal to"
            yield Cause.invalid(path, value, f"{path} in body should be {words} {low}")
    if high is not None:
        exclusive = schema.get("exclusiveMaximum", False)
        if value > high or (exclusive and value == high):
            words = "less than" if exclusive else "less than or equal to"
            yield Cause.invalid(path, value, f"{path} in body should be {words} {high}")
    step = schema.get("multipleOf")
    if step and value % step:
        yield Cause.invalid(path, value, f"{path} in body should be a multiple of {step}")


def _valid(schema: Schema, value: Any, path: str) -> bool:
    return next(check(schema, value, path), None) is None


def _combined(schema: Schema, value: Any, path: str) -> Causes:
    shown = f'"{path}"'
    for each in schema.get("allOf", ()):
        yield from check(each, value, path)
    if "anyOf" in schema and not any(_valid(each, value, path) for each in schema["anyOf"]):
        yield Cause.invalid(path, value, f"{shown} must validate at least one schema (anyOf)")
    if "oneOf" in schema:
        count = sum(_valid(each, value, path) for each in schema["oneOf"])
        if count != 1:
            found = "none valid" if not count else f"{count} valid alternatives"
            detail = f"{shown} must validate one and only one schema (oneOf). Found {found}"
            yield Cause.invalid(path, value, detail)
    if "not" in schema and _valid(schema["not"], value, path):
        yield Cause.invalid(path, value, f"{shown} must not validate the schema (not)")
