"""Validation answers for whatever decoding lets through; it never raises."""

import copy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from kube_actors.api.causes import Cause
from kube_actors.api.defaults import apply_defaults
from kube_actors.api.schema import validate_structure
from kube_actors.api.strategy import prepare_for_update
from kube_actors.api.validation import validate_create, validate_update
from tests.api.objects import RICH_POD, VALID, admitted, kind_of, stored


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [path, *(p for key in value for p in _places(value[key], (*path, key)))]
    if isinstance(value, list):
        return [path, *(p for i, each in enumerate(value) for p in _places(each, (*path, i)))]
    return [path]


def _mutated(obj: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value if isinstance(value, dict) else obj
    first, *rest = path
    copied = obj.copy()
    if rest or value is not None:
        copied[first] = _mutated(obj[first], tuple(rest), value) if rest else value
    else:
        del copied[first]
    return copied


odd_values = st.sampled_from([None, "", "x", "A b", "-1", 0, -1, 1, True, [], [{}], {}, {"a": "b"}])


@settings(max_examples=600, deadline=None)
@given(data=st.data(), name=st.sampled_from([*sorted(VALID), "", "", ""]))
def test_validation_never_raises_on_what_decoding_lets_through(data: Any, name: str) -> None:
    start = copy.deepcopy(VALID[name] if name else RICH_POD)
    obj = admitted(start) if data.draw(st.booleans()) else start
    for _ in range(data.draw(st.integers(1, 3))):
        keys = ("apiVersion", "kind")
        found = [p for p in _places(obj) if p and p[0] not in keys and p != ("metadata",)]
        if found:
            obj = _mutated(obj, data.draw(st.sampled_from(found)), data.draw(odd_values))
    kind = kind_of(obj)
    decoded = validate_structure(kind, obj)
    if decoded.errors or "metadata" not in decoded.obj:
        return
    old = stored(start)
    for causes in (
        validate_create(kind, admitted(decoded.obj)),
        validate_update(
            kind, prepare_for_update(kind, apply_defaults(kind, decoded.obj), old), old
        ),
        validate_update(kind, prepare_for_update(kind, decoded.obj, old, "status"), old, "status"),
    ):
        assert all(isinstance(cause, Cause) for cause in causes)
