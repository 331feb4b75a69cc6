"""What enters from outside is what was expected, to the type, or is refused with its path."""

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import pytest
from attrs import field, frozen
from attrs.validators import ge
from hypothesis import given
from hypothesis import strategies as st

from kube_actors.boundary import Boundary, Malformed, parse_json
from kube_actors.simulation.schedule import Fault, FaultSchedule, ScheduleError
from kube_actors.store.disk import CorruptLog, Identity, IdentityFile


@frozen
class Trouble:
    until_s: float
    form: Literal["cut", "slow"] = "cut"


@frozen
class Plan:
    seed_count: int = field(validator=ge(0))
    faults: tuple[Trouble, ...] = ()
    names: Mapping[str, int | str | None] = field(factory=dict)
    quick: bool = False


PLAN = Boundary(camel=True)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{}", "seedCount: it is missing"),
        ("[]", "expected an object, got []"),
        ('{"seedCount": "7"}', 'seedCount: expected an integer, got "7"'),
        ('{"seedCount": true}', "seedCount: expected an integer, got true"),
        ('{"seedCount": 7.0}', "seedCount: expected an integer, got 7.0"),
        ('{"seedCount": -1}', "'seed_count' must be >= 0: -1"),
        ('{"seed_count": 1}', 'unknown field "seed_count", known are seedCount, faults, names'),
        ('{"seedCount": 1, "faults": "ab"}', 'faults: expected a list, got "ab"'),
        ('{"seedCount": 1, "faults": [7]}', "faults[0]: expected an object, got 7"),
        (
            '{"seedCount": 1, "faults": [{"untilS": 1}, {"untilS": "soon"}]}',
            'faults[1].untilS: expected a number, got "soon"',
        ),
        (
            '{"seedCount": 1, "faults": [{"untilS": 1, "from": 2}]}',
            'faults[0]: unknown field "from", known are untilS, form',
        ),
        (
            '{"seedCount": 1, "faults": [{"untilS": 1, "form": "x"}]}',
            'faults[0].form: expected one of cut, slow, got "x"',
        ),
        ('{"seedCount": 1, "names": []}', "names: expected an object, got []"),
        (
            '{"seedCount": 1, "names": {"a": 1.5}}',
            "names.a: expected an integer, a text or null, got 1.5",
        ),
        ('{"seedCount": 1, "quick": 1}', "quick: expected true or false, got 1"),
        ('{"seedCount": 1, "seedCount": 1}', 'not JSON: the name "seedCount" stands twice in one'),
    ],
)
def test_what_is_wrong_is_named_with_its_path(text: str, says: str) -> None:
    with pytest.raises(Malformed) as refused:
        PLAN.read_json(Plan, text)
    assert str(refused.value).startswith(says)


plans = st.builds(
    Plan,
    st.integers(0),
    st.lists(
        st.builds(
            Trouble,
            st.floats(allow_nan=False, allow_infinity=False),
            st.sampled_from(["cut", "slow"]),
        ),
        max_size=3,
    ).map(tuple),
    st.dictionaries(st.text(max_size=5), st.integers() | st.text() | st.none(), max_size=3),
    st.booleans(),
)


@pytest.mark.parametrize("boundary", [PLAN, Boundary(omit_defaults=True), Boundary(complete=True)])
@given(plan=plans)
def test_what_was_written_is_read(boundary: Boundary, plan: Plan) -> None:
    text = json.dumps(boundary.write(plan))
    if len(text) < 4000:
        assert boundary.read_json(Plan, text) == plan


@given(JSON | st.fixed_dictionaries({"seedCount": JSON, "faults": JSON, "names": JSON}))
def test_anything_is_read_or_refused_in_one_line(value: Any) -> None:
    said = ""
    try:
        PLAN.read(Plan, value)
    except Malformed as error:
        said = str(error)
    assert said.isprintable()


@given(st.text() | st.binary())
def test_any_text_is_json_or_refused(text: str | bytes) -> None:
    with suppress(Malformed):
        parse_json(text)


faults = st.builds(
    Fault,
    st.floats(0, 10),
    st.text(min_size=1, max_size=5),
    st.lists(st.text(max_size=5), max_size=3).map(tuple),
    st.none() | st.floats(10, 20),
    st.floats(0, 10),
)


@given(st.lists(faults, max_size=3))
def test_a_schedule_is_read_as_it_was_written(found: list[Fault]) -> None:
    schedule = FaultSchedule.of(found)
    assert FaultSchedule.from_json_lines(schedule.to_json_lines()) == schedule


@given(JSON.map(json.dumps) | st.text())
def test_any_text_is_a_schedule_or_refused(text: str) -> None:
    with suppress(ScheduleError):
        FaultSchedule.from_json_lines(text)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"{", "not an identity: not JSON"),
        (b"\xff\xfe\xff", "not an identity: not JSON"),
        (b"[]", "not an identity: expected an object, got []"),
        (b'{"member": -1}', "not an identity: 'member' must be >= 0: -1"),
        (b'{"member": true}', "not an identity: member: expected an integer, got true"),
        (b'{"promote": "no"}', 'not an identity: promote: expected true or false, got "no"'),
        (b'{"number": 1}', 'not an identity: unknown field "number", known are member'),
    ],
)
def test_a_damaged_identity_is_refused(tmp_path: Path, text: bytes, says: str) -> None:
    (tmp_path / "identity.json").write_bytes(text)
    with pytest.raises(CorruptLog) as refused:
        IdentityFile(tmp_path).load()
    assert says in str(refused.value)


def test_an_identity_is_read_as_it_was_written(tmp_path: Path) -> None:
    for identity in (Identity(), Identity(4, promote=True), Identity(replacing=2, rebuild=True)):
        IdentityFile(tmp_path).keep(identity)
        assert IdentityFile(tmp_path).load() == identity
    kept = (tmp_path / "identity.json").read_text()
    assert kept == '{"member": 0, "replacing": 2, "promote": false, "rebuild": true}\n'
