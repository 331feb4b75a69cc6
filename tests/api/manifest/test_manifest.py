from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from kube_actors.api.manifest import (
    MalformedManifest,
    decode_json,
    decode_yaml,
    dump_yaml,
    parse_manifest,
    parse_yaml,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", True),
        ("Off", False),
        ("y", True),
        ("n", False),
        ("~", None),
        ("017", 15),
        ("0o17", 15),
        ("0x1F", 31),
        ("0b101", 5),
        ("-0x10", -16),
        ("08", 8),
        ("1_000", 1000),
        ("1e3", 1000),
        ("1.0", 1),
        ("1.5", 1.5),
        (".5", 0.5),
        ("+12", 12),
        ("2001-12-14", "2001-12-14"),
        ("12:30:45", "12:30:45"),
        ("1.2.3", "1.2.3"),
        ("100m", "100m"),
        ("0x", "0x"),
        ("'yes'", "yes"),
        ('"017"', "017"),
        ("!!str 5", "5"),
        ("!!binary aGk=", "hi"),
        ("oN", "oN"),
        ("|\n  a\n  b\n", "a\nb\n"),
    ],
)
def test_a_yaml_scalar_means_what_it_means_to_kubectl(text: str, value: Any) -> None:
    found = decode_yaml(f"a: {text}").value["a"]
    assert found == value
    assert type(found) is type(value)


def test_yaml_keys_become_text() -> None:
    assert decode_yaml("{1: a, true: b, 1.5: c, yes: d}").value == {
        "1": "a",
        "true": "d",
        "1.5": "c",
    }


def test_merge_keys_fill_in_what_is_not_said() -> None:
    text = "base: &b {a: 1, b: 2}\nother: &o {b: 3, c: 4}\nx:\n  <<: [*b, *o]\n  a: 9\n"
    assert decode_yaml(text).value["x"] == {"a": 9, "b": 2, "c": 4}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: b: c", "line 1, column 5: mapping values are not allowed"),
        ("a: 1\n\tb: 2", "line 2, column 1"),
        ("a: .inf", "line 1, column 4: json: unsupported value: .inf"),
        ("a: [1", "line 2, column 1"),
        ("? [a]\n: b", "unsupported map key"),
        ("a: &a [*a]", "anchor 'a' value contains itself"),
        ("a: &a\n  <<: *a", "anchor 'a' value contains itself"),
        ("a: *nowhere", "unknown anchor 'nowhere'"),
        ("<<: 1", "map merge requires map"),
    ],
)
def test_a_yaml_fault_says_where_it_is(text: str, message: str) -> None:
    with pytest.raises(MalformedManifest) as caught:
        decode_yaml(text)
    assert caught.value.code == 400
    assert message in caught.value.message


def test_aliases_cannot_unfold_into_the_whole_memory() -> None:
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x,x]"]
    lines += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    with pytest.raises(MalformedManifest, match="excessive aliasing"):
        decode_yaml("\n".join(lines))


def test_deep_nesting_is_refused_and_not_a_crash() -> None:
    with pytest.raises(MalformedManifest):
        decode_json(b"[" * 5000 + b"]" * 5000)
    with pytest.raises(MalformedManifest):
        decode_yaml("[" * 300_000 + "]" * 300_000)
    with pytest.raises(MalformedManifest):
        decode_yaml("- " * 300_000)
    with pytest.raises(MalformedManifest):
        decode_json(b'{"a":' * 300 + b"1" + b"}" * 300)
    assert decode_json(b"[" * 199 + b"]" * 199).duplicates == ()


def test_duplicate_fields_are_found_with_their_paths() -> None:
    text = b'{"spec":{"replicas":1,"c":[{"n":1},{"n":1,"n":2}],"replicas":2},"a":1,"a":2}'
    decoded = decode_json(text)
    assert decoded.value == {"spec": {"replicas": 2, "c": [{"n": 1}, {"n": 2}]}, "a": 2}
    assert decoded.duplicates == ("a", "spec.replicas", "spec.c[1].n")
    assert decode_yaml("a: 1\nb:\n- c: 1\n  c: 2\n").duplicates == ("b[0].c",)


@pytest.mark.parametrize("text", [b"{", b'{"a": NaN}', b"", b"{'a': 1}", b'{"a":1} x', b"\xff"])
def test_malformed_json_is_a_bad_request(text: bytes) -> None:
    with pytest.raises(MalformedManifest) as caught:
        decode_json(text)
    assert (caught.value.code, caught.value.reason) == (400, "BadRequest")


def test_a_json_fault_says_where_it_is() -> None:
    with pytest.raises(MalformedManifest) as caught:
        decode_json(b'{\n  "a": }')
    assert (caught.value.line, caught.value.column) == (2, 8)


def test_a_manifest_is_a_flat_list_of_objects() -> None:
    text = """
---
# nothing here
---
apiVersion: v1
kind: ConfigMap
metadata: {name: a}
---
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Secret, metadata: {name: b}}
- apiVersion: v1
  kind: PodList
  items:
  - metadata: {name: c}
"""
    found = [(each["kind"], each["metadata"]["name"]) for each in parse_yaml(text)]
    assert found == [("ConfigMap", "a"), ("Secret", "b"), ("Pod", "c")]


def test_json_is_a_manifest_too() -> None:
    text = '{"apiVersion":"v1","kind":"ConfigMap","data":{"a":"\\u00e9"}}'
    assert parse_manifest(text)[0]["data"] == {"a": "é"}
    assert parse_manifest(b"") == []
    assert parse_manifest("{apiVersion: v1, kind: A}") == [{"apiVersion": "v1", "kind": "A"}]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a", "document 1: expected an object"),
        ("just text", "document 1: expected an object, found 'just text'"),
        ("kind: A", "document 1: Object 'apiVersion' is missing"),
        ("apiVersion: v1", "document 1: Object 'kind' is missing"),
    ],
)
def test_what_is_no_object_is_refused(text: str, message: str) -> None:
    with pytest.raises(MalformedManifest, match=message):
        parse_yaml(text)


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=12,
)


@given(_VALUES)
def test_what_is_dumped_is_read_back(value: Any) -> None:
    try:
        text = dump_yaml({"a": value})
        found = decode_yaml(text).value
    except (yaml.YAMLError, MalformedManifest, UnicodeEncodeError):
        # Control characters and lone surrogates are no YAML.
        return
    assert found == {"a": value}
