"""What must have come true at the end: a namespace that goes takes all that is in it along."""

from typing import Any

import pytest

from kube_actors.controllers.loop import Update
from kube_actors.controllers.namespaces import deletion as namespace
from kube_actors.simulation.cluster import ClusterWorld, Part, Plan
from kube_actors.simulation.cluster.faults import Shape
from kube_actors.simulation.cluster.promises import Breaches

SHAPE = Shape(masters=1, nodes=1, faults_s=2.0, verbs=("pause",))


async def _a_space_comes_and_goes(world: ClusterWorld) -> None:
    async with world.client("client/space") as client:
        meta = {"name": "content", "namespace": "space"}
        await client.create(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "space"}}
        )
        await client.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta})
        await client.delete("namespaces", "space")


def _live(part: Part) -> Breaches:
    plan = Plan(shape=SHAPE, users=0, registers=False, settle_s=10.0, setup=(part,))
    world = ClusterWorld(0, plan=plan)
    world.run()
    return world.breaches


def test_what_is_left_of_a_namespace_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _live(_a_space_comes_and_goes).first == {}

    def finalize_at_once(state: Any, round_: Any) -> Any:
        return (Update(namespace._finalized(state.namespace), "finalize"),)

    monkeypatch.setattr(namespace, "reconcile", finalize_at_once)
    found = _live(_a_space_comes_and_goes).first
    assert "is left of a namespace that is gone" in found["controllers-converge"].text
