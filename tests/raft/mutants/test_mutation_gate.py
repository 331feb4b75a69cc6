"""A checker that cannot fail is no checker: each planted bug must be found within a few seeds.

Run with ``-s`` for the table: bug, the property that showed it, how many seeds it took.
"""

import pytest
from attrs import evolve

from kube_actors.simulation import Finding, find_scenario
from kube_actors.simulation.raft import RaftScenario
from tests.raft.mutants.catalogue import AS_SHIPPED, BUGS, HARMLESS, Bug


def find(bug: Bug, patch: pytest.MonkeyPatch) -> Finding | None:
    """Run seeds until the bug shows."""
    scenario = find_scenario(bug.scenario)
    assert isinstance(scenario, RaftScenario)
    scenario = evolve(scenario, member_type=bug.member_type)
    bug.plant(patch)
    for seed in range(bug.seeds_max):
        run = scenario.run(seed)
        if run.findings:
            return run.findings[0]
    return None


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_planted_bug_is_found(bug: Bug, monkeypatch: pytest.MonkeyPatch) -> None:
    finding = find(bug, monkeypatch)
    assert finding is not None, f"{bug.seeds_max} seeds of {bug.scenario} did not find it"
    print(f"\n{bug.name} | {bug.scenario} | {finding.property} | {finding.seed + 1} seeds")
    print(f"    {finding.text[:160]}")


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize("bug", AS_SHIPPED, ids=lambda bug: f"{bug.name}: {bug.scenario}")
def test_a_planted_bug_is_found_by_what_ships(bug: Bug, monkeypatch: pytest.MonkeyPatch) -> None:
    test_a_planted_bug_is_found(bug, monkeypatch)


@pytest.mark.soak
@pytest.mark.parametrize("bug", HARMLESS, ids=lambda bug: f"{bug.name}: {bug.scenario}")
def test_what_is_said_to_be_harmless_is(bug: Bug, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find(bug, monkeypatch) is None


# Those that ship are run unbroken by the bulk tests.
OF_OURS = sorted({bug.scenario for bug in BUGS if not bug.scenario.startswith("raft-")})


@pytest.mark.parametrize("name", OF_OURS)
def test_the_rules_unbroken_survive_the_same_runs(name: str) -> None:
    for seed in range(3):
        assert find_scenario(name).run(seed).findings == ()
