"""One node in a process of its own: its kubelet and proxy, joined to the masters over TCP.

Its addresses are a function of the number under which its certificate was issued, so no two nodes
of a cluster collide. With the process runtime they are loopback addresses: all nodes of a cluster
whose pods shall reach each other run on one host.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import attrs

from kube_actors.actor import (
    Actor,
    ActorError,
    ActorSystem,
    Address,
    Child,
    Clock,
    Supervisor,
    TcpNetwork,
)
from kube_actors.api import StatusError
from kube_actors.client import Client
from kube_actors.cluster.address_plan import SIMULATED_PLAN, real_plan
from kube_actors.cluster.cluster import RESTARTS_MAX
from kube_actors.cluster.config import InvalidConfig, NodeSpec, Timings
from kube_actors.cluster.directory import cluster_directory, sweep_scratch
from kube_actors.cluster.faults import Machine
from kube_actors.cluster.node import NodePlan, run_node
from kube_actors.cluster.processes.join import Join
from kube_actors.cluster.processes.pki_directory import PkiDirectory
from kube_actors.cluster.processes.refusals import refusals
from kube_actors.node.runtimes import ContainerRuntime, ProcessRuntime, SimulatedRuntime

READY_POLL_S = 0.05


@attrs.frozen(kw_only=True)
class NodeOptions:
    """``data_dir`` keeps the pods' files; without it they are gone when the node ends."""

    name: str
    join: Join
    pki: PkiDirectory
    data_dir: Path | None = None
    runtime: str = "process"
    timings: Timings = attrs.field(factory=Timings)


class NodeProcess:
    """``async with NodeProcess(options) as node: await node.ready()``."""

    def __init__(self, options: NodeOptions) -> None:
        if options.name in options.join.masters:
            raise InvalidConfig(
                f"{options.name} is a master's name: every process needs its own certificate"
            )
        self.options = options
        self.network: TcpNetwork
        self.client: Client

    async def __aenter__(self) -> "NodeProcess":
        self._life = self._live()
        return await self._life.__aenter__()

    async def __aexit__(self, *error: Any) -> bool | None:
        return await self._life.__aexit__(*error)

    async def ready(self) -> None:
        """Wait until the cluster says that this node is Ready."""
        while not await self._is_ready():  # noqa: ASYNC110
            await anyio.sleep(READY_POLL_S)

    def missing(self) -> str:
        """Say what is not there yet."""
        masters = len(self.options.join.names)
        connected = len(self.network.connected)
        said = f"the node is not Ready: connected to {connected} of {masters} masters"
        return "; ".join((said, *refusals(self.network)))

    async def _is_ready(self) -> bool:
        try:
            node = await self.client.get("nodes", self.options.name)
        except (StatusError, ActorError):
            return False
        conditions = (node.get("status") or {}).get("conditions") or ()
        return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)

    @asynccontextmanager
    async def _live(self) -> AsyncIterator["NodeProcess"]:
        options = self.options
        incarnation = int.from_bytes(os.urandom(4)) >> 1
        seed = int.from_bytes(os.urandom(8))
        name = options.name
        tls = options.pki.tls(name)
        plan = self._plan()
        sweep_scratch()
        with cluster_directory(options.data_dir) as directory:
            async with (
                TcpNetwork(
                    name,
                    peers=options.join.masters,
                    tls=tls,
                    incarnation=incarnation,
                    seed=seed,
                    may_hold=options.join.may_hold,
                    may_send=options.join.may_send,
                ) as self.network,
                ActorSystem(
                    self.network, Clock.of_machine(), seed, first_number=(incarnation << 32) + 1
                ) as system,
                Supervisor(system, name=name, intensity=RESTARTS_MAX) as root,
                system.client(f"client/{name}") as actor,
            ):
                self.client = Client(
                    actor, plan.apiservers, user=f"system:node:{name}", groups=("system:nodes",)
                )
                machine = Machine(plan.name)

                async def run(actor: Actor) -> None:
                    await self.network.wait_for(*plan.apiservers)
                    await run_node(
                        system, plan, machine, partial(self._open_runtime, actor, directory)
                    )

                root.start(Child(plan.name, run))
                yield self

    def _plan(self) -> NodePlan:
        options = self.options
        number = options.pki.number(options.name)
        real = options.runtime == "process"
        addresses = real_plan(options.pki.block()) if real else SIMULATED_PLAN
        masters = len(options.join.names)
        order = [(number + offset) % masters + 1 for offset in range(masters)]
        return NodePlan(
            spec=NodeSpec(runtime=options.runtime, name=options.name),
            address=addresses.node_address(number),
            pod_cidr=addresses.pod_cidr(number),
            apiservers=tuple(Address(f"apiserver/{each}") for each in order),
            timings=options.timings,
            real=real,
        )

    async def _open_runtime(self, actor: Actor, directory: Path) -> ContainerRuntime:
        if self.options.runtime == "simulated":
            return SimulatedRuntime(lambda: actor.random, None)
        return await ProcessRuntime.open(directory / "nodes" / self.options.name)
