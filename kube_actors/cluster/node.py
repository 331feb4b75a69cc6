"""One node: its kubelet and its proxy under one supervisor, around a runtime that outlives both."""

from collections.abc import Awaitable, Callable

import anyio
import attrs

from kube_actors.actor import Actor, ActorSystem, Address, Child, Supervisor
from kube_actors.cluster.config import NodeSpec, Timings
from kube_actors.cluster.faults import Machine
from kube_actors.node import KubeletConfig, run_kubelet
from kube_actors.node.runtimes import ContainerRuntime
from kube_actors.proxy import ProxyConfig, run_proxy


@attrs.frozen
class NodePlan:
    """Everything one node needs; ``address`` and ``pod_cidr`` are from the cluster's plan."""

    spec: NodeSpec
    address: str
    pod_cidr: str
    apiservers: tuple[Address, ...]
    timings: Timings
    real: bool

    @property
    def name(self) -> str:
        """The machine's name, as faults and the status know it."""
        return f"node/{self.spec.name}"


async def run_node(
    system: ActorSystem,
    plan: NodePlan,
    machine: Machine,
    open_runtime: "Callable[[], Awaitable[ContainerRuntime]]",
) -> None:
    """Run the node's actors until cancelled; its containers die with the node, not before."""
    runtime = await open_runtime()
    try:
        async with Supervisor(system, name=plan.name, intensity=20, window_s=30.0) as supervisor:
            machine.supervisor = supervisor
            try:
                for child in _children(plan, runtime):
                    supervisor.start(child)
                await anyio.sleep_forever()
            finally:
                machine.supervisor = None
    finally:
        with anyio.CancelScope(shield=True):
            await runtime.aclose()


def _children(plan: NodePlan, runtime: ContainerRuntime) -> list[Child]:
    spec, timings = plan.spec, plan.timings

    async def proxy(actor: Actor) -> None:
        config = ProxyConfig(
            node=spec.name,
            pod_cidr=plan.pod_cidr,
            apiservers=plan.apiservers,
            node_address=plan.address,
            bind=plan.real,
        )
        await run_proxy(actor, config)

    async def kubelet(actor: Actor) -> None:
        config = KubeletConfig(
            node_name=spec.name,
            runtime=runtime,
            apiservers=plan.apiservers,
            pod_cidr=plan.pod_cidr,
            node_ip=plan.address,
            labels=spec.labels,
            capacity={
                "cpu": spec.cpu,
                "memory": spec.memory,
                "pods": str(spec.pods),
                "ephemeral-storage": "100Gi",
            },
            lease_duration_s=timings.node_lease_duration_s,
            lease_renew_s=timings.node_heartbeat_s,
            restart_backoff_s=timings.restart_backoff_s,
            restart_backoff_max_s=timings.restart_backoff_max_s,
        )
        await run_kubelet(actor, config)

    return [Child(f"proxy/{spec.name}", proxy), Child(f"kubelet/{spec.name}", kubelet)]
