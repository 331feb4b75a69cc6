"""The checker against every order there is, and what it says about wrong histories."""

import subprocess
import sys
from collections.abc import Sequence
from itertools import combinations, permutations
from pathlib import Path
from random import Random

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from kube_actors.simulation.linearizability import (
    MODELS,
    REFUSED,
    CasRegister,
    Event,
    KeyValue,
    Model,
    Operation,
    Register,
    Verdict,
    check,
    check_operations,
    explain,
    falsified,
    operations,
    read_history,
    right_history,
)
from kube_actors.simulation.linearizability.search import Search
from kube_actors.simulation.linearizability.shrink import _Shrinker

HISTORIES = Path(__file__).parent / "histories"
STRICT = CasRegister(strict=True)


def is_linearizable_by_trying(done: Sequence[Operation], model: Model) -> bool:
    """Try every subset of the unknown operations in every order. Knows nothing of the search."""
    known = [operation for operation in done if operation.known]
    unknown = [operation for operation in done if not operation.known]
    return any(
        fits(order, model)
        for count in range(len(unknown) + 1)
        for chosen in combinations(unknown, count)
        for order in permutations([*known, *chosen])
    )


def fits(order: Sequence[Operation], model: Model) -> bool:
    for i, later in enumerate(order):
        if later.returned is not None and any(later.returned < o.invoked for o in order[:i]):
            return False
    state = model.initial()
    for operation in order:
        state = model.step(state, operation)
        if state is REFUSED:
            return False
    return True


@given(
    name=st.sampled_from([*MODELS, "strict"]),
    seed=st.integers(0, 2**32),
    clients=st.integers(1, 4),
    count=st.integers(1, 6),
    unknown=st.sampled_from([0.0, 0.3, 0.6]),
    wrong=st.booleans(),
)
@settings(max_examples=300, deadline=None)
def test_the_verdict_is_that_of_trying_every_order(
    name: str, seed: int, clients: int, count: int, unknown: float, wrong: bool
) -> None:
    model = STRICT if name == "strict" else MODELS[name]
    random = Random(seed)
    events = right_history(model, random, clients=clients, operations=count, unknown=unknown)
    if wrong:
        events = falsified(model, random, events)
    done = operations(events, model)
    expected = is_linearizable_by_trying(done, model)
    assert expected or wrong
    judgement = check(events, model)
    assert judgement.verdict is (Verdict.LINEARIZABLE if expected else Verdict.NOT)
    if judgement.bad is not None:
        assert judgement.bad.smallest
        part = [o for o in judgement.bad.operations if not o.repeats]
        again = [evolve(o, repeats=False) for o in judgement.bad.operations if o.repeats]
        assert not is_linearizable_by_trying([*part, *again], model)


def test_both_verdicts_are_common_among_falsified_histories() -> None:
    verdicts = [
        check(
            falsified(model, random, right_history(model, random, clients=3, operations=6)), model
        )
        for model in MODELS.values()
        for random in map(Random, range(40))
    ]
    wrong = sum(judgement.verdict is Verdict.NOT for judgement in verdicts)
    assert 40 < wrong < 160


@pytest.mark.parametrize("name", MODELS)
def test_histories_that_are_right_by_construction_are_found_right(name: str) -> None:
    model = MODELS[name]
    for seed in range(20):
        events = right_history(model, Random(seed), clients=5, operations=150, unknown=0.05)
        assert check(events, model, steps_max=200_000).verdict is Verdict.LINEARIZABLE, seed


@pytest.mark.parametrize("name", MODELS)
def test_taking_demands_away_never_makes_a_right_history_wrong(name: str) -> None:
    model = MODELS[name]
    for seed in range(100):
        random = Random(seed)
        events = right_history(model, random, clients=4, operations=12, unknown=0.2)
        part = operations(events, model)
        shrinker = _Shrinker(model, lambda: False)
        for _ in range(4):
            begin = random.randrange(len(part) + 1)
            part = shrinker._without(part, range(begin, random.randint(begin, len(part))))
            assert Search(model, part).advance(100_000) is True, seed


@pytest.mark.parametrize("name", MODELS)
def test_every_demand_of_the_smallest_bad_part_is_needed(name: str) -> None:
    model, seen = MODELS[name], 0
    for seed in range(30):
        random = Random(seed)
        events = right_history(model, random, clients=4, operations=40, unknown=0.05)
        bad = check(falsified(model, random, events), model).bad
        if bad is None:
            continue
        seen += bad.smallest
        if not bad.smallest:
            continue
        part = list(bad.operations)
        assert Search(model, part).advance(100_000) is False
        shrinker = _Shrinker(model, lambda: False)
        for i, operation in enumerate(part):
            if not operation.repeats:
                less = shrinker._without(part, range(i, i + 1))
                assert less == part or Search(model, less).advance(100_000) is True
    assert seen > 6


