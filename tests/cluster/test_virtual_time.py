"""A whole cluster of simulated nodes on virtual time, with Kubernetes' own patience."""

from typing import Any

import anyio
import pytest

from kube_actors import Cluster
from kube_actors.actor import ActorError, Clock
from kube_actors.api import StatusError
from kube_actors.cluster import Timings

pytestmark = pytest.mark.anyio

EPOCH_S = 1_767_225_600.0


def simulated(nodes: int = 3, seed: int = 1, masters: int = 3) -> Cluster:
    return Cluster(
        masters,
        nodes,
        runtime="simulated",
        listen=None,
        seed=seed,
        clock=Clock(EPOCH_S),
        # Kubernetes' times; the store may beat slower than on the machine's clock.
        timings=Timings(store_tick_s=0.5),
    )


def deployment(replicas: int) -> dict[str, Any]:
    template = {
        "metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "c", "image": "any"}]},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "web"}},
            "template": template,
        },
    }


async def pods_by_node(cluster: Cluster) -> dict[str, int]:
    """Count the ready pods that are to stay, per node."""
    found: dict[str, int] = {}
    listed = await cluster.client.list("pods", "default", label_selector="app=web")
    for pod in listed["items"]:
        conditions = (pod.get("status") or {}).get("conditions") or ()
        ready = any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)
        if ready and "deletionTimestamp" not in pod["metadata"]:
            name = pod["spec"]["nodeName"]
            found[name] = found.get(name, 0) + 1
    return found


async def until(condition: Any, timeout_s: float) -> float:
    """Poll in virtual time; return how long it took."""
    started_s = anyio.current_time()
    with anyio.fail_after(timeout_s):
        while True:
            try:
                if await condition():
                    return anyio.current_time() - started_s
            except (StatusError, ActorError):
                pass
            await anyio.sleep(0.5)


async def test_a_dead_nodes_pods_move_after_kubernetes_own_patience() -> None:
    async with simulated() as cluster:
        await cluster.client.apply(deployment(6))
        await cluster.wait_for("deployment/web", "Available", timeout_s=60)
        assert await pods_by_node(cluster) == {"node-1": 2, "node-2": 2, "node-3": 2}
        cluster.faults.kill("node/node-2")

        async def not_ready() -> bool:
            node = await cluster.client.get("nodes", "node-2")
            ready = next(c for c in node["status"]["conditions"] if c["type"] == "Ready")
            return bool(ready["status"] == "Unknown")

        async def moved() -> bool:
            found = await pods_by_node(cluster)
            return "node-2" not in found and sum(found.values()) == 6

        noticed_s = await until(not_ready, 90)
        assert 30 <= noticed_s <= 60
        taints = (await cluster.client.get("nodes", "node-2"))["spec"]["taints"]
        await anyio.sleep(1)
        taints = (await cluster.client.get("nodes", "node-2"))["spec"]["taints"]
        assert {t["key"] for t in taints} == {"node.kubernetes.io/unreachable"}
        moved_s = await until(moved, 400)
        assert 290 <= moved_s <= 330
        cluster.faults.heal()
        await cluster.wait_for("node/node-2", "Ready", timeout_s=60)

        async def settled() -> bool:
            listed = await cluster.client.list("pods", "default", label_selector="app=web")
            return len(listed["items"]) == 6

        await until(settled, 120)


async def test_a_short_absence_moves_nothing() -> None:
    async with simulated() as cluster:
        await cluster.client.apply(deployment(3))
        await cluster.wait_for("deployment/web", "Available", timeout_s=60)
        listed = await cluster.client.list("pods", "default", label_selector="app=web")
        before = {pod["metadata"]["uid"] for pod in listed["items"]}
        cluster.faults.pause("kubelet/node-1")
        await anyio.sleep(200)
        cluster.faults.resume("kubelet/node-1")
        await cluster.wait_for("node/node-1", "Ready", timeout_s=60)
        await anyio.sleep(200)
        listed = await cluster.client.list("pods", "default", label_selector="app=web")
        assert {pod["metadata"]["uid"] for pod in listed["items"]} == before


async def test_a_dead_leaders_work_is_taken_over_within_a_lease() -> None:
    async with simulated() as cluster:
        await anyio.sleep(5)
        lease = await cluster.client.get("leases", "kube-scheduler", "kube-system")
        number = lease["spec"]["holderIdentity"].rsplit("-", 1)[1]
        cluster.faults.kill(f"master/{number}")
        await until(lambda: cluster.client.apply(deployment(3)), 60)

        async def placed() -> bool:
            return sum((await pods_by_node(cluster)).values()) == 3

        assert await until(placed, 60) <= 45


async def test_without_a_majority_it_is_read_only_and_heals() -> None:
    async with simulated() as cluster:
        await cluster.client.apply(deployment(2))
        await cluster.wait_for("deployment/web", "Available", timeout_s=60)
        cluster.faults.kill("master/1")
        cluster.faults.kill("master/2")
        await anyio.sleep(15)
        listed = await cluster.client.list("pods", "default", resource_version="0")
        assert len(listed["items"]) == 2
        with pytest.raises(StatusError) as refused:
            await cluster.client.apply(deployment(3))
        assert refused.value.code == 503
        assert "1 of 3" in str(refused.value)
        assert cluster.health.read_only
        cluster.faults.heal()
        await until(lambda: cluster.client.apply(deployment(3)), 60)

        async def three() -> bool:
            return sum((await pods_by_node(cluster)).values()) == 3

        await until(three, 90)


async def test_ten_minutes_pass_and_everything_is_still_well() -> None:
    async with simulated(nodes=1, masters=1) as cluster:
        await cluster.client.apply(deployment(1))
        await cluster.wait_for("deployment/web", "Available", timeout_s=60)
        await anyio.sleep(600)
        assert await pods_by_node(cluster) == {"node-1": 1}
        node = await cluster.client.get("nodes", "node-1")
        ready = next(c for c in node["status"]["conditions"] if c["type"] == "Ready")
        assert ready["status"] == "True"
