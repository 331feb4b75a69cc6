"""The client's parts against real API servers on a real store, on virtual time."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import anyio
import attrs
import pytest

from kube_actors.actor import ActorSystem, Address, Child, Supervisor
from kube_actors.api import StatusError
from kube_actors.apiserver import ApiServerConfig, run_apiserver
from kube_actors.client import Client, EventRecorder, Informer, LeaderElector, Record, wait_for
from kube_actors.store import MemberConfig, MemoryDisk, run_member

APISERVERS = ("apiserver/1", "apiserver/2", "apiserver/3")
STORES = tuple(Address(f"store/{number}") for number in (1, 2, 3))


@attrs.frozen
class Masters:
    system: ActorSystem
    supervisor: Supervisor
    network: Any


@asynccontextmanager
async def masters() -> AsyncIterator[Masters]:
    async with ActorSystem(seed=3) as system, Supervisor(system, name="masters") as supervisor:
        for number, address in enumerate(STORES, 1):
            config = MemberConfig(member=number, members=3)
            run = partial(run_member, config=config, disk=MemoryDisk())
            supervisor.start(Child(address, run))
        for number, address in enumerate(APISERVERS):
            stores = STORES[number:] + STORES[:number]
            api = partial(run_apiserver, config=ApiServerConfig(stores=stores))
            supervisor.start(Child(Address(address), api))
        async with system.client("client/boot") as actor:
            client = Client(actor, APISERVERS)
            await wait_for(client, "namespace/kube-system", "create", timeout_s=30)
            await wait_for(client, "namespace/default", "create", timeout_s=30)
        yield Masters(system, supervisor, system.network)


WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: "web:1"}]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
"""


@pytest.mark.anyio
async def test_a_manifest_is_applied_changed_and_applied_again() -> None:
    async with masters() as world, world.system.client("client/a") as actor:
        client = Client(actor, APISERVERS)
        first = await client.apply(WEB)
        again = await client.apply(WEB)
        versions = [
            [each["metadata"]["resourceVersion"] for each in objs] for objs in (first, again)
        ]
        assert versions[0] == versions[1]
        await client.scale("deployments", "web", 5)
        deployment, _ = await client.apply(
            WEB.replace("  replicas: 2\n", "").replace("web:1", "web:2")
        )
        assert deployment["spec"]["replicas"] == 1
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        assert container["image"] == "web:2"
        with pytest.raises(StatusError, match="must be greater than or equal to 0") as caught:
            await client.apply(WEB.replace("replicas: 2", "replicas: -2"))
        assert caught.value.code == 422


@pytest.mark.anyio
async def test_an_informer_follows_through_the_deaths_of_api_servers() -> None:
    async with masters() as world, world.system.client("client/a") as actor:
        client = Client(actor, APISERVERS)
        informer: Informer[Record] = Informer(client, "configmaps", namespace="default")
        names: list[str] = []
        informer.subscribe(lambda old, new: names.append(new.name) if new and not old else None)
        actor.spawn(informer.run)
        await informer.wait_synced()
        for number in range(6):
            victim = APISERVERS[number % 3]
            world.supervisor.kill(victim)
            meta = {"name": f"m{number}"}
            await client.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta})
            with anyio.fail_after(5):
                while informer.get("default", f"m{number}") is None:  # noqa: ASYNC110
                    await anyio.sleep(0.05)
            world.supervisor.revive(victim)
            await anyio.sleep(1)
        assert [each for each in names if each.startswith("m")] == [f"m{n}" for n in range(6)]


@pytest.mark.anyio
async def test_a_minority_reads_refuses_writes_and_heals() -> None:
    async with masters() as world, world.system.client("client/a") as actor:
        client = Client(actor, APISERVERS)
        made = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}
        await client.create(made)
        world.network.isolate(("store/1", "apiserver/1"))
        world.network.isolate(("store/2", "apiserver/2"))
        await anyio.sleep(15)
        assert (await client.get("configmaps", "a"))["metadata"]["name"] == "a"
        with pytest.raises(StatusError) as caught:
            await client.patch("configmaps", "a", {"data": {"x": "1"}})
        assert caught.value.code == 503
        world.network.heal()
        await anyio.sleep(15)
        assert (await client.patch("configmaps", "a", {"data": {"x": "1"}}))["data"] == {"x": "1"}


@pytest.mark.anyio
async def test_leadership_and_events_work_on_the_real_thing() -> None:
    async with masters() as world, world.system.client("client/a") as actor:
        client = Client(actor, APISERVERS)
        recorder = EventRecorder(client, "tester", actor.clock)
        actor.spawn(recorder.run)
        about = {"apiVersion": "v1", "kind": "Pod", "namespace": "default", "name": "p", "uid": "u"}
        terms: list[str] = []

        async def stand(name: str) -> None:
            elector = LeaderElector(client, "kube-system", "lead", name, actor.clock)

            async def lead() -> None:
                terms.append(name)
                recorder.record(about, "Normal", "Leading", "somebody leads")
                await anyio.sleep(20)

            await elector.run(lead)

        async with anyio.create_task_group() as tasks:
            for name in ("a", "b", "c"):
                tasks.start_soon(stand, name)
        assert sorted(terms) == ["a", "b", "c"]
        listed = await client.list("events", "default", field_selector="involvedObject.name=p")
        (event,) = listed["items"]
        assert event["count"] == 3
        lease = await client.get("leases", "lead", "kube-system")
        assert lease["spec"]["leaseTransitions"] == 2
