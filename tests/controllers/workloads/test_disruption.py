"""How many pods a budget lets go."""

import pytest

from kube_actors.controllers.workloads import DISRUPTION
from tests.controllers.objects import deployment, owned_by, pod, replicaset
from tests.controllers.world import World, timestamp

BUDGETS = [
    # spec, ready of 4 → desired, allowed
    ({"minAvailable": 3}, 4, 3, 1),
    ({"minAvailable": 3}, 2, 3, 0),
    ({"maxUnavailable": 1}, 4, 3, 1),
    ({"maxUnavailable": "50%"}, 4, 2, 2),
    ({"minAvailable": "60%"}, 4, 3, 1),
    ({"maxUnavailable": 0}, 4, 4, 0),
]


def budget(**spec):
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"selector": {"matchLabels": {"app": "web"}}, **spec},
    }


def status(world):
    return world.get("pdb", "web")["status"]


@pytest.mark.parametrize(("spec", "ready", "desired", "allowed"), BUDGETS)
def test_healthy_pods_beyond_the_minimum_may_go(spec, ready, desired, allowed):
    world = World(replicaset(replicas=4))
    owner = [owned_by(world.get("rs", "web"))]
    for number in range(4):
        world.create(pod(f"p{number}", node="n", ready=number < ready, ownerReferences=owner))
    world.create(budget(**spec))
    world.settle(DISRUPTION)
    found = status(world)
    assert (found["desiredHealthy"], found["disruptionsAllowed"]) == (desired, allowed)
    assert (found["expectedPods"], found["currentHealthy"]) == (4, ready)


def test_a_percentage_counts_from_what_the_topmost_owner_wants():
    world = World(deployment(replicas=10))
    world.create(replicaset(replicas=4, ownerReferences=[owned_by(world.get("deploy", "web"))]))
    owner = [owned_by(world.get("rs", "web"))]
    for number in range(4):
        world.create(pod(f"p{number}", node="n", ready=True, ownerReferences=owner))
    world.create(budget(minAvailable="50%"))
    world.settle(DISRUPTION)
    assert (status(world)["expectedPods"], status(world)["desiredHealthy"]) == (10, 5)
    assert status(world)["disruptionsAllowed"] == 0


def test_pods_that_are_leaving_or_over_are_neither_healthy_nor_expected():
    world = World(*(pod(f"p{number}", node="n", ready=True) for number in range(4)))
    world.create(budget(maxUnavailable=1))
    world.delete("Pod", "p0")
    world.edit("Pod", "p1", {"status": {"phase": "Succeeded"}})
    world.settle(DISRUPTION)
    assert (status(world)["expectedPods"], status(world)["currentHealthy"]) == (2, 2)


def test_an_evicted_pod_counts_as_gone_until_it_is_clear_that_it_stays():
    world = World(*(pod(f"p{number}", node="n", ready=True) for number in range(4)))
    world.create(budget(minAvailable=3))
    world.settle(DISRUPTION)
    noted = {"p0": timestamp(world.now_s), "long-gone": timestamp(world.now_s)}
    world.edit("pdb", "web", {"status": {"disruptedPods": noted, "disruptionsAllowed": 0}})
    world.settle(DISRUPTION)
    assert list(status(world)["disruptedPods"]) == ["p0"]
    assert (status(world)["currentHealthy"], status(world)["disruptionsAllowed"]) == (3, 0)
    world.now_s += 120
    world.settle(DISRUPTION)
    assert "disruptedPods" not in status(world)
    assert (status(world)["currentHealthy"], status(world)["disruptionsAllowed"]) == (4, 1)
