from typing import Any

import pytest

from kube_actors.api import StatusError
from kube_actors.api.errors import Resource
from kube_actors.api.selectors import (
    NOTHING,
    check_fields,
    fields_of,
    from_label_selector,
    from_labels,
    parse_field_selector,
    parse_label_selector,
)

PODS = Resource("", "pods", "Pod")
WIDGETS = Resource("example.com", "widgets", "Widget")


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("", ""),
        ("x", "x"),
        ("!x", "!x"),
        ("x=a", "x=a"),
        ("x==a", "x==a"),
        ("x != a", "x!=a"),
        ("x=", "x="),
        ("x=,y=", "x=,y="),
        ("y=b,x=a", "x=a,y=b"),
        ("x in (b,a)", "x in (a,b)"),
        ("x notin (a)", "x notin (a)"),
        ("x in ()", "x in ()"),
        ("x in (a,)", "x in (,a)"),
        ("x in (,a)", "x in (,a)"),
        ("in in (in,notin)", "in in (in,notin)"),
        ("x=in", "x=in"),
        ("x>5,y<-3", None),
        ("x>5,y<3", "x>5,y<3"),
        ("app.kubernetes.io/name=web", "app.kubernetes.io/name=web"),
        (" x = a , ! y ", "x=a,!y"),
    ],
)
def test_selector_texts_have_one_canonical_form(text: str, canonical: str | None) -> None:
    if canonical is None:
        with pytest.raises(StatusError):
            parse_label_selector(text)
    else:
        assert str(parse_label_selector(text)) == canonical


@pytest.mark.parametrize(
    ("text", "labels", "expected"),
    [
        ("", {}, True),
        ("x=a", {"x": "a"}, True),
        ("x=a", {}, False),
        ("x!=a", {}, True),
        ("x!=a", {"x": "a"}, False),
        ("x", {"x": ""}, True),
        ("!x", {"x": ""}, False),
        ("x in (a,b)", {"x": "b"}, True),
        ("x notin (a,b)", {}, True),
        ("x notin (a,b)", {"x": "a"}, False),
        ("x>5", {"x": "10"}, True),
        ("x>5", {"x": "five"}, False),
        ("x<5", {"x": "4"}, True),
        ("x=a,y=b", {"x": "a", "y": "c"}, False),
        ("x=", {"x": ""}, True),
    ],
)
def test_a_label_selector_matches(text: str, labels: dict[str, str], expected: bool) -> None:
    assert parse_label_selector(text).matches(labels) is expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x=a||y=b", "unable to parse requirement: values[0][x]: Invalid value"),
        ("x in a", "unable to parse requirement: found 'a' expected: '('"),
        ("x in (a b)", "unable to parse requirement: found 'b', expected: ',' or ')'"),
        ("x a", "unable to parse requirement: found 'a', expected: !=, <, =, ==, >, in, notin"),
        ("x=a,", "found '', expected: identifier after ','"),
        (",x=a", "found ',', expected: !, identifier, or 'end of string'"),
        ("x==a==b", "found '==', expected: ',' or 'end of string'"),
        ("!x=a", "found '=', expected: ',' or 'end of string'"),
        ("!", "unable to parse requirement: found '', expected: identifier"),
        ("-x=a", 'unable to parse requirement: <nil>: Invalid value: "-x": name part must consist'),
        ("a/b/c", "a valid label key must consist of alphanumeric characters"),
        ("/c", "prefix part must be non-empty"),
    ],
)
def test_what_cannot_be_parsed_is_a_bad_request_that_says_where(text: str, message: str) -> None:
    with pytest.raises(StatusError) as caught:
        parse_label_selector(text)
    assert caught.value.code == 400
    assert message in caught.value.message


