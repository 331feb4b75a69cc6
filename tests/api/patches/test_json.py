import copy
from typing import Any

import jsonpatch
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kube_actors.api import StatusError
from kube_actors.api.patches import create_merge_patch, json_patch, merge_patch


@pytest.mark.parametrize(
    ("doc", "operation", "result"),
    [
        ({"a": 1}, {"op": "add", "path": "/b", "value": 2}, {"a": 1, "b": 2}),
        ({"a": [1, 3]}, {"op": "add", "path": "/a/1", "value": 2}, {"a": [1, 2, 3]}),
        ({"a": [1]}, {"op": "add", "path": "/a/-", "value": 2}, {"a": [1, 2]}),
        ({"a": 1}, {"op": "add", "path": "", "value": [1]}, [1]),
        ({"a": [1, 2]}, {"op": "remove", "path": "/a/0"}, {"a": [2]}),
        ({"a~/b": 1}, {"op": "remove", "path": "/a~0~1b"}, {}),
        ({"a": {"b": 1}}, {"op": "replace", "path": "/a/b", "value": None}, {"a": {"b": None}}),
        ({"a": 1}, {"op": "move", "from": "/a", "path": "/b"}, {"b": 1}),
        ({"a": [1]}, {"op": "copy", "from": "/a", "path": "/b"}, {"a": [1], "b": [1]}),
        ({"a": [1.0]}, {"op": "test", "path": "/a", "value": [1]}, {"a": [1.0]}),
    ],
)
def test_each_operation_does_what_the_rfc_says(doc: Any, operation: Any, result: Any) -> None:
    before = copy.deepcopy(doc)
    assert json_patch(doc, [operation]) == result
    assert doc == before


@pytest.mark.parametrize(
    ("operation", "code"),
    [
        ({"op": "test", "path": "/a", "value": 2}, 422),
        ({"op": "test", "path": "/b", "value": True}, 422),
        ({"op": "remove", "path": "/x"}, 422),
        ({"op": "replace", "path": "/x", "value": 1}, 422),
        ({"op": "add", "path": "/x/y", "value": 1}, 422),
        ({"op": "add", "path": "/l/7", "value": 1}, 422),
        ({"op": "add", "path": "/l/01", "value": 1}, 422),
        ({"op": "replace", "path": "/l/-", "value": 1}, 422),
        ({"op": "add", "path": "/a/b", "value": 1}, 422),
        ({"op": "move", "from": "/l", "path": "/l/0"}, 422),
        ({"op": "add", "path": "x", "value": 1}, 400),
        ({"op": "add", "path": "/~2", "value": 1}, 400),
        ({"op": "add", "path": "/x"}, 400),
        ({"op": "add", "value": 1}, 400),
        ({"op": "merge", "path": "/a"}, 400),
        ("add", 400),
    ],
)
def test_a_patch_that_does_not_fit_is_422_and_a_malformed_one_400(
    operation: Any, code: int
) -> None:
    with pytest.raises(StatusError) as caught:
        json_patch({"a": 1, "b": 1, "l": [1]}, [operation])
    assert caught.value.code == code


def test_all_operations_apply_or_none() -> None:
    doc = {"a": 1}
    with pytest.raises(StatusError):
        json_patch(doc, [{"op": "remove", "path": "/a"}, {"op": "remove", "path": "/a"}])
    assert doc == {"a": 1}


def test_what_the_patch_does_not_touch_is_shared() -> None:
    doc = {"a": {"b": {}}, "c": {}}
    made = json_patch(doc, [{"op": "add", "path": "/c/d", "value": 1}])
    assert made["a"] is doc["a"]


def test_a_patch_cannot_grow_without_bound() -> None:
    doubling = [{"op": "copy", "from": "", "path": f"/k{n}"} for n in range(64)]
    with pytest.raises(StatusError) as caught:
        json_patch({"a": "x" * 1000}, doubling)
    assert caught.value.code == 413
    with pytest.raises(StatusError) as caught:
        json_patch({}, [{"op": "test", "path": "", "value": {}}] * 10_001)
    assert caught.value.code == 413


_KEYS = st.sampled_from(["a", "b", "0", "~/"])
_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.integers(-2, 2) | st.text(max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=8,
)
_PATHS = st.lists(st.sampled_from(["a", "b", "0", "1", "-", "~0~1"]), max_size=3).map(
    lambda tokens: "".join("/" + token for token in tokens)
)
_OPERATIONS = st.lists(
    st.fixed_dictionaries(
        {
            "op": st.sampled_from(["add", "remove", "replace", "move", "copy", "test"]),
            "path": _PATHS,
            "from": _PATHS,
            "value": _VALUES,
        }
    ),
    max_size=4,
)


@given(_VALUES, _OPERATIONS)
def test_it_agrees_with_another_implementation(doc: Any, operations: Any) -> None:
    root_gone = any(each["op"] in {"remove", "move"} and "" in each.values() for each in operations)
    if root_gone:
        return
    try:
        expected = jsonpatch.apply_patch(doc, operations)
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException, TypeError):
        expected = StatusError
    try:
        found = json_patch(doc, operations)
    except StatusError:
        found = StatusError
    assert found == expected


@pytest.mark.parametrize(
    ("doc", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c"], ["c"]),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merge_patch_keeps_the_examples_of_its_rfc(doc: Any, patch: Any, result: Any) -> None:
    before = copy.deepcopy(doc)
    assert merge_patch(doc, patch) == result
    assert doc == before


def test_an_apply_deletes_only_what_it_applied_before() -> None:
    last = {"a": 1, "b": {"c": 1, "d": 1}}
    wanted = {"b": {"c": 2}, "e": [1]}
    live = {"a": 1, "b": {"c": 1, "d": 1, "other": 1}, "status": {}}
    patch = create_merge_patch(last, wanted, live)
    assert patch == {"a": None, "b": {"c": 2, "d": None}, "e": [1]}
    assert merge_patch(live, patch) == {"b": {"c": 2, "other": 1}, "e": [1], "status": {}}
    assert create_merge_patch(wanted, wanted, merge_patch(live, patch)) == {}
