"""A small controller, and a test that breaks the cluster under it.

The controller keeps a ConfigMap ``badge`` in every namespace labelled ``badge=yes``. The test kills
the store's leader, an apiserver and the network between the masters while namespaces come and go,
and then asks for one thing only: when the faults are over, the controller's promise holds.

    python -m pytest examples/chaos_test.py
"""

from typing import Any

import anyio
import pytest

from kube_actors import Cluster
from kube_actors.actor import ActorError
from kube_actors.api import StatusError
from kube_actors.client import Client, Informer, WorkQueue

Object = dict[str, Any]


async def reconcile(client: Client, namespace: str, wanted: bool) -> None:
    """Make one namespace as it should be; raises what the API says."""
    if not wanted:
        return
    badge = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "badge", "namespace": namespace},
        "data": {"namespace": namespace},
    }
    try:
        await client.create(badge)
    except StatusError as error:
        if error.reason != "AlreadyExists":
            raise


async def run_badges(client: Client) -> None:
    """Watch namespaces and keep their badges, for ever."""

    def wants_badge(namespace: Object) -> tuple[str, bool]:
        metadata = namespace["metadata"]
        return metadata["name"], (metadata.get("labels") or {}).get("badge") == "yes"

    queue = WorkQueue(client.actor.clock)
    namespaces = Informer(client, "namespaces", project=wants_badge)

    def changed(old: tuple[str, bool] | None, new: tuple[str, bool] | None) -> None:
        if new is not None:
            queue.add(new[0])

    namespaces.subscribe(changed)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(queue.run)
        tasks.start_soon(namespaces.run)
        while True:
            name = await queue.get()
            known = namespaces.get("", name)
            try:
                await reconcile(client, name, known is not None and known[1])
            except (StatusError, ActorError):
                queue.add_rate_limited(name)
            else:
                queue.forget(name)
            queue.done(name)


def namespace(name: str) -> Object:
    metadata = {"name": name, "labels": {"badge": "yes"}}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


async def create_until_known(client: Client, obj: Object) -> None:
    """Create through faults: an unknown outcome is asked again until the object is there."""
    while True:
        try:
            await client.create(obj)
        except StatusError as error:
            if error.reason == "AlreadyExists":
                return
        except ActorError:
            pass
        else:
            return
        await anyio.sleep(0.1)


async def badges(client: Client) -> set[str]:
    found = await client.list("configmaps", field_selector="metadata.name=badge")
    return {item["metadata"]["namespace"] for item in found["items"]}


@pytest.mark.anyio
async def test_every_namespace_has_its_badge_when_the_faults_are_over() -> None:
    async with (
        Cluster(masters=3, nodes=0, listen=None, seed=7) as cluster,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(run_badges, cluster.client)
        await create_until_known(cluster.client, namespace("calm"))
        cluster.chaos("kill", ["leader"])
        await create_until_known(cluster.client, namespace("leaderless"))
        cluster.chaos("heal", [])
        cluster.chaos("crash", ["apiserver/2"])
        cluster.chaos("partition", ["master/3"])
        await create_until_known(cluster.client, namespace("parted"))
        cluster.chaos("heal", [])
        await create_until_known(cluster.client, namespace("healed"))
        with anyio.fail_after(60):
            while await badges(cluster.client) != {"calm", "leaderless", "parted", "healed"}:
                await anyio.sleep(0.1)
        tasks.cancel_scope.cancel()
