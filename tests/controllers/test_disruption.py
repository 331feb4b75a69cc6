"""How many pods a budget lets go."""

import pytest

from kube_actors.controllers.disruption import DISRUPTION
from tests.controllers.objects import owned_by, pod, replicaset
from tests.controllers.world import World

BUDGETS = [
    # spec, ready of 4 → desired, allowed
    ({"minAvailable": 3}, 4, 3, 1),
    ({"minAvailable": 3}, 2, 3, 0),
    ({"maxUnavailable": 1}, 4, 3, 1),
    ({"maxUnavailable": "50%"}, 4, 2, 2),
    ({"minAvailable": "60%"}, 4, 3, 1),
    ({"maxUnavailable": 0}, 4, 4, 0),
]


@pytest.mark.parametrize(("spec", "ready", "desired", "allowed"), BUDGETS)
def test_healthy_pods_beyond_the_minimum_may_go(spec, ready, desired, allowed):
    world = World(replicaset(replicas=4))
    owner = [owned_by(world.get("rs", "web"))]
    for number in range(4):
        world.create(pod(f"p{number}", node="n", ready=number < ready, ownerReferences=owner))
    budget = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"selector": {"matchLabels": {"app": "web"}}, **spec},
    }
    world.create(budget)
    world.settle(DISRUPTION)
    status = world.get("pdb", "web")["status"]
    assert (status["desiredHealthy"], status["disruptionsAllowed"]) == (desired, allowed)
    assert (status["expectedPods"], status["currentHealthy"]) == (4, ready)
