"""Bulk simulation: many seeds of hostile worlds, with every property checked at each step."""

import os
import subprocess
import sys

import pytest
from attrs import evolve

from kube_actors.simulation import FaultSchedule, find_scenario, load_scenarios
from kube_actors.simulation.raft import RaftScenario, RaftWorld, Weather
from kube_actors.simulation.raft.judges import PROPERTIES

SCENARIOS = [name for name in load_scenarios() if name.startswith("raft-")]


def raft_scenario(name: str) -> RaftScenario:
    found = find_scenario(name)
    assert isinstance(found, RaftScenario)
    return found


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_promise_is_kept_in_any_weather(name: str) -> None:
    for seed in range(8):
        assert find_scenario(name).run(seed).findings == ()


def test_one_seed_gives_one_history() -> None:
    for name in SCENARIOS:
        assert find_scenario(name).run(7) == find_scenario(name).run(7)


def test_another_process_with_another_hash_seed_repeats_the_run() -> None:
    program = (
        "from kube_actors.simulation import find_scenario as find\n"
        f"for name in {SCENARIOS}:\n"
        "    for seed in (1, 2, 3): print(find(name).run(seed).digest)"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "4242")
    }
    here = "".join(
        find_scenario(name).run(seed).digest + "\n" for name in SCENARIOS for seed in (1, 2, 3)
    )
    assert digests == {here}


def test_fair_weather_elects_once_and_answers_everything() -> None:
    weather = Weather(members=5, operations=200)
    outcome = RaftWorld(1, weather, FaultSchedule()).run()
    assert outcome.terms == 1
    assert outcome.answered == 200 + 1 + 5  # and the fresh write, and a fresh read at each
    assert outcome.withheld == 0


def test_runs_make_use_of_every_verb() -> None:
    from kube_actors.simulation.raft.faults.verbs import VERBS

    seen: set[str] = set()
    for name in SCENARIOS:
        for seed in range(60):
            seen.update(raft_scenario(name).prepare(seed)[1].verbs)
    assert sorted(seen - {"operations"}) == sorted(VERBS)


def test_the_budget_withholds_what_would_destroy_the_last_good_copy() -> None:
    scenario = raft_scenario("raft-storage")
    scenario = evolve(scenario, draw=lambda random: Weather(members=3, operations=50))
    rot = [
        f'{{"at_s": {1 + member / 10}, "verb": "rot", "targets": ["{member}"], "amount": 0.5}}\n'
        f'{{"at_s": {2 + member / 10}, "verb": "crash", "targets": ["{member}"], "until_s": 2.5}}'
        for member in (1, 2, 3)
    ]
    schedule = FaultSchedule.from_json_lines("\n".join(rot))
    assert scenario.run(1, schedule=schedule).findings == ()
    world = RaftWorld(1, Weather(members=3, operations=50), schedule)
    assert world.run().withheld == 2
    assert world.group.budget.lost == {1: "damaged"}


def test_properties_are_sentences() -> None:
    assert all(text and not text.endswith(".") for text in PROPERTIES.values())


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", SCENARIOS)
def test_every_promise_is_kept_in_thousands_of_worlds(name: str) -> None:
    for seed in range(2_000):
        assert find_scenario(name).run(seed).findings == ()
