"""The arithmetic of rollouts: rounding, bounds, shares."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kube_actors.controllers.workloads.deployment.rollout import (
    Size,
    Strategy,
    new_size,
    proportional,
    scale_down_old,
    strategy_of,
    total,
)

ROUNDING = [
    # replicas, maxSurge, maxUnavailable → surge, unavailable
    (4, None, None, (1, 1)),
    (10, "25%", "25%", (3, 2)),
    (3, "25%", "25%", (1, 0)),
    (1, "25%", "25%", (1, 0)),
    (2, 0, "25%", (0, 1)),
    (5, 0, 0, (0, 1)),
    (5, 2, 9, (2, 5)),
    (0, "25%", "25%", (0, 0)),
    (10, "100%", "0%", (10, 0)),
    (7, "30%", "30%", (3, 2)),
]


@pytest.mark.parametrize(("replicas", "surge", "unavailable", "expected"), ROUNDING)
def test_surge_rounds_up_and_unavailable_rounds_down(replicas, surge, unavailable, expected):
    rolling = {}
    if surge is not None:
        rolling["maxSurge"] = surge
    if unavailable is not None:
        rolling["maxUnavailable"] = unavailable
    strategy = {"type": "RollingUpdate", "rollingUpdate": rolling}
    plan = strategy_of({"replicas": replicas, "strategy": strategy})
    assert (plan.max_surge, plan.max_unavailable) == expected


def test_recreate_neither_surges_nor_rolls():
    plan = strategy_of({"replicas": 3, "strategy": {"type": "Recreate"}})
    assert (plan.rolling, plan.max_surge, plan.max_unavailable) == (False, 0, 0)


NEW_SIZES = [
    # replicas, surge, new, old → size of the new one
    (10, 3, None, 10, 3),
    (10, 3, 3, 10, 3),
    (10, 3, 3, 8, 5),
    (10, 3, 8, 0, 10),
    (3, 1, 5, 0, 3),
    (10, 0, None, 10, 0),
    (3, 1, None, 0, 3),
]


@pytest.mark.parametrize(("replicas", "surge", "new", "old", "expected"), NEW_SIZES)
def test_the_new_set_grows_into_what_room_there_is(replicas, surge, new, old, expected):
    plan = Strategy(replicas, True, surge, 0)
    present = None if new is None else Size("new", new)
    assert new_size(plan, present, [Size("old", old)]) == expected


def test_unhealthy_old_pods_go_first_and_cost_no_availability():
    plan = Strategy(10, True, 3, 2)
    old = [Size("older", 4, 2, (1.0, "")), Size("old", 4, 4, (2.0, ""))]
    assert scale_down_old(plan, Size("new", 5, 5), old) == {"older": 0, "old": 3}


def test_unavailable_new_pods_hold_back_healthy_old_ones():
    plan = Strategy(10, True, 3, 2)
    assert scale_down_old(plan, Size("new", 5, 0), [Size("old", 8, 8)]) == {}


SHARES = [
    # replicas, surge, active (name, replicas, max before), result
    (20, 0, [("a", 5, 10), ("b", 5, 10)], {"a": 10, "b": 10}),
    (10, 3, [("a", 8, 13), ("b", 5, 13)], {"a": 8, "b": 5}),
    (0, 0, [("a", 8, 13), ("b", 5, 13)], {"a": 0, "b": 0}),
    (15, 3, [("a", 8, 13), ("b", 5, 13)], {"a": 11, "b": 7}),
    (5, 0, [("a", 6, 10), ("b", 4, 10)], {"a": 3, "b": 2}),
]


@pytest.mark.parametrize(("replicas", "surge", "active", "expected"), SHARES)
def test_a_change_of_scale_is_shared_in_proportion(replicas, surge, active, expected):
    sizes = [
        Size(name, count, count, (float(place), name), before)
        for place, (name, count, before) in enumerate(active)
    ]
    assert proportional(Strategy(replicas, True, surge, 0), sizes, 0) == expected


@st.composite
def rollouts(draw):
    replicas = draw(st.integers(0, 40))
    surge = draw(st.integers(0, 10))
    unavailable = draw(st.integers(0 if surge else 1, 10))
    plan = Strategy(replicas, True, surge, min(unavailable, replicas))
    sizes = []
    room = plan.total_max
    for place in range(draw(st.integers(1, 4))):
        count = draw(st.integers(0, room))
        room -= count
        available = draw(st.integers(0, count))
        sizes.append(Size(f"rs-{place}", count, available, (float(place), ""), plan.total_max))
    return plan, sizes


@given(rollouts())
def test_scaling_up_never_asks_for_more_than_the_surge_allows(case):
    plan, (new, *old) = case
    assert new_size(plan, new, old) + total(old) <= max(plan.total_max, total([new, *old]))


@given(rollouts())
def test_scaling_down_never_leaves_fewer_available_than_promised(case):
    plan, (new, *old) = case
    changed = scale_down_old(plan, new, old)
    before = new.available + sum(size.available for size in old)
    after = new.available
    for size in old:
        # A ReplicaSet removes its unhealthy pods first.
        after += min(size.available, changed.get(size.name, size.replicas))
        assert 0 <= changed.get(size.name, size.replicas) <= size.replicas
    assert after >= min(before, plan.replicas - plan.max_unavailable)


@given(rollouts(), st.integers(0, 60))
def test_sharing_a_change_of_scale_adds_up_exactly(case, replicas):
    plan, sizes = case
    active = [size for size in sizes if size.replicas > 0]
    if not active:
        return
    rescaled = Strategy(replicas, True, plan.max_surge, 0)
    result = proportional(rescaled, active, 0)
    assert all(count >= 0 for count in result.values())
    assert sum(result.values()) == (rescaled.total_max if replicas else 0)


@given(rollouts())
def test_every_rollout_with_healthy_pods_comes_to_its_end(case):
    plan, (new, *old) = case
    for _ in range(400):
        sizes = [Size(s.name, s.replicas, s.replicas, s.created) for s in (new, *old)]
        new, *old = sizes
        wanted = new_size(plan, new, old)
        changed = {} if wanted != new.replicas else scale_down_old(plan, new, old)
        if wanted == new.replicas and not changed:
            break
        new = Size(new.name, wanted, wanted, new.created)
        old = [Size(s.name, changed.get(s.name, s.replicas), 0, s.created) for s in old]
    assert (new.replicas, total(old)) == (plan.replicas, 0)
