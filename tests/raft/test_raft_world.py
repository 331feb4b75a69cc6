"""Bulk simulation: many seeds of a hostile world, with invariants checked at every step."""

import pytest

from kube_actors.simulation.raft_world import RaftWorld, Weather
from tests.raft.test_mutation_gate import CHURN, CHURN_4, FIGURE_8


def run(seed: int, weather: Weather | None = None, ticks: int = 600) -> None:
    try:
        RaftWorld(seed, weather=weather, ticks=ticks).run()
    except Exception as error:
        error.add_note(f"replay: RaftWorld({seed}, weather={weather}, ticks={ticks}).run()")
        raise


@pytest.mark.parametrize("first", range(0, 30, 10))
def test_every_promise_is_kept_in_any_weather(first: int) -> None:
    for seed in range(first, first + 10):
        run(seed)


def test_one_seed_gives_one_history() -> None:
    for seed in (3, 5, 33):
        assert RaftWorld(seed).run() == RaftWorld(seed).run()


def test_fair_weather_elects_once_and_loses_nothing() -> None:
    outcome = RaftWorld(1, weather=Weather(members=5)).run()
    assert outcome.terms == 1
    assert outcome.chosen > 500
    assert outcome.reads > 300


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("first", range(0, 10_000, 500))
def test_every_promise_is_kept_in_ten_thousand_worlds(first: int) -> None:
    for seed in range(first, first + 500):
        run(seed)
        if seed % 5 == 0:
            run(seed, CHURN)
            run(seed, CHURN_4)
            run(seed, FIGURE_8)
