"""What is asked of a running cluster is read strictly: one line says what is wrong, and no more."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kube_actors.boundary import Malformed
from kube_actors.cluster.requests import (
    REQUESTS,
    AddedMember,
    AskedMember,
    ChaosVerb,
    DisarmedAlarm,
    MemberSizes,
    Nothing,
    RebuiltStore,
    UpdatedMember,
)
from kube_actors.cluster.store_administration import StoreAdministration
from tests.cluster.test_faults import works
from tests.cluster.test_store_administration import simulated

KINDS = (
    AddedMember,
    AskedMember,
    ChaosVerb,
    DisarmedAlarm,
    MemberSizes,
    Nothing,
    RebuiltStore,
    UpdatedMember,
)
EVERY = st.one_of(*(st.from_type(kind) for kind in KINDS))

BAD: list[tuple[str, Any, str]] = [
    ("add", {}, "name: it is missing"),
    ("add", {"name": ""}, "a member that is added needs a name: its process's certificate's"),
    ("add", {"name": 7}, "name: expected a text, got 7"),
    (
        "add",
        {"name": "m4", "peerUrls": "https://m4"},
        'peerUrls: expected a list, got "https://m4"',
    ),
    ("add", {"name": "m4", "peerUrls": [1]}, "peerUrls[0]: expected a text, got 1"),
    ("add", {"name": "m\ud800"}, "name: expected a text that UTF-8 can spell, got "),
    ("remove", {"member": "7"}, 'member: expected an integer, got "7"'),
    ("remove", {"member": True}, "member: expected an integer, got true"),
    ("promote", [1], "expected an object, got [1]"),
    ("update", {"member": 1, "clientURLs": []}, 'unknown field "clientURLs"'),
    ("disarm", {"kind": "NoSpace"}, 'kind: expected one of nospace, corrupt, got "NoSpace"'),
    ("members", {"member": 1}, 'unknown field "member"'),
    ("move-leader", {"member": 1.5}, "member: expected an integer, got 1.5"),
    ("rebuild", None, "expected an object, got null"),
]


@given(EVERY)
def test_what_was_written_is_read(value: Any) -> None:
    text = orjson.dumps(REQUESTS.write(value))
    assert REQUESTS.read_json(type(value), text) == value


@given(st.sampled_from(KINDS), st.recursive(st.none() | st.integers() | st.text(), st.lists))
def test_what_is_no_object_is_refused_in_one_line(kind: type[Any], value: object) -> None:
    with pytest.raises(Malformed, match="expected an object") as refused:
        REQUESTS.read(kind, value)
    assert "\n" not in str(refused.value)


@pytest.mark.anyio
async def test_a_bad_request_to_the_store_is_one_line_and_changes_nothing() -> None:
    async with simulated() as cluster:
        administration = StoreAdministration(cluster.actor, 3, cluster.rebuild_store)
        await works(cluster, "before")
        before = await administration.answer("members", {})
        said = {}
        for number, (verb, asked, _) in enumerate(BAD):
            with pytest.raises(ValueError) as refused:
                await administration.answer(verb, asked)
            said[number] = str(refused.value)
        expected = {number: line for number, (_, _, line) in enumerate(BAD)}
        assert {n: line[: len(expected[n])] for n, line in said.items()} == expected
        assert not [line for line in said.values() if "\n" in line]
        assert await administration.answer("members", {}) == before


BAD_CHAOS: list[tuple[Any, str]] = [
    ([], "expected an object, got []"),
    ({}, "verb: it is missing"),
    ({"verb": 7, "targets": ["leader"]}, "verb: expected a text, got 7"),
    ({"verb": "kill", "targets": "leader"}, 'targets: expected a list, got "leader"'),
    ({"verb": "kill", "targets": ["leader", 1]}, "targets[1]: expected a text, got 1"),
    ({"verb": "kill", "target": ["leader"]}, 'unknown field "target", known are verb, targets'),
]


@pytest.mark.anyio
async def test_a_bad_chaos_request_is_one_line_and_breaks_nothing() -> None:
    async with simulated() as cluster:
        machines = {name: m.supervisor for name, m in cluster.faults.machines.items()}
        for asked, line in BAD_CHAOS:
            with pytest.raises(Malformed) as refused:
                await cluster._debug("chaos", asked)
            assert str(refused.value) == line
        assert {name: m.supervisor for name, m in cluster.faults.machines.items()} == machines
        await works(cluster, "still")