def test_a_selector_object_joins_labels_and_expressions() -> None:
    selector = from_label_selector(
        {
            "matchLabels": {"app": "web"},
            "matchExpressions": [
                {"key": "tier", "operator": "NotIn", "values": ["db"]},
                {"key": "old", "operator": "DoesNotExist"},
            ],
        }
    )
    assert str(selector) == "app=web,!old,tier notin (db)"
    assert selector.matches({"app": "web"})
    assert not selector.matches({"app": "web", "tier": "db"})


def test_an_absent_selector_object_matches_nothing_and_an_empty_one_everything() -> None:
    assert from_label_selector(None) is NOTHING
    assert not NOTHING.matches({})
    assert from_label_selector({}).matches({"any": "thing"})
    assert from_labels({"a": "b"}).matches({"a": "b", "c": "d"})


@pytest.mark.parametrize(
    ("selector", "message"),
    [
        (
            {"matchExpressions": [{"key": "a", "operator": "Like", "values": ["b"]}]},
            '"Like" is not a valid label selector operator',
        ),
        (
            {"matchExpressions": [{"key": "a", "operator": "In"}]},
            "values: Invalid value: []: for 'in', 'notin' operators, values set can't be empty",
        ),
        (
            {"matchExpressions": [{"key": "a", "operator": "Exists", "values": ["b"]}]},
            "values set must be empty for exists and does not exist",
        ),
    ],
)
def test_a_bad_selector_object_says_what_is_wrong(selector: dict[str, Any], message: str) -> None:
    with pytest.raises(StatusError) as caught:
        from_label_selector(selector)
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("text", "fields", "expected"),
    [
        ("", {}, True),
        ("a=b", {"a": "b"}, True),
        ("a==b", {"a": "c"}, False),
        ("a!=b", {"a": "c"}, True),
        ("a=", {}, True),
        ("a!=", {}, False),
        ("a=b,c=d", {"a": "b", "c": "d"}, True),
        (r"a=b\,c\=d\\", {"a": "b,c=d\\"}, True),
        (",a=b,", {"a": "b"}, True),
    ],
)
def test_a_field_selector_matches(text: str, fields: dict[str, str], expected: bool) -> None:
    selector = parse_field_selector(text)
    assert selector.matches(fields) is expected
    assert parse_field_selector(str(selector)) == selector


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a", "invalid selector: 'a'; can't understand 'a'"),
        ("a=b=c", "unescaped character in value: 61"),
        (r"a=\d", r"invalid escape sequence: \d"),
        ("a=b\\", "invalid escape sequence: \\"),
    ],
)
def test_a_malformed_field_selector_is_a_bad_request(text: str, message: str) -> None:
    with pytest.raises(StatusError) as caught:
        parse_field_selector(text)
    assert caught.value.code == 400
    assert message in caught.value.message


def test_each_kind_allows_its_own_fields() -> None:
    check_fields(PODS, parse_field_selector("spec.nodeName=a,metadata.name=b"))
    with pytest.raises(StatusError, match=r"field label not supported: spec\.foo"):
        check_fields(PODS, parse_field_selector("spec.foo=a"))
    with pytest.raises(
        StatusError,
        match=r'"x" is not a known field selector: only "metadata\.name", "metadata\.namespace"',
    ):
        check_fields(WIDGETS, parse_field_selector("x=a"))
    check_fields(WIDGETS, parse_field_selector("spec.color=a"), declared=("spec.color",))


def test_fields_are_compared_as_text_with_absent_ones_empty() -> None:
    pod = {"metadata": {"name": "a", "namespace": "b"}, "spec": {"nodeName": "n"}}
    fields = fields_of(PODS, pod)
    assert parse_field_selector("spec.nodeName=n,status.phase=,spec.hostNetwork=false").matches(
        fields
    )
    assert parse_field_selector("spec.nodeName=n").required("spec.nodeName") == "n"
    node = Resource("", "nodes", "Node")
    assert fields_of(node, {"spec": {"unschedulable": True}})["spec.unschedulable"] == "true"
