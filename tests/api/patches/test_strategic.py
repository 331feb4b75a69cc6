import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kube_actors.api import BUILTIN, Kind, StatusError
from kube_actors.api.patches import (
    merge_rules,
    strategic_merge_patch,
    three_way_patch,
    two_way_patch,
)

POD = BUILTIN.find("pods")
DEPLOYMENT = BUILTIN.find("deployments")
SERVICE = BUILTIN.find("services")


def _pod(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "a"}, "spec": spec}


def _names(elements: list[dict[str, Any]]) -> list[str]:
    return [each["name"] for each in elements]


def test_containers_merge_by_name_and_keep_what_the_patch_does_not_say() -> None:
    doc = _pod(containers=[{"name": "a", "image": "1", "tty": True}, {"name": "b", "image": "1"}])
    before = copy.deepcopy(doc)
    patch = _pod(containers=[{"name": "a", "image": "2"}, {"name": "c", "image": "3"}])
    made = strategic_merge_patch(doc, patch, POD)
    assert made["spec"]["containers"] == [
        {"name": "a", "image": "2", "tty": True},
        {"name": "c", "image": "3"},
        {"name": "b", "image": "1"},
    ]
    assert doc == before


def test_no_directive_is_ever_stored() -> None:
    patch = {
        "spec": {
            "$setElementOrder/volumes": [{"name": "a"}],
            "volumes": [{"name": "a", "$retainKeys": ["name"], "emptyDir": None}],
            "$deleteFromPrimitiveList/x": ["y"],
        }
    }
    stored = {"spec": {"volumes": [{"name": "a"}]}}
    assert strategic_merge_patch({}, patch, POD) == stored
    assert strategic_merge_patch({"spec": {}}, patch, POD) == stored
    assert strategic_merge_patch({"spec": {"volumes": []}}, patch, POD) == stored


def test_an_element_is_deleted_by_its_key_and_a_list_is_replaced_by_a_directive() -> None:
    doc = _pod(containers=[{"name": "a"}, {"name": "b"}])
    patch = _pod(containers=[{"name": "a", "$patch": "delete"}, {"name": "zz", "$patch": "delete"}])
    assert _names(strategic_merge_patch(doc, patch, POD)["spec"]["containers"]) == ["b"]
    patch = _pod(containers=[{"name": "c"}, {"$patch": "replace"}])
    assert _names(strategic_merge_patch(doc, patch, POD)["spec"]["containers"]) == ["c"]


def test_an_object_is_replaced_deleted_or_merged_by_a_directive() -> None:
    doc = {"metadata": {"labels": {"a": "1", "b": "2"}}}
    for directive, left in (("replace", {"c": "3"}), ("delete", {})):
        patch = {"metadata": {"labels": {"c": "3", "$patch": directive}}}
        assert strategic_merge_patch(doc, patch, POD) == {"metadata": {"labels": left}}
    patch = {"metadata": {"labels": {"c": "3", "$patch": "merge"}}}
    assert strategic_merge_patch(doc, patch, POD)["metadata"]["labels"] == {
        "a": "1",
        "b": "2",
        "c": "3",
    }


def test_a_null_deletes_and_is_never_stored() -> None:
    doc = _pod(containers=[{"name": "a", "image": "1"}], nodeName="n")
    patch = _pod(
        containers=[{"name": "a", "image": None, "resources": {"limits": {"cpu": None}}}],
        nodeName=None,
        affinity=None,
        securityContext={"runAsUser": None, "fsGroup": 1},
    )
    assert strategic_merge_patch(doc, patch, POD)["spec"] == {
        "containers": [{"name": "a", "resources": {"limits": {}}}],
        "securityContext": {"fsGroup": 1},
    }


