"""A kubelet that comes back finds what runs, what ended, and what is lost."""

import anyio
import anyio.lowlevel
import pytest

from kube_actors.node import SimulatedRuntime
from kube_actors.node.runtimes import ContainerState
from tests.node.kubelet_world import NODE, open_node

pytestmark = pytest.mark.anyio


async def test_a_crashed_kubelet_adopts_what_runs() -> None:
    async with open_node() as node:
        containers = [{"name": "web", "image": "img", "readinessProbe": {"exec": {}}}]
        node.add_pod("web", containers=containers)
        await node.wait_ready("web")
        before = node.pod("web")
        node.world.supervisor.crash(f"kubelet/{NODE}")
        await anyio.sleep(30)
        after = node.pod("web")
        assert after["status"] == before["status"]
        assert after["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]
        (run,) = node.runtime.containers(after["metadata"]["uid"])
        assert run.state is ContainerState.RUNNING


async def test_what_ended_while_the_kubelet_was_away_is_restarted() -> None:
    async with open_node() as node:
        node.add_pod("web")
        await node.wait_ready("web")
        assert isinstance(node.runtime, SimulatedRuntime)
        node.world.supervisor.kill(f"kubelet/{NODE}")
        await anyio.sleep(1)
        (run,) = node.runtime.containers(node.pod("web")["metadata"]["uid"])
        node.runtime.crash_container(run.id, run.started_at + 5, 139)
        node.world.supervisor.revive(f"kubelet/{NODE}")
        await node.wait(node.restarted("web", 1))
        assert node.container("web")["lastState"]["terminated"]["exitCode"] == 139


async def test_a_machine_that_lost_everything_starts_its_pods_again() -> None:
    async with open_node() as node:
        node.add_pod("web")
        node.add_pod("once", restartPolicy="Never")
        await node.wait_ready("web")
        await node.wait_ready("once")
        node.world.supervisor.kill(f"kubelet/{NODE}")
        await anyio.sleep(1)
        await node.runtime.aclose()
        node.world.supervisor.revive(f"kubelet/{NODE}")
        await node.wait(node.restarted("web", 1))
        await node.wait_ready("web")
        await node.wait(lambda: node.status("once")["phase"] == "Failed")
        ended = node.container("once")["state"]["terminated"]
        assert ended["reason"] == "ContainerStatusUnknown"


async def test_pods_live_on_while_the_api_is_away() -> None:
    async with open_node() as node:
        node.add_pod("web")
        await node.wait_ready("web")
        for number in (1, 2, 3):
            node.world.kill(number)
        assert isinstance(node.runtime, SimulatedRuntime)
        uid = node.pod("web")["metadata"]["uid"]
        (run,) = node.runtime.containers(uid)
        now = run.started_at + 1
        node.runtime.crash_container(run.id, now, 1)
        await anyio.sleep(60)
        runs = node.runtime.containers(uid)
        assert [r.state for r in runs] == [ContainerState.EXITED, ContainerState.RUNNING]
        assert node.container("web")["restartCount"] == 0
        for number in (1, 2, 3):
            node.world.revive(number)
        await node.wait(node.restarted("web", 1))
