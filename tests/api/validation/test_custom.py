"""What is wrong with a custom object, by its own schema."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kube_actors.api import Kind
from kube_actors.api.schema import validate_structure
from kube_actors.api.validation import validate_create, validate_update

SPEC: dict[str, Any] = {
    "type": "object",
    "required": ["size"],
    "properties": {
        "size": {"type": "integer", "minimum": 1, "maximum": 10},
        "color": {"type": "string", "enum": ["red", "blue"]},
        "name": {"type": "string", "minLength": 2, "maxLength": 4, "pattern": "^[a-z]+$"},
        "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 2},
        "parts": {
            "type": "array",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
            "items": {"type": "object", "properties": {"name": {"type": "string"}}},
        },
        "port": {"x-kubernetes-int-or-string": True},
        "note": {"type": "string", "nullable": True},
        "ratio": {"type": "number", "minimum": 0, "exclusiveMinimum": True},
        "one": {
            "type": "object",
            "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
            "oneOf": [{"required": ["a"]}, {"required": ["b"]}],
        },
    },
}
WIDGET = Kind(
    group="example.com",
    version="v1",
    kind="Widget",
    plural="widgets",
    singular="widget",
    schema="widgets.example.com/v1#custom",
    definition={"type": "object", "required": ["spec"], "properties": {"spec": SPEC}},
)


def widget(**spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "example.com/v1",
        "kind": "Widget",
        "metadata": {"name": "w", "namespace": "default"},
        "spec": {"size": 1, **spec},
    }


def wrong(obj: dict[str, Any]) -> list[str]:
    return [str(cause) for cause in validate_create(WIDGET, obj)]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            {"size": "big"},
            'spec.size: Invalid value: "string": spec.size in body must be of type integer: '
            '"string"',
        ),
        (
            {"size": 0},
            "spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1",
        ),
        (
            {"size": 11},
            "spec.size: Invalid value: 11: spec.size in body should be less than or equal to 10",
        ),
        (
            {"color": "green"},
            'spec.color: Unsupported value: "green": supported values: "red", "blue"',
        ),
        (
            {"name": "a"},
            'spec.name: Invalid value: "a": spec.name in body should be at least 2 chars long',
        ),
        ({"name": "abcde"}, "spec.name: Too long: may not be more than 4 bytes"),
        (
            {"name": "A1"},
            "spec.name: Invalid value: \"A1\": spec.name in body should match '^[a-z]+$'",
        ),
        ({"tags": ["a", "b", "c"]}, "spec.tags: Too many: 3: must have at most 2 items"),
        (
            {"tags": [1]},
            'spec.tags[0]: Invalid value: "integer": spec.tags[0] in body must be of type string: '
            '"integer"',
        ),
        (
            {"parts": [{"name": "a"}, {"name": "a"}]},
            'spec.parts[1]: Duplicate value: {"name":"a"}',
        ),
        (
            {"port": True},
            'spec.port: Invalid value: "boolean": spec.port in body must be of type '
            'integer,string: "boolean"',
        ),
        (
            {"color": None},
            'spec.color: Invalid value: "null": spec.color in body must be of type string: "null"',
        ),
        (
            {"ratio": 0},
            "spec.ratio: Invalid value: 0: spec.ratio in body should be greater than 0",
        ),
        (
            {"one": {}},
            'spec.one: Invalid value: {}: "spec.one" must validate one and only one schema '
            "(oneOf). Found none valid",
        ),
    ],
)
def test_each_value_is_checked(spec: dict[str, Any], message: str) -> None:
    assert message in wrong(widget(**spec))


def test_what_the_schema_allows_is_valid() -> None:
    good = widget(color="red", name="abc", tags=["a"], port="http", note=None, one={"a": "x"})
    assert wrong(good) == []
    old = {**good, "metadata": {**good["metadata"], "resourceVersion": "1"}}
    assert validate_update(WIDGET, old, old) == []
    assert [str(cause) for cause in validate_update(WIDGET, {**old, "spec": {}}, old)] == [
        "spec.size: Required value"
    ]


def test_a_missing_part_is_required() -> None:
    obj = widget()
    del obj["spec"]
    assert wrong(obj) == ["spec: Required value"]


values = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 12) | st.text(max_size=5) | st.just(0.5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b", "name", "size"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(max_examples=200, deadline=None)
@given(spec=st.dictionaries(st.sampled_from([*SPEC["properties"], "odd"]), values, max_size=5))
def test_any_object_is_answered_and_never_changed(spec: dict[str, Any]) -> None:
    found = validate_structure(WIDGET, widget(**spec))
    assert found.errors == []
    before = repr(found.obj)
    validate_create(WIDGET, found.obj)
    assert repr(found.obj) == before
    assert validate_structure(WIDGET, found.obj).obj is found.obj