def test_lists_of_scalars_merge_as_sets_or_are_replaced_by_their_rule() -> None:
    doc = {"metadata": {"finalizers": ["a", "b"]}, "spec": {"containers": []}}
    patch = {"metadata": {"finalizers": ["b", "c"]}}
    assert strategic_merge_patch(doc, patch, POD)["metadata"]["finalizers"] == ["a", "b", "c"]
    doc = _pod(containers=[{"name": "a", "command": ["x", "y"]}])
    patch = _pod(containers=[{"name": "a", "command": ["z"]}])
    assert strategic_merge_patch(doc, patch, POD)["spec"]["containers"][0]["command"] == ["z"]


def test_scalars_are_deleted_from_a_list_by_a_parallel_list() -> None:
    doc = {"metadata": {"finalizers": ["a", "b", "c"]}}
    patch = {"metadata": {"$deleteFromPrimitiveList/finalizers": ["b", "x"]}}
    assert strategic_merge_patch(doc, patch, POD) == {"metadata": {"finalizers": ["a", "c"]}}
    assert strategic_merge_patch({"metadata": {}}, patch, POD) == {"metadata": {}}


def test_the_order_of_elements_can_be_set_and_the_servers_own_keep_their_places() -> None:
    doc = _pod(containers=[{"name": name} for name in "abxc"])
    patch = {
        "spec": {
            "$setElementOrder/containers": [{"name": "c"}, {"name": "n"}, {"name": "a"}],
            "containers": [{"name": "n"}, {"name": "b", "$patch": "delete"}],
        }
    }
    made = strategic_merge_patch(doc, patch, POD)
    assert _names(made["spec"]["containers"]) == ["x", "c", "n", "a"]


def test_an_order_that_contradicts_the_patch_is_refused() -> None:
    patch = {
        "spec": {
            "$setElementOrder/containers": [{"name": "a"}, {"name": "b"}],
            "containers": [{"name": "b"}, {"name": "a"}],
        }
    }
    with pytest.raises(StatusError, match="doesn't match") as caught:
        strategic_merge_patch(_pod(containers=[]), patch, POD)
    assert caught.value.code == 400


def test_retained_keys_clear_the_other_members_of_a_union() -> None:
    doc = {"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}}
    patch = {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}}
    made = strategic_merge_patch(doc, patch, DEPLOYMENT)
    assert made == {"spec": {"strategy": {"type": "Recreate"}}}
    bad = {"spec": {"strategy": {"$retainKeys": ["type"], "rollingUpdate": {}}}}
    with pytest.raises(StatusError, match="retainKeys"):
        strategic_merge_patch(doc, bad, DEPLOYMENT)


def test_ports_merge_by_number_and_a_missing_key_is_refused() -> None:
    doc = {"spec": {"ports": [{"port": 80, "name": "http"}, {"port": 443, "name": "tls"}]}}
    patch = {"spec": {"ports": [{"port": 443, "targetPort": 8443}]}}
    assert strategic_merge_patch(doc, patch, SERVICE)["spec"]["ports"] == [
        {"port": 80, "name": "http"},
        {"port": 443, "name": "tls", "targetPort": 8443},
    ]
    with pytest.raises(StatusError, match="does not contain declared merge key: port") as caught:
        strategic_merge_patch(doc, {"spec": {"ports": [{"name": "x"}]}}, SERVICE)
    assert caught.value.code == 422


@pytest.mark.parametrize(
    "patch",
    [
        [],
        {"spec": {"containers": [{"name": "a", "$patch": "explode"}]}},
        {"$patch": "explode"},
        {"spec": {"containers": ["a"]}},
        {"spec": {"$setElementOrder/containers": "a"}},
        {"metadata": {"$deleteFromPrimitiveList/finalizers": "a"}},
        {"metadata": {"finalizers": [["a"]]}},
    ],
)
def test_a_malformed_patch_changes_nothing_and_says_why(patch: Any) -> None:
    doc = _pod(containers=[{"name": "a"}])
    doc["metadata"]["finalizers"] = ["x"]
    before = copy.deepcopy(doc)
    with pytest.raises(StatusError) as caught:
        strategic_merge_patch(doc, patch, POD)
    assert caught.value.code in {400, 422}
    assert doc == before


