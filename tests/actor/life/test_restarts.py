import pytest

from kube_actors.actor.address import covers, prefixes
from kube_actors.actor.life import Strategy
from kube_actors.actor.life.restarts import Backoff, Intensity
from kube_actors.actor.link_rules import Rules


@pytest.mark.parametrize(
    ("strategy", "affected"),
    [
        (Strategy.ONE_FOR_ONE, [1]),
        (Strategy.ONE_FOR_ALL, [0, 1, 2]),
        (Strategy.REST_FOR_ONE, [1, 2]),
    ],
)
def test_a_strategy_names_the_places_that_restart(strategy: Strategy, affected: list[int]) -> None:
    assert list(strategy.affected(1, 3)) == affected


def test_backoff_doubles_up_to_its_end() -> None:
    backoff = Backoff(0.5, 10)
    assert [backoff.delay_s(n) for n in range(1, 8)] == [0.5, 1, 2, 4, 8, 10, 10]
    assert backoff.delay_s(10_000) == 10
    assert Backoff(0, 0).delay_s(3) == 0


def test_one_restart_more_than_the_intensity_within_the_window_is_too_many() -> None:
    intensity = Intensity(2, 10)
    assert [intensity.exceeded(now) for now in (0, 9, 10)] == [False, False, True]
    intensity = Intensity(2, 10)
    assert [intensity.exceeded(now) for now in (0, 9, 10.1, 19.5)] == [False, False, False, False]
    assert Intensity(0, 1).exceeded(5)


def test_nonsense_is_refused_on_construction() -> None:
    for wrong in ((-1, 5), (3, 0)):
        with pytest.raises(ValueError):
            Intensity(*wrong)
    with pytest.raises(ValueError):
        Backoff(-1, 5)


@pytest.mark.parametrize(
    ("prefix", "address", "covered"),
    [
        ("store/1", "store/1", True),
        ("store/1", "store/1/disk", True),
        ("store/1", "store/10", False),
        ("store", "store/1", True),
        ("store/", "store/1", False),
        ("", "anybody", True),
        ("store/1", "store", False),
    ],
)
def test_a_prefix_covers_whole_parts_of_an_address(
    prefix: str, address: str, covered: bool
) -> None:
    assert covers(prefix, address) is covered


def test_the_latest_matching_rule_decides_and_repeating_one_replaces_it() -> None:
    rules: Rules[bool] = Rules(False)
    rules.put(("a",), ("b",), True)
    rules.put(("a",), ("",), False)
    assert not rules.verdict("a", "b")
    rules.put(("a",), ("b",), True)
    assert rules.verdict("a", "b")
    assert not rules.verdict("b", "a")
    for _ in range(1000):
        rules.put(("a",), ("b",), True)
    assert len(rules) == 2
    rules.put(("a",), ("b",), False)
    assert len(rules) == 0


def test_a_border_rule_matches_links_that_cross_it_either_way() -> None:
    rules: Rules[bool] = Rules(False)
    rules.put(prefixes(["a", "b"]), None, True)
    crossing = {("a", "c"), ("c", "b")}
    for source in "abc":
        for target in "abc":
            inside = {source, target} <= {"a", "b"} or source == target
            assert rules.verdict(source, target) is not inside, crossing
