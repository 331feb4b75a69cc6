"""A checker that cannot fail is no checker: every planted bug is found within a few seeds."""

import pytest
from attrs import evolve

from kube_actors.simulation.cluster import ClusterWorld, Plan
from tests.simulation.cluster.mutants import MUTANTS, Mutant


@pytest.mark.parametrize("mutant", MUTANTS, ids=[mutant.name for mutant in MUTANTS])
def test_a_planted_bug_is_found(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    mutant.plant(monkeypatch)
    found: list[str] = []
    for seed in range(mutant.seeds):
        world = ClusterWorld(seed, plan=mutant.plan, until=mutant.promises)
        world.run()
        found += world.breaches.first
        if set(mutant.promises) & set(found):
            return
    pytest.fail(f"{mutant.name}: not found in {mutant.seeds} seeds, which found {found}")


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("mutant", MUTANTS, ids=[mutant.name for mutant in MUTANTS])
def test_without_the_bug_its_seeds_find_nothing(mutant: Mutant) -> None:
    # A broken world is not waited for as patiently as a sound one.
    plan = evolve(mutant.plan, settle_s=Plan().settle_s)
    for seed in range(mutant.seeds):
        world = ClusterWorld(seed, plan=plan)
        world.run()
        assert world.breaches.first == {}
