"""Two operators, and a world that finds out which of them forgets.

Both copy the label ``team`` of every namespace into a ConfigMap ``team`` there. One acts on what it
sees happen; the other looks at what is there first. Apart from that they are alike, and as long as
nothing fails they do the same. The fixture ``world`` runs each in simulated clusters that fail, and
kills it now and then.

    python -m pytest examples/operator_test.py
"""

import json
from typing import Any

import anyio
import pytest

from kube_actors.actor import ActorError
from kube_actors.api import StatusError
from kube_actors.client import Client
from kube_actors.testing import World, WorldBroken

TEAMS = 8


async def reconcile(client: Client, namespace: str) -> None:
    found = await client.get("namespaces", namespace)
    team = (found["metadata"].get("labels") or {}).get("team")
    if team is None or found["metadata"].get("deletionTimestamp"):
        return
    meta = {"name": "team", "namespace": namespace}
    data = {"team": team}
    await client.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data})


async def forgetful(client: Client) -> None:
    """Act on every event from now on: what happened while it was away is never seen."""
    async with client.watch("namespaces", resource_version="0") as events:
        first = await client.list("namespaces")
        seen = int(first["metadata"]["resourceVersion"])
        async for event in events:
            if event.type in ("ADDED", "MODIFIED") and event.resource_version > seen:
                await reconcile(client, name_of(event.object))


async def careful(client: Client) -> None:
    """Look at what is there, then act on what happens after that."""
    listed = await client.list("namespaces")
    for namespace in listed["items"]:
        await reconcile(client, namespace["metadata"]["name"])
    version = listed["metadata"]["resourceVersion"]
    async with client.watch("namespaces", resource_version=version) as events:
        async for event in events:
            if event.type in ("ADDED", "MODIFIED"):
                await reconcile(client, name_of(event.object))


def name_of(obj: bytes) -> str:
    return str(json.loads(bytes(obj))["metadata"]["name"])


async def found_teams(client: Client) -> None:
    """The people who use the cluster: they make namespaces."""
    for number in range(TEAMS):
        name = f"space-{number}"
        labels = {"team": f"team-{number}"}
        obj: dict[str, Any] = {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": name, "labels": labels},
        }
        while not await applied(client, obj):
            await anyio.sleep(0.5)
        await anyio.sleep(1)
    await anyio.sleep_forever()


async def applied(client: Client, obj: dict[str, Any]) -> bool:
    try:
        await client.apply(obj)
    except (StatusError, ActorError):
        return False
    return True


async def every_team_is_known(client: Client) -> None:
    for number in range(TEAMS):
        try:
            found = await client.get("configmaps", "team", f"space-{number}")
        except StatusError as error:
            raise AssertionError(f"space-{number} has no ConfigMap: {error}") from None
        assert found["data"] == {"team": f"team-{number}"}


@pytest.mark.world(seeds=3)
def test_the_careful_operator_survives(world: World) -> None:
    world.run(careful, found_teams, expect=every_team_is_known)


@pytest.mark.world(seeds=3, settle_seconds=15)
def test_the_forgetful_operator_is_found_out(world: World) -> None:
    with pytest.raises(WorldBroken, match="has no ConfigMap") as broken:
        world.run(forgetful, found_teams, expect=every_team_is_known)
    assert "--world-seed" in str(broken.value)
