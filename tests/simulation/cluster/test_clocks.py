"""Machines' clocks are off and drift, and what they meant can be told."""

import pytest

from kube_actors.actor import Clock
from kube_actors.simulation.cluster import Change
from kube_actors.simulation.cluster.faults import MachineClocks
from kube_actors.simulation.cluster.faults.clocks import MachineClock, machine_of
from kube_actors.simulation.cluster.judges import LeaseExclusive
from kube_actors.simulation.cluster.promises import Breaches

LEASE = "/registry/coordination.k8s.io/leases/kube-system/kube-scheduler"


class Hand(Clock):
    """A clock that is set by hand."""

    def __init__(self) -> None:
        super().__init__(0.0)
        self.time_s = 1000.0

    def now(self) -> float:
        return self.time_s

    def steady(self) -> float:
        return self.time_s - 1000.0


def test_a_clock_is_stepped_and_drifts_and_its_steady_reading_never_jumps() -> None:
    truth = Hand()
    clock = MachineClock(truth)
    truth.time_s = 1010.0
    assert (clock.now(), clock.steady()) == (1010.0, 10.0)
    clock.step(-5.0)
    assert (clock.now(), clock.steady()) == (1005.0, 10.0)
    clock.run_at(1.25)
    truth.time_s = 1020.0
    assert (clock.now(), clock.steady()) == (1017.5, 22.5)
    clock.run_at(1.0)
    truth.time_s = 1030.0
    assert (clock.now(), clock.steady()) == (1027.5, 32.5)


def test_what_a_clock_read_is_told_in_true_time() -> None:
    truth = Hand()
    clock = MachineClock(truth)
    read: list[tuple[float, float]] = []
    for turn in range(12):
        truth.time_s += 3
        read.append((truth.time_s, clock.now()))
        if turn % 4 == 1:
            clock.step((20.0, -7.0, 1.0)[turn // 4])
        if turn % 4 == 3:
            clock.run_at((0.8, 1.25, 1.0)[turn // 4])
    for true_s, read_s in read:
        # After a step back a reading comes twice; the later time is meant then.
        assert clock.true_s(read_s) >= true_s - 1e-5
    assert sum(abs(clock.true_s(r) - t) < 1e-5 for t, r in read) >= 9


@pytest.mark.parametrize(
    ("address", "machine"),
    [
        ("store/2", "master/2"),
        ("controller/node-lifecycle/3", "master/3"),
        ("kubelet/node-1", "node/node-1"),
        ("client/user-1", ""),
        ("observer/1", ""),
    ],
)
def test_an_actor_reads_the_clock_of_its_machine(address: str, machine: str) -> None:
    assert machine_of(address) == machine


@pytest.mark.parametrize(("after_s", "given_back", "found"), [(1.9, False, 1), (2.1, False, 0),
                                                              (0.1, True, 0)])  # fmt: skip
def test_a_lease_that_changes_hands_too_early_is_found(
    after_s: float, given_back: bool, found: int
) -> None:
    breaches = Breaches()
    judge = LeaseExclusive(breaches, 2.0, lambda holder, read_s: read_s - 50.0 * ("2" in holder))

    def tell(holder: str, seconds: float) -> None:
        spec = {"holderIdentity": holder, "renewTime": f"2026-01-01T00:00:{seconds:09.6f}Z"}
        judge(Change(1, LEASE, b"", {"spec": spec}, None))

    tell("master-1", 1.0)
    tell("master-1", 3.0)
    if given_back:
        tell("", 3.0)
    tell("master-2", 3.0 + after_s + 50.0)
    assert len(breaches.first) == found
    assert judge.handed_over == (not given_back)


def test_who_is_no_machine_reads_the_true_clock() -> None:
    clocks = MachineClocks(0.0)
    assert clocks.at("client/x") is clocks
