"""Simulated nodes do what their scripts say, on virtual time."""

from typing import Any

import anyio
import pytest

from kube_actors import Cluster, InvalidConfig, NodeSpec
from kube_actors.node import Script, Stage

pytestmark = pytest.mark.anyio


def pod(name: str, **spec: Any) -> dict[str, Any]:
    container = {"name": "c", "image": "registry.example/any:1"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"containers": [container], **spec},
    }


async def test_a_nodes_script_times_its_pods() -> None:
    script = Script(pull=Stage(delay_s=20.0), ready=Stage(delay_s=30.0), start=Stage(delay_s=10.0))
    slow = NodeSpec(name="slow", runtime="simulated", script=script)
    fast = NodeSpec(name="fast", runtime="simulated")
    async with Cluster(masters=1, nodes=[slow, fast], listen=None) as cluster:
        took: dict[str, float] = {}
        for node in ("fast", "slow"):
            began = anyio.current_time()
            await cluster.client.create(pod(f"on-{node}", nodeName=node))
            await cluster.wait_for(f"pod/on-{node}", "Ready", timeout_s=300)
            took[node] = anyio.current_time() - began
        assert took["fast"] < 2
        assert 30 <= took["slow"] < 40


async def test_a_script_that_fails_makes_a_pod_back_off() -> None:
    script = Script(pull=Stage(failure_rate=1.0))
    nodes = [NodeSpec(runtime="simulated", script=script)]
    async with Cluster(masters=1, nodes=nodes, listen=None) as cluster:
        await cluster.client.create(pod("never"))
        path = "jsonpath={.status.containerStatuses[0].state.waiting.reason}=ImagePullBackOff"
        await cluster.wait_for("pod/never", path, timeout_s=120)


async def test_a_process_node_takes_no_script() -> None:
    with pytest.raises(InvalidConfig, match="script"):
        Cluster(nodes=[NodeSpec(script=Script())])
