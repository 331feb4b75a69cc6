"""A failing schedule is made small, and still fails in the same way."""

import pytest
from attrs import evolve

from kube_actors.simulation import (
    Fault,
    FaultSchedule,
    Finding,
    Run,
    find_scenario,
    shrink_schedule,
)
from kube_actors.simulation.raft import RaftScenario
from tests.raft.mutants.catalogue import BUGS

# Bug: how many faults may be left of its schedule.
SMALL = {
    "forgets its vote": 3,
    "takes damage for a torn tail": 6,
    "a quorum is one less": 3,
    "votes for any log": 5,
    "counts learners": 8,
}


@pytest.mark.parametrize("name", SMALL)
def test_the_schedule_of_a_planted_bug_becomes_small(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bug = next(bug for bug in BUGS if bug.name == name)
    scenario = find_scenario(bug.scenario)
    assert isinstance(scenario, RaftScenario)
    scenario = evolve(scenario, member_type=bug.member_type)
    bug.plant(monkeypatch)
    run = next(run for run in map(scenario.run, range(bug.seeds_max)) if run.findings)
    smaller = shrink_schedule(
        run, lambda other: scenario.run(run.seed, schedule=other), runs_max=150
    )
    print(smaller.describe())
    faults = [fault for fault in smaller.after.faults if fault.verb != "operations"]
    assert len(faults) <= SMALL[name], smaller.after
    again = scenario.run(run.seed, schedule=smaller.after)
    assert again.findings == (smaller.finding,)
    assert smaller.finding.property == run.findings[0].property


def only(verbs: set[str]) -> Run:
    return Run("s", 1, (Finding("s", 1, "p", "", 0, 0.0),) if verbs else (), 0, 0.0, "", NOTHING)


NOTHING = FaultSchedule()


def test_what_is_needed_stays_and_windows_get_short() -> None:
    faults = [Fault(float(i), f"v{i}", ("a", "b"), i + 8.0) for i in range(20)]

    def repeat(schedule: FaultSchedule) -> Run:
        needed = {"v3", "v11"} <= {fault.verb for fault in schedule.faults}
        return only({"found"} if needed else set())

    run = evolve(only({"found"}), schedule=FaultSchedule.of(faults))
    smaller = shrink_schedule(run, repeat)
    assert [(fault.verb, fault.targets) for fault in smaller.after.faults] == [
        ("v3", ("a",)),
        ("v11", ("a",)),
    ]
    assert all(fault.until_s - fault.at_s < 0.02 for fault in smaller.after.faults if fault.until_s)
    assert smaller.describe() == f"2 of 20 faults, after {smaller.runs} runs"


def test_it_is_only_as_patient_as_it_is_told_to_be() -> None:
    faults = FaultSchedule.of(Fault(float(i), f"v{i}") for i in range(50))
    run = evolve(only({"found"}), schedule=faults)
    assert shrink_schedule(run, lambda schedule: only(set()), runs_max=7).runs == 7
    assert shrink_schedule(run, lambda schedule: only(set()), expired=lambda: True).after == faults


def test_a_run_without_a_finding_is_refused() -> None:
    with pytest.raises(ValueError, match="seed 1 of s has no finding"):
        shrink_schedule(only(set()), lambda schedule: only(set()))
