"""A node around a fake API server, for tests of the whole kubelet."""

import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
from attrs import define, field

from kube_actors.actor import Actor, Child
from kube_actors.api import Object
from kube_actors.node import ContainerRuntime, KubeletConfig, SimulatedRuntime, run_kubelet
from tests.client.fake_apiserver import World, open_world

NODE = "n1"


@define
class Node:
    """One kubelet; ``wait`` follows the API's history instead of asking again and again."""

    world: World
    runtime: ContainerRuntime
    seen: dict[str, list[str]] = field(factory=dict)

    def add_pod(self, name: str, **spec: Any) -> Object:
        containers = spec.pop("containers", None) or [{"name": "web", "image": "img"}]
        annotations = spec.pop("annotations", {})
        return self.world.add(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": name, "namespace": "default", "annotations": annotations},
                "spec": {"nodeName": NODE, "containers": containers, **spec},
                "status": {"phase": "Pending"},
            }
        )

    def delete_pod(self, name: str, grace_s: int = 30) -> None:
        """What the API server does for a graceful deletion."""
        meta = {
            **self.pod(name)["metadata"],
            "deletionTimestamp": "2030-01-01T00:00:00Z",
            "deletionGracePeriodSeconds": grace_s,
        }
        self.world.change("pods", "default", name, metadata=meta)

    def pod(self, name: str) -> Object:
        found = self.world.live("pods", "default", name)
        assert found is not None
        return found

    def status(self, name: str) -> dict[str, Any]:
        status: dict[str, Any] = self.pod(name).get("status") or {}
        return status

    def container(self, name: str) -> dict[str, Any]:
        """The first container's status, or that of one that nobody has reported yet."""
        statuses = self.status(name).get("containerStatuses") or [{"restartCount": 0}]
        status: dict[str, Any] = statuses[0]
        return status

    def restarted(self, name: str, count: int) -> Callable[[], bool]:
        return lambda: bool(self.container(name)["restartCount"] == count)

    def is_ready(self, name: str) -> bool:
        found = self.world.live("pods", "default", name)
        conditions = ((found or {}).get("status") or {}).get("conditions") or ()
        return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)

    def events(self) -> list[str]:
        return [
            obj["reason"]
            for key, obj in self.world.store.objects.items()
            if key[0] == "events" and obj["involvedObject"]["kind"] == "Pod"
        ]

    async def wait(self, holds: Callable[[], bool], timeout_s: float = 60) -> None:
        """Wait until something holds; it is looked at after every change of the store."""
        with anyio.fail_after(timeout_s):
            while not holds():
                await self.world.store.changed.wait()

    async def wait_ready(self, name: str) -> None:
        await self.wait(lambda: self.is_ready(name))

    async def wait_gone(self, name: str) -> None:
        await self.wait(lambda: self.world.live("pods", "default", name) is None)

    async def wait_waiting(self, name: str, reason: str) -> None:
        def holds() -> bool:
            state = self.container(name).get("state") or {}
            return bool((state.get("waiting") or {}).get("reason") == reason)

        await self.wait(holds)


@asynccontextmanager
async def open_node(runtime: ContainerRuntime | None = None, **config: Any) -> AsyncIterator[Node]:
    """Start a kubelet; ``config`` overrides ``KubeletConfig``."""
    runtime = runtime or SimulatedRuntime(random.Random(1))
    given: dict[str, Any] = {"proxy": None, "record_normal_events": True, **config}
    async with open_world() as world:
        settings = KubeletConfig(NODE, runtime, world.apiservers, **given)  # type: ignore[arg-type]

        async def run(actor: Actor) -> None:
            await run_kubelet(actor, settings)

        world.supervisor.start(Child(f"kubelet/{NODE}", run))
        node = Node(world, runtime)
        await node.wait(lambda: world.live("leases", "kube-node-lease", NODE) is not None)
        yield node
