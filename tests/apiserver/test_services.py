"""Service addresses and node ports: given once, reserved, released; the API's own Service."""

from typing import Any

import anyio
import pytest

from kube_actors.actor import Blob
from kube_actors.apiserver.verbs.allocation import port_key
from kube_actors.store.messages import Put, Range, Txn
from tests.apiserver.memory_store import MemoryStore
from tests.apiserver.world import MERGE, world

SERVICES = "/api/v1/namespaces/default/services"
ADDRESSES = "/apis/networking.k8s.io/v1/ipaddresses"


def service(name: str, **spec: Any) -> dict[str, Any]:
    ports = [{"port": 80, **spec.pop("port", {})}]
    return {"metadata": {"name": name}, "spec": {"ports": ports, **spec}}


@pytest.mark.anyio
async def test_every_service_gets_an_address_of_its_own_and_gives_it_back() -> None:
    async with world(service_cidr="10.96.0.0/27") as w:
        made: list[Any] = []

        async def create(number: int) -> None:
            made.append(await w.ok("POST", SERVICES, service(f"s{number}")))

        async with anyio.create_task_group() as tasks:
            for number in range(20):
                tasks.start_soon(create, number)
        addresses = {each["spec"]["clusterIP"] for each in made}
        assert len(addresses) == 20
        assert all(address.startswith("10.96.0.") for address in addresses)
        reserved = await w.ok("GET", ADDRESSES)
        assert {item["metadata"]["name"] for item in reserved["items"]} == addresses
        await w.ok("DELETE", f"{SERVICES}/s0")
        assert len((await w.ok("GET", ADDRESSES))["items"]) == 19


@pytest.mark.anyio
async def test_an_asked_address_must_be_free_and_in_range() -> None:
    async with world(service_cidr="10.96.0.0/24") as w:
        got = await w.ok("POST", SERVICES, service("a", clusterIP="10.96.0.9"))
        assert got["spec"]["clusterIPs"] == ["10.96.0.9"]
        taken = await w.ask("POST", SERVICES, service("b", clusterIP="10.96.0.9"))
        assert taken.status == 422
        assert "provided IP is already allocated" in taken.body["message"]
        outside = await w.ask("POST", SERVICES, service("b", clusterIP="10.97.0.9"))
        assert "does not match the current range" in outside.body["message"]
        headless = await w.ok("POST", SERVICES, service("h", clusterIP="None"))
        assert headless["spec"]["clusterIPs"] == ["None"]


@pytest.mark.anyio
async def test_node_ports_are_reserved_and_released_with_the_type() -> None:
    async with world() as w:
        got = await w.ok("POST", SERVICES, service("a", type="NodePort"))
        port = got["spec"]["ports"][0]["nodePort"]
        assert 30000 <= port <= 32767
        wanted = service("b", type="NodePort", port={"nodePort": port})
        taken = await w.ask("POST", SERVICES, wanted)
        assert "provided port is already allocated" in taken.body["message"]
        low = service("b", type="NodePort", port={"nodePort": 80})
        assert "is not in the valid range" in (await w.ask("POST", SERVICES, low)).body["message"]
        patch = {"spec": {"type": "ClusterIP"}}
        got = await w.ok("PATCH", f"{SERVICES}/a", patch, content_type=MERGE)
        assert "nodePort" not in got["spec"]["ports"][0]
        assert not (await w.server.store.range(Range(port_key(port)))).kvs
        await w.ok("POST", SERVICES, wanted)


@pytest.mark.anyio
async def test_two_masters_never_give_one_port_twice() -> None:
    async with world(node_port_range=(30000, 30001)) as w:
        # Another master has just reserved a port of which this one's cache knows nothing.
        other = Put(port_key(30000), Blob(b"/registry/core/services/default/other"))
        await w.server.store.txn(Txn((), (other,)))
        got = await w.ok("POST", SERVICES, service("a", type="NodePort"))
        assert got["spec"]["ports"][0]["nodePort"] == 30001


@pytest.mark.anyio
async def test_the_api_is_reachable_as_a_service() -> None:
    async with world(advertise_address="127.0.0.1", advertise_port=7000) as w:
        got = await w.ok("GET", f"{SERVICES}/kubernetes")
        assert got["spec"]["clusterIP"] == "127.96.0.1"
        path = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes"
        slice_ = await w.ok("GET", path)
        assert slice_["endpoints"][0]["addresses"] == ["127.0.0.1"]
        assert slice_["ports"][0]["port"] == 7000


@pytest.mark.anyio
async def test_the_api_service_follows_the_api_to_another_address() -> None:
    store = MemoryStore()
    async with world(store=store, advertise_address="127.0.0.1", advertise_port=7000):
        pass
    async with world(store=store, advertise_address="127.0.0.2", advertise_port=7001) as w:
        await anyio.sleep(1)
        path = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes"
        slice_ = await w.ok("GET", path)
        assert slice_["endpoints"][0]["addresses"] == ["127.0.0.2"]
        assert slice_["ports"][0]["port"] == 7001
        got = await w.ok("GET", f"{SERVICES}/kubernetes")
        assert got["spec"]["ports"][0]["targetPort"] == 7001