def test_a_custom_kind_has_no_strategic_merge() -> None:
    custom = Kind(
        group="example.com",
        version="v1",
        kind="Widget",
        plural="widgets",
        singular="widget",
        definition={"type": "object"},
    )
    with pytest.raises(StatusError, match="not supported"):
        strategic_merge_patch({}, {}, custom)


def test_an_apply_deletes_what_left_the_manifest_and_keeps_what_others_added() -> None:
    rules = merge_rules(DEPLOYMENT)
    assert rules is not None

    def template(containers: list[dict[str, Any]], replicas: int | None) -> dict[str, Any]:
        spec: dict[str, Any] = {"template": {"spec": {"containers": containers}}}
        return {"spec": spec if replicas is None else {**spec, "replicas": replicas}}

    last = template([{"name": "a", "image": "1", "args": ["x"]}, {"name": "b"}], 2)
    wanted = template([{"name": "a", "image": "2"}, {"name": "c"}], None)
    live = template([{"name": "a", "image": "1", "args": ["x"]}, {"name": "b"}, {"name": "s"}], 5)
    patch = three_way_patch(last, wanted, live, rules)
    assert patch["spec"]["replicas"] is None
    made = strategic_merge_patch(live, patch, DEPLOYMENT)
    assert made == template([{"name": "a", "image": "2"}, {"name": "s"}, {"name": "c"}], None)
    again = three_way_patch(wanted, wanted, made, rules)
    assert strategic_merge_patch(made, again, DEPLOYMENT) == made


_ENV = st.lists(
    st.fixed_dictionaries(
        {"name": st.sampled_from("abcde")}, optional={"value": st.sampled_from("xyz")}
    ),
    max_size=5,
    unique_by=lambda each: each["name"],
)
_PODS = st.fixed_dictionaries(
    {},
    optional={
        "metadata": st.fixed_dictionaries(
            {},
            optional={
                "labels": st.dictionaries(st.sampled_from("abc"), st.sampled_from("xyz")),
                "finalizers": st.lists(st.sampled_from("abcd"), unique=True, min_size=1),
            },
        ),
        "spec": st.fixed_dictionaries(
            {},
            optional={
                "nodeName": st.sampled_from("xyz"),
                "containers": st.lists(
                    st.fixed_dictionaries(
                        {"name": st.sampled_from("abcd")},
                        optional={"env": _ENV, "args": st.lists(st.sampled_from("xyz"))},
                    ),
                    max_size=4,
                    unique_by=lambda each: each["name"],
                ),
                "volumes": st.lists(
                    st.fixed_dictionaries(
                        {"name": st.sampled_from("abc")},
                        optional={"emptyDir": st.just({}), "hostPath": st.just({"path": "/x"})},
                    ),
                    max_size=3,
                    unique_by=lambda each: each["name"],
                ),
            },
        ),
    },
)


@given(_PODS, _PODS)
def test_the_difference_of_two_objects_turns_one_into_the_other(
    original: dict[str, Any], modified: dict[str, Any]
) -> None:
    rules = merge_rules(POD)
    assert rules is not None
    patch = two_way_patch(original, modified, rules)
    assert strategic_merge_patch(original, patch, rules) == modified


@given(_PODS, _PODS, _PODS)
def test_a_second_apply_of_the_same_manifest_changes_nothing(
    last: dict[str, Any], wanted: dict[str, Any], live: dict[str, Any]
) -> None:
    rules = merge_rules(POD)
    assert rules is not None
    made = strategic_merge_patch(live, three_way_patch(last, wanted, live, rules), rules)
    again = strategic_merge_patch(made, three_way_patch(wanted, wanted, made, rules), rules)
    assert again == made
