"""How much may be at a time, and which faults the budget does not allow."""

from typing import Any

import pytest
from attrs import evolve

from kube_actors.simulation import Fault, FaultSchedule
from kube_actors.simulation.cluster import Change
from kube_actors.simulation.cluster.faults import Shape
from kube_actors.simulation.cluster.judges import ServiceAddresses
from kube_actors.simulation.cluster.judges.limits import Lately, most_pods, requests
from kube_actors.simulation.cluster.promises import Breaches
from kube_actors.simulation.cluster.scenarios import GENERAL, ClusterScenario


@pytest.mark.parametrize(
    ("replicas", "strategy", "most"),
    [
        (4, {}, 5),
        (5, {"rollingUpdate": {"maxSurge": "25%"}}, 7),
        (5, {"rollingUpdate": {"maxSurge": 0}}, 5),
        (0, {"rollingUpdate": {"maxSurge": 3}}, 0),
        (5, {"type": "Recreate"}, 5),
    ],
)
def test_a_deployment_may_have_so_many_pods(
    replicas: int, strategy: dict[str, Any], most: int
) -> None:
    assert most_pods({"spec": {"replicas": replicas, "strategy": strategy}}) == most


def test_what_was_asked_for_lately_counts_and_what_was_long_ago_does_not() -> None:
    lately = Lately()
    for revision, number in ((10, 7), (50, 2), (300, 3)):
        lately.note("a", revision, number)
    assert [lately.most("a", at) for at in (300, 600)] == [3, 3]
    lately.note("a", 610, 1)
    assert lately.most("a", 620) == 3
    assert lately.most("b", 620) == 0


def test_what_a_pod_asks_for_is_the_sum_of_its_containers() -> None:
    containers = [{"resources": {"requests": {"cpu": "250m"}}}, {},
                  {"resources": {"requests": {"cpu": 1, "memory": "1Ki"}}}]  # fmt: skip
    assert requests({"spec": {"containers": containers}}) == {"cpu": 1.25, "memory": 1024}


def test_two_services_with_one_address_are_found_and_an_address_may_go_to_another() -> None:
    breaches = Breaches()
    judge = ServiceAddresses(breaches)

    def service(name: str, revision: int, ip: str, had: str = "") -> None:
        key = f"/registry/core/services/default/{name}"
        new, old = ({"spec": {"clusterIPs": [a]}} if a else None for a in (ip, had))
        judge(Change(revision, key, b"", new, old))

    service("a", 1, "10.0.0.1")
    service("h", 2, "None")
    service("i", 3, "None")
    service("a", 4, "", "10.0.0.1")
    service("b", 5, "10.0.0.1")
    assert not breaches.first
    service("c", 6, "10.0.0.1")
    assert "as /registry/core/services/default/b has" in breaches.first[
        "service-address-unique"
    ].text  # fmt: skip


def test_a_run_says_which_faults_the_budget_withheld() -> None:
    plan = evolve(GENERAL, shape=Shape(nodes=1, faults_s=3.0), users=0, registers=False)
    schedule = FaultSchedule.of(
        [
            Fault(0.5, "disk-lost", ("store/1",), 2.5),
            Fault(1.0, "disk-rot", ("store/2",), 2.0),
            Fault(1.5, "dead", ("master/3",)),
        ]
    )
    run = ClusterScenario("one", "", plan).run(1, schedule=schedule)
    assert run.findings == ()
    assert run.withheld == (
        "1.000 s: disk-rot store/2, for the group has spared store/1",
        "1.500 s: dead master/3, for the group has spared store/1",
    )
