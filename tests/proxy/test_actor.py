"""The proxy's actor: Services and EndpointSlices drive real sockets; addresses survive restarts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from attrs import frozen

from kube_actors.actor import Actor, ActorError, Address, Child
from kube_actors.api import StatusError
from kube_actors.client import AddressAssigned, AssignAddress, NoAddress, ReleaseAddress
from kube_actors.cluster import claim_block
from kube_actors.cluster.address_plan import AddressPlan
from kube_actors.proxy import ProxyConfig, run_proxy
from tests.controllers.plane import Plane, plane
from tests.polling import NotYet, eventually
from tests.proxy.sockets import free_port, greeter, open_sockets, talk, until

pytestmark = pytest.mark.anyio

Object = dict[str, Any]


@frozen
class Node:
    """A plane with one node's proxy."""

    plane: Plane
    addresses: AddressPlan

    @property
    def node_address(self) -> str:
        return self.addresses.node_address(1)

    def pod(self, number: int) -> str:
        return self.addresses.pods_from.rsplit(".", 1)[0] + f".{number}"

    def start(self, **more: Any) -> None:
        config = ProxyConfig(
            node="node-1",
            pod_cidr=more.pop("pod_cidr", self.addresses.pod_cidr(1)),
            apiservers=(Address("apiserver/1"),),
            node_address=self.node_address,
            rebind_s=0.05,
            **more,
        )

        async def run(actor: Actor) -> None:
            await run_proxy(actor, config)

        self.plane.supervisor.start(Child("proxy/node-1", run))

    async def assign(self, uid: str) -> str:
        """Ask for an address; a proxy that is just starting again is asked once more."""
        while True:
            try:
                request = AssignAddress(uid, "default", uid)
                answer = await self.plane.actor.call("proxy/node-1", request)
            except NoAddress:
                raise
            except ActorError:
                await anyio.sleep(0.02)
                continue
            assert isinstance(answer, AddressAssigned)
            return answer.ip

    async def add_service(self, address: str, port: int, **spec: Any) -> None:
        ports = [{"name": "http", "port": port, "targetPort": 80, **spec.pop("ports", {})}]
        await self.plane.client.create(
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {"name": "web", "namespace": "default"},
                "spec": {"externalIPs": [address], "ports": ports, **spec},
            }
        )

    async def set_endpoints(self, port: int, *addresses: str) -> None:
        endpoint_slice: Object = {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {
                "name": "web-1",
                "namespace": "default",
                "labels": {"kubernetes.io/service-name": "web"},
            },
            "addressType": "IPv4",
            "ports": [{"name": "http", "port": port, "protocol": "TCP"}],
            "endpoints": [{"addresses": [a], "conditions": {"ready": True}} for a in addresses],
        }
        try:
            await self.plane.client.create(endpoint_slice)
        except StatusError:
            del endpoint_slice["metadata"]["labels"]
            await self.plane.client.patch("endpointslices", "web-1", endpoint_slice, "default")


@asynccontextmanager
async def node() -> AsyncIterator[Node]:
    claim = claim_block(150)
    try:
        async with plane() as made:
            yield Node(made, claim.plan)
    finally:
        claim.close()


async def answered(address: str, port: int, name: str) -> None:
    """Wait until the address leads to ``name``."""

    async def lead() -> None:
        if not (await talk(address, port)).startswith(f"{name}:"):
            raise NotYet

    await eventually(lead, OSError)


async def refused(address: str, port: int) -> None:
    async def refuse() -> None:
        try:
            await talk(address, port)
        except OSError:
            return
        raise NotYet

    await eventually(refuse)


@pytest.mark.real_time
async def test_services_and_slices_drive_the_sockets() -> None:
    async with node() as made:
        address, port = made.addresses.node_address(7), free_port(made.addresses.node_address(7))
        async with (
            greeter("one", made.pod(10)) as (first, target),
            greeter("two", made.pod(11), target) as (second, _),
        ):
            made.start()
            await made.add_service(address, port)
            await made.set_endpoints(target, first)
            await answered(address, port, "one")
            await made.set_endpoints(target, second)
            await answered(address, port, "two")
            await made.set_endpoints(target)
            await refused(address, port)
            await made.set_endpoints(target, first)
            await answered(address, port, "one")
            await made.plane.client.delete("services", "web", "default")
            await refused(address, port)