@pytest.mark.parametrize(
    ("name", "model", "verdict"),
    [
        ("stale-read.edn", "cas-register", Verdict.NOT),
        ("independent-keys.edn", "cas-register", Verdict.LINEARIZABLE),
        ("lost-append.jsonl", "key-value", Verdict.NOT),
        ("unknown-append.jsonl", "append", Verdict.LINEARIZABLE),
    ],
)
def test_histories_from_files(name: str, model: str, verdict: Verdict) -> None:
    events = read_history((HISTORIES / name).read_text())
    assert check(events, MODELS[model]).verdict is verdict


def test_the_explanation_shows_the_stale_read_and_what_made_it_stale() -> None:
    model = MODELS["cas-register"]
    events = read_history((HISTORIES / "stale-read.edn").read_text())
    said = explain(check(events, model), model)
    assert said.startswith("NOT linearizable: 4 operations, as a cas-register\n")
    assert "these 3 operations are enough, whatever else happened before:" in said
    for line in ("line 2:1  process 0  write 1", "line 5:1  process 1  write 2", "┤  ✗"):
        assert line in said
    assert "the longest order that fits: write 1 · write 2\nthen the value is 2," in said
    assert "so that it cannot be: read → 1 (process 2, line 7:1)" in said


def test_a_long_history_costs_no_more_for_each_operation_than_a_short_one() -> None:
    """What was tried is remembered by what is open, not by all that was ever done."""
    events = right_history(MODELS["register"], Random(1), clients=5, operations=20_000)
    search = Search(MODELS["register"], operations(events, MODELS["register"]))
    assert search.advance(1_000_000) is True
    assert max(above.bit_length() for _, above, _ in search._seen) < 100


def hard_history() -> list[Event]:
    """Many concurrent writes whose every order leads to another text, and an answer of none."""
    events = [Event(i, "invoke", "append", chr(97 + i)) for i in range(12)]
    events += [Event(i, "ok", "append", chr(97 + i)) for i in range(12)]
    return [*events, Event(20, "invoke", "get"), Event(20, "ok", "get", "x")]


def test_a_wrong_key_is_found_although_another_is_beyond_any_budget() -> None:
    hard = [evolve(event, key="hard") for event in hard_history()]
    wrong = []
    for i in range(40):
        wrong += [Event(60, "invoke", "put", i, "wrong"), Event(60, "ok", "put", i, "wrong")]
    wrong += [Event(60, "invoke", "get", None, "wrong"), Event(60, "ok", "get", 38, "wrong")]
    assert check(hard, KeyValue(), steps_max=50_000).verdict is Verdict.UNDECIDED
    judgement = check([*hard, *wrong], KeyValue(), steps_max=50_000)
    assert judgement.verdict is Verdict.NOT
    assert judgement.bad is not None
    assert judgement.bad.operations[0].key == "wrong"


def test_a_budget_of_steps_or_time_makes_it_undecided() -> None:
    by_steps = check(hard_history(), KeyValue(), steps_max=5_000)
    assert (by_steps.verdict, by_steps.undecided) == (Verdict.UNDECIDED, (None,))
    assert by_steps.steps <= 5_000
    asked = iter([False, False, False, True, True, True, True])
    by_time = check(hard_history(), KeyValue(), expired=lambda: next(asked))
    assert by_time.verdict is Verdict.UNDECIDED
    assert "undecided: 13 operations" in explain(by_time, KeyValue())


def test_a_number_is_no_boolean() -> None:
    for name, read, write in (("cas-register", "read", "write"), ("key-value", "get", "put")):
        for written, answer in ((1, True), (True, 1), (1, 1.0), (0, False)):
            events = [
                Event(0, "invoke", write, answer),
                Event(0, "ok", write, answer),
                Event(0, "invoke", write, written),
                Event(0, "ok", write, written),
                Event(0, "invoke", read),
                Event(0, "ok", read, answer),
            ]
            assert check(events, MODELS[name]).verdict is Verdict.NOT


def test_no_operations_at_all_are_linearizable() -> None:
    assert check_operations([], Register()).verdict is Verdict.LINEARIZABLE


@pytest.mark.parametrize(
    ("module", "needed"),
    [
        ("kube_actors.simulation.linearizability", "kube_actors.simulation.linearizability"),
        # A recording is data at rest: it is read and written at a boundary.
        ("kube_actors.simulation.recording", "kube_actors.boundary"),
    ],
)
def test_the_checker_and_recordings_stand_alone(module: str, needed: str) -> None:
    script = (
        f"import sys, {module}\n"
        "print(*sorted(name for name in sys.modules if name.startswith('kube_actors')))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=500
    )
    ours = {"kube_actors", "kube_actors.simulation", module}
    others = [
        name for name in done.stdout.split() if name not in ours and not name.startswith(needed)
    ]
    assert others == []
