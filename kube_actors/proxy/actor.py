"""The proxy's actor, one per node: pod addresses for its kubelet, sockets for the services.

It answers ``AssignAddress`` from the node's pod CIDR, watches Services and EndpointSlices, and
keeps the frontends equal to the routes they give. Without ``bind`` (simulated nodes, whose
addresses exist nowhere) it only gives addresses and watches nothing. Either way it first learns
which addresses one before it gave, so that none is given twice.
"""

import logging

import anyio
import attrs

from kube_actors.actor import Actor, ActorError, Address, Delivery
from kube_actors.api import StatusError
from kube_actors.client import (
    AddressAssigned,
    AssignAddress,
    Client,
    EventRecorder,
    Informer,
    NoAddress,
    ReleaseAddress,
)
from kube_actors.proxy.addresses import AddressesExhausted, PodAddresses
from kube_actors.proxy.frontends import Frontends
from kube_actors.proxy.limits import Limits
from kube_actors.proxy.routing import (
    Frontend,
    Route,
    ServiceInfo,
    SliceInfo,
    make_routes,
    project_service,
    project_slice,
)

logger = logging.getLogger(__name__)

USER = "system:kube-proxy"
GROUPS = ("system:authenticated",)
SETTLE_S = 0.005


@attrs.frozen
class ProxyConfig:
    """``node_address`` is where node ports are opened; "" opens none.

    A port that cannot be bound is tried again every ``rebind_s`` seconds.
    """

    node: str
    pod_cidr: str
    apiservers: tuple[Address, ...]
    node_address: str = ""
    bind: bool = True
    rebind_s: float = 5.0
    limits: Limits = attrs.field(factory=Limits)


async def run_proxy(actor: Actor, config: ProxyConfig) -> None:
    """Serve addresses and services of one node; never returns."""
    await _Proxy(actor, config).run()


class _Proxy:
    def __init__(self, actor: Actor, config: ProxyConfig) -> None:
        self._actor = actor
        self._config = config
        self._addresses = PodAddresses(config.pod_cidr)
        self._client = Client(actor, config.apiservers, user=USER, groups=GROUPS)
        self._changed: anyio.Event | None = None

    async def run(self) -> None:
        await self._recover()
        if not self._config.bind:
            await self._serve_addresses()
            return
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._serve_addresses)
            tasks.start_soon(self._serve_services)

    async def _recover(self) -> None:
        """Learn what a proxy before this one gave out, so that no address is given twice."""
        while True:
            try:
                pods = await self._client.list(
                    "pods", field_selector=f"spec.nodeName={self._config.node}"
                )
            except (StatusError, ActorError):
                await anyio.sleep(self._actor.random.uniform(0.05, 0.2))
                continue
            for pod in pods.get("items") or ():
                address = (pod.get("status") or {}).get("podIP")
                if address and pod["status"].get("phase") not in ("Succeeded", "Failed"):
                    self._addresses.remember(pod["metadata"]["uid"], address)
            self._addresses.skip()
            return

    async def _serve_addresses(self) -> None:
        while True:
            self._answer(await self._actor.receive())

    def _answer(self, delivery: Delivery) -> None:
        match delivery.message:
            case AssignAddress(pod_uid=uid):
                try:
                    delivery.reply(AddressAssigned(ip=self._addresses.assign(uid)))
                except AddressesExhausted as error:
                    delivery.fail(NoAddress(cidr=error.cidr))
            case ReleaseAddress(pod_uid=uid):
                self._addresses.release(uid)

    async def _serve_services(self) -> None:
        services = Informer(self._client, "services", project=project_service)
        slices = Informer(
            self._client,
            "endpointslices",
            project=project_slice,
            indexes={"service": lambda s: (f"{s.namespace}/{s.service}",)},
        )
        services.subscribe(self._on_change)
        slices.subscribe(self._on_change)
        events = EventRecorder(self._client, "kube-proxy", self._actor.clock)

        def refused(frontend: Frontend, route: Route, error: OSError) -> None:
            text = (
                f"cannot open {frontend.protocol} {frontend.address}:{frontend.port} "
                f"for service {route.service}: {error.strerror or error}"
            )
            logger.info("%s: %s", self._actor.address, text)
            namespace, _, name = route.service.partition("/")
            if route.service != "default/kubernetes":
                reference = {
                    "apiVersion": "v1",
                    "kind": "Service",
                    "namespace": namespace,
                    "name": name,
                }
                events.record(reference, "Warning", "PortNotOpened", text)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(events.run)
            tasks.start_soon(services.run)
            tasks.start_soon(slices.run)
            await services.wait_synced()
            await slices.wait_synced()
            frontends = Frontends(
                tasks,
                self._actor.random,
                self._actor.clock.monotonic,
                refused,
                self._config.limits,
            )
            tasks.start_soon(self._rebind, frontends)
            while True:
                changed = self._changed = anyio.Event()
                frontends.apply(self._routes(services, slices))
                await changed.wait()
                # A rollout changes slices in bursts: one table serves the whole burst.
                await anyio.sleep(SETTLE_S)

    def _routes(
        self, services: Informer[ServiceInfo], slices: Informer[SliceInfo]
    ) -> dict[Frontend, Route]:
        slices_of: dict[tuple[str, str], list[SliceInfo]] = {}
        for endpoint_slice in slices.values():
            key = (endpoint_slice.namespace, endpoint_slice.service)
            slices_of.setdefault(key, []).append(endpoint_slice)
        return make_routes(
            services.values(),
            slices_of,
            node=self._config.node,
            node_address=self._config.node_address,
        )

    def _on_change(self, old: object, new: object) -> None:
        if old != new and self._changed is not None:
            self._changed.set()

    async def _rebind(self, frontends: Frontends) -> None:
        while True:
            await anyio.sleep(self._config.rebind_s)
            frontends.retry_failed()