@pytest.mark.real_time
async def test_a_node_port_is_opened_on_the_nodes_own_address() -> None:
    async with node() as made:
        address, port = made.addresses.node_address(7), free_port(made.addresses.node_address(7))
        async with greeter("one", made.pod(10)) as (first, target):
            made.start()
            await made.add_service(address, port, type="NodePort", ports={"nodePort": 31234})
            await made.set_endpoints(target, first)
            await answered(made.node_address, 31234, "one")


@pytest.mark.real_time
async def test_a_port_that_cannot_be_opened_is_an_event_and_is_tried_again() -> None:
    async with node() as made:
        address, port = made.addresses.node_address(7), free_port(made.addresses.node_address(7))

        async def said() -> list[Object]:
            selector = "involvedObject.name=web,reason=PortNotOpened"
            found = await made.plane.client.list("events", "default", field_selector=selector)
            return list(found["items"])

        async with greeter("one", made.pod(10)) as (first, target):
            async with greeter("squatter", address, port):
                made.start()
                await made.add_service(address, port)
                await made.set_endpoints(target, first)
                event = (await made.plane.until(said, timeout_s=30))[0]
                assert event["type"] == "Warning"
                assert f"cannot open TCP {address}:{port}" in event["message"]
            await answered(address, port, "one")


@pytest.mark.real_time
async def test_a_proxy_that_crashes_or_dies_leaves_no_socket_and_comes_back() -> None:
    async with node() as made:
        address, port = made.addresses.node_address(7), free_port(made.addresses.node_address(7))
        before = open_sockets()
        async with greeter("one", made.pod(10)) as (first, target):
            made.start()
            await made.add_service(address, port)
            await made.set_endpoints(target, first)
            await answered(address, port, "one")
            made.plane.supervisor.crash("proxy/node-1")
            await answered(address, port, "one")
            made.plane.supervisor.kill("proxy/node-1")
            await refused(address, port)
            made.plane.supervisor.revive("proxy/node-1")
            await answered(address, port, "one")
            made.plane.supervisor.kill("proxy/node-1")
            await refused(address, port)
        await until(lambda: open_sockets() <= before)


async def test_a_pod_keeps_its_address_and_no_two_share_one() -> None:
    async with node() as made:
        made.start(bind=False)
        given = [await made.assign(f"pod-{n}") for n in range(5)]
        assert len(set(given)) == 5
        assert await made.assign("pod-2") == given[2]
        made.plane.actor.tell("proxy/node-1", ReleaseAddress("pod-2"))
        assert await made.assign("new") not in given


async def test_when_all_addresses_are_given_it_says_so_until_one_is_released() -> None:
    async with node() as made:
        made.start(bind=False, pod_cidr="10.64.0.0/29")
        for number in range(5):
            await made.assign(f"pod-{number}")
        with pytest.raises(NoAddress):
            await made.assign("one too many")
        made.plane.actor.tell("proxy/node-1", ReleaseAddress("pod-3"))
        assert await made.assign("one too many")


@pytest.mark.parametrize("bind", [True, False])
async def test_after_a_restart_no_address_in_use_is_given_again(bind: bool) -> None:
    async with node() as made:
        client = made.plane.client
        created = await client.create(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": "old", "namespace": "default"},
                "spec": {"nodeName": "node-1", "containers": [{"name": "c", "image": "i"}]},
            }
        )
        uid = created["metadata"]["uid"]
        made.start(bind=bind)
        address = await made.assign(uid)
        status = {"status": {"podIP": address, "phase": "Running"}}
        await client.patch("pods", "old", status, "default", subresource="status")
        made.plane.supervisor.crash("proxy/node-1")
        await anyio.sleep(5)
        assert await made.assign("new") != address
        assert await made.assign(uid) == address
