"""What the scheduler's tests stand on: the controllers' plane, with nodes that are only objects."""

from typing import Any

import anyio
from attrs import frozen

from kube_actors.actor import Actor, Address, Child
from kube_actors.api import StatusError
from kube_actors.client import Client
from kube_actors.scheduler import SchedulerConfig, run_scheduler
from tests.controllers.plane import Plane

Object = dict[str, Any]


@frozen
class Stage:
    """A plane with words for nodes, pods and schedulers."""

    plane: Plane

    @property
    def client(self) -> Client:
        return self.plane.client

    def start_scheduler(self, number: int = 1, *, through: str = "apiserver/1", **more: Any) -> str:
        config = SchedulerConfig(f"master-{number}", (Address(through),), **more)

        async def run(actor: Actor) -> None:
            await run_scheduler(actor, config)

        self.plane.supervisor.start(Child(f"scheduler/{number}", run))
        return f"scheduler/{number}"

    async def add_node(
        self, name: str, *, cpu: str = "4", pods: int = 110, labels: Any = None
    ) -> None:
        meta = {"name": name, "labels": {"kubernetes.io/hostname": name, **(labels or {})}}
        await self.client.create({"apiVersion": "v1", "kind": "Node", "metadata": meta})
        await self.client.patch("nodes", name, {"spec": {"taints": None}})
        amounts = {"cpu": cpu, "memory": "8Gi", "pods": str(pods)}
        status = {"capacity": amounts, "allocatable": amounts}
        await self.client.patch("nodes", name, {"status": status}, subresource="status")

    async def add_pod(self, name: str, *, cpu: str = "", labels: Any = None, **spec: Any) -> Object:
        container: Object = {"name": "c", "image": "i"}
        if cpu:
            container["resources"] = {"requests": {"cpu": cpu}}
        return await self.client.create(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": name, "namespace": "default", "labels": labels or {}},
                "spec": {"containers": [container], **spec},
            }
        )

    async def pod(self, name: str) -> Object:
        return await self.client.get("pods", name, "default")

    async def node_of(self, name: str) -> str:
        try:
            found = await self.pod(name)
        except StatusError:
            return ""
        return str(found["spec"].get("nodeName") or "")

    async def bound(self, name: str, *, timeout_s: float = 60.0) -> str:
        """Wait until the pod has a node and return it."""
        return str(await self.plane.until(lambda: self.node_of(name), timeout_s=timeout_s))

    async def condition(self, name: str, kind: str = "PodScheduled") -> Object:
        status = (await self.pod(name)).get("status") or {}
        return next((c for c in status.get("conditions") or () if c["type"] == kind), {})

    async def refused(self, name: str) -> str:
        """Wait until the pod is said to be unschedulable and return why."""

        async def message() -> str:
            found = await self.condition(name)
            return str(found.get("message", "")) if found.get("status") == "False" else ""

        return str(await self.plane.until(message))

    async def events(self, name: str, reason: str) -> list[Object]:
        selector = f"involvedObject.name={name},reason={reason}"
        found = await self.client.list("events", "default", field_selector=selector)
        return list(found["items"])

    async def settle(self, seconds: float = 0.5) -> None:
        """Let what is under way finish, in virtual time."""
        await anyio.sleep(seconds)


def port_80() -> list[Object]:
    return [{"containerPort": 80, "hostPort": 80}]
