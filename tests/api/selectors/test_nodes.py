"""Which nodes a pod may be on: node selectors, affinity terms, taints and tolerations."""

from typing import Any

import pytest

from kube_actors.api import Taint, repelled, tolerations_of
from kube_actors.api.selectors import allows, node_term, required_terms


@pytest.mark.parametrize(
    ("operator", "values", "label", "expected"),
    [
        ("In", ["1", "2"], "1", True),
        ("In", ["1", "2"], None, False),
        ("NotIn", ["1"], "1", False),
        ("NotIn", ["1"], None, True),
        ("Exists", [], "1", True),
        ("Exists", [], None, False),
        ("DoesNotExist", [], None, True),
        ("DoesNotExist", [], "1", False),
        ("Gt", ["4"], "5", True),
        ("Gt", ["4"], "4", False),
        ("Lt", ["4"], "-3", True),
        ("Lt", ["4"], "5", False),
        ("Gt", ["4"], "1_0", False),
        ("Gt", ["4"], " 5", False),
        ("Gt", ["4"], "five", False),
        ("Lt", ["4"], None, False),
        ("Gt", [""], "5", False),
        ("Lt", ["--5"], "1", False),
        ("Near", ["1"], "1", False),
    ],
)
def test_an_expression_of_a_node_term(
    operator: str, values: list[str], label: str | None, expected: bool
) -> None:
    term = node_term({"matchExpressions": [{"key": "n", "operator": operator, "values": values}]})
    assert term.matches({} if label is None else {"n": label}, "a") is expected


def requiring(*terms: Any) -> Any:
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [*terms]}}
    return required_terms({"affinity": {"nodeAffinity": required}})


def test_one_term_is_enough_but_all_of_it_must_hold() -> None:
    zone = {"matchExpressions": [{"key": "zone", "operator": "In", "values": ["z"]}]}
    named = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["a"]}]}
    assert allows({}, requiring(zone, named), {}, "a")
    assert allows({}, requiring(zone, named), {"zone": "z"}, "b")
    assert not allows({}, requiring(zone | named), {}, "a")
    assert allows({}, requiring(zone | named), {"zone": "z"}, "a")
    assert not allows({"disk": "ssd"}, requiring(named), {}, "a")


def test_no_terms_means_no_node_and_no_requirement_means_any() -> None:
    assert not allows({}, requiring(), {}, "a")
    assert not allows({}, requiring({}), {}, "a")
    assert required_terms({}) is None
    assert allows({}, None, {}, "a")


@pytest.mark.parametrize(
    ("toleration", "tolerated"),
    [
        ({"key": "k", "value": "v"}, True),
        ({"key": "k", "value": "w"}, False),
        ({"key": "k", "operator": "Exists"}, True),
        ({"key": "k", "operator": "Exists", "effect": "NoExecute"}, False),
        ({"operator": "Exists"}, True),
        ({"value": "v"}, False),
        ({"key": "l", "operator": "Exists"}, False),
    ],
)
def test_which_toleration_lets_a_pod_onto_a_tainted_node(
    toleration: dict[str, str], tolerated: bool
) -> None:
    tolerations = tolerations_of({"tolerations": [toleration]})
    assert repelled(tolerations, [Taint("k", "v", "NoSchedule")]) is not tolerated


def test_a_taint_that_only_prefers_repels_nobody() -> None:
    assert not repelled((), [Taint("k", "v", "PreferNoSchedule")])
    assert repelled((), [Taint("k", "v", "NoExecute")])


def test_equal_tolerations_are_one_object() -> None:
    first = tolerations_of({"tolerations": [{"key": "k", "tolerationSeconds": 300}]})
    second = tolerations_of({"tolerations": [{"key": "k", "tolerationSeconds": 300}]})
    assert first is second
    assert first[0].for_s == 300
