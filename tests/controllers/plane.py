"""A control plane without nodes: one store member and API servers on a memory network.

A test plays the kubelet itself: ``Kubelet`` binds pods and makes them ready, and ends those that
are being deleted, by patching their status through the API.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio
from attrs import frozen

from kube_actors.actor import (
    Actor,
    ActorError,
    ActorSystem,
    Address,
    Child,
    Clock,
    MemoryNetwork,
    Supervisor,
)
from kube_actors.api import StatusError
from kube_actors.apiserver import ApiServerConfig, run_apiserver
from kube_actors.client import Client, Informer
from kube_actors.controllers import ControllersConfig, run_controllers
from kube_actors.store import MemberConfig, MemoryDisk, run_member

EPOCH_S = 1_767_225_600.0


@frozen
class Plane:
    system: ActorSystem
    network: MemoryNetwork
    supervisor: Supervisor
    client: Client
    actor: Actor

    def start_controllers(self, master: int = 1, **options: Any) -> None:
        """Start ``controllers/<master>``; ``only`` names those that should run."""
        apiservers = ("apiserver/1",)
        config = ControllersConfig(master, apiservers, root_certificate="PEM", **options)

        async def run(actor: Actor) -> None:
            await run_controllers(actor, config)

        self.supervisor.start(Child(f"controllers/{master}", run))

    async def until(self, condition: Any, *, timeout_s: float = 120.0) -> Any:
        """Poll in virtual time until ``condition()`` gives something true."""
        with anyio.fail_after(timeout_s):
            while True:
                try:
                    found = await condition()
                except StatusError:
                    found = None
                if found:
                    return found
                await anyio.sleep(0.05)


@asynccontextmanager
async def plane(seed: int = 1) -> AsyncIterator[Plane]:
    """Run a store and an API server; yields once requests are served."""
    network = MemoryNetwork(seed)
    clock = Clock(EPOCH_S)
    disk = MemoryDisk()

    async def store(actor: Actor) -> None:
        await run_member(actor, MemberConfig(member=1, members=1), disk)

    async def apiserver(actor: Actor) -> None:
        await run_apiserver(actor, ApiServerConfig(stores=(Address("store/1"),)))

    async with (
        ActorSystem(network, clock, seed) as system,
        Supervisor(system, name="master/1") as supervisor,
    ):
        supervisor.start(Child("store/1", store))
        supervisor.start(Child("apiserver/1", apiserver))
        async with system.client("client/test") as actor:
            client = Client(actor, [Address("apiserver/1")])
            made = Plane(system, network, supervisor, client, actor)
            await made.until(lambda: client.get("ns", "kube-system"))
            yield made


class Kubelet:
    """Makes pods run on one node, at once; ``broken`` images never become ready."""

    def __init__(self, client: Client, node: str = "node-1", broken: tuple[str, ...] = ()) -> None:
        self._client = client
        self._node = node
        self._broken = broken
        self._pods: Informer[dict[str, Any]] = Informer(client, "pods", project=dict)
        self._wake = anyio.Event()
        self._todo: dict[tuple[str, str], None] = {}
        self._given = 0

    async def _register(self) -> None:
        now = self._client.actor.clock.timestamp()
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": self._node}}
        await self._client.create(node)
        times = {"lastHeartbeatTime": now, "lastTransitionTime": now}
        status = {"conditions": [{"type": "Ready", "status": "True", **times}]}
        await self._client.patch("nodes", self._node, {"status": status}, subresource="status")

    async def _heartbeat(self) -> None:
        lease = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": self._node, "namespace": "kube-node-lease"},
        }
        await self._client.create(lease)
        while True:
            spec = {"spec": {"renewTime": self._client.actor.clock.micro_timestamp()}}
            with suppress(ActorError, StatusError):
                await self._client.patch("leases", self._node, spec, "kube-node-lease")
            await anyio.sleep(10)

    async def run(self) -> None:
        await self._register()

        def changed(_old: Any, new: Any) -> None:
            if new is not None:
                meta = new["metadata"]
                self._todo[meta["namespace"], meta["name"]] = None
                self._wake.set()

        self._pods.subscribe(changed)
        async with anyio.create_task_group() as group:
            group.start_soon(self._heartbeat)
            group.start_soon(self._pods.run)
            while True:
                await self._wake.wait()
                self._wake = anyio.Event()
                while self._todo:
                    namespace, name = next(iter(self._todo))
                    del self._todo[namespace, name]
                    try:
                        await self._sync(namespace, name)
                    except StatusError as error:
                        if error.code not in (404, 409):
                            raise

    async def _sync(self, namespace: str, name: str) -> None:
        pod = self._pods.get(namespace, name)
        if pod is None:
            return
        if pod["metadata"].get("deletionTimestamp"):
            if pod["spec"].get("nodeName"):
                await self._client.delete("pods", name, namespace, grace_period_s=0)
            return
        if not pod["spec"].get("nodeName"):
            await self._client.bind(namespace, name, self._node)
            return
        image = pod["spec"]["containers"][0]["image"]
        if pod["status"].get("phase") == "Running" or image in self._broken:
            return
        self._given += 1
        now = self._client.actor.clock.timestamp()
        ready = {"type": "Ready", "status": "True", "lastTransitionTime": now}
        status = {
            "phase": "Running",
            "podIP": f"10.0.{self._given // 250}.{self._given % 250 + 1}",
            "conditions": [ready],
        }
        await self._client.patch(
            "pods", name, {"status": status}, namespace, type="strategic", subresource="status"
        )
