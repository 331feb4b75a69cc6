from collections.abc import Iterable
from typing import Any

import anyio
import pytest
from attrs import frozen

from kube_actors.api import Object, errors
from kube_actors.client import Client, Informer, Record
from tests.client.fake_apiserver import World, config_map, open_world, pod


@frozen
class Place:
    name: str
    node: str


def project(obj: Object) -> Place:
    return Place(obj["metadata"]["name"], obj["spec"].get("nodeName", ""))


def by_node(place: Place) -> Iterable[str]:
    return [place.node] if place.node else []


async def settle() -> None:
    await anyio.sleep(0.5)


@pytest.mark.anyio
async def test_the_view_has_what_is_there_and_follows_every_change() -> None:
    async with open_world() as world, world.system.client("client/a") as actor:
        world.add(pod("a", "n1"))
        informer = Informer(
            Client(actor, world.apiservers), "pods", project=project, indexes={"node": by_node}
        )
        seen: list[tuple[Any, Any]] = []
        informer.subscribe(lambda old, new: seen.append((old, new)))
        actor.spawn(informer.run)
        await informer.wait_synced()
        assert informer.values() == [Place("a", "n1")]
        world.add(pod("b", "n1"))
        world.change("pods", "default", "a", spec={"nodeName": "n2"})
        world.remove("pods", "default", "b")
        await settle()
        assert informer.get("default", "a") == Place("a", "n2")
        assert informer.get("default", "b") is None
        assert informer.indexed("node", "n2") == [Place("a", "n2")]
        assert informer.indexed("node", "n1") == []
        assert seen == [
            (None, Place("a", "n1")),
            (None, Place("b", "n1")),
            (Place("a", "n1"), Place("a", "n2")),
            (Place("b", "n1"), None),
        ]


@pytest.mark.anyio
async def test_without_a_projection_it_keeps_bytes_and_decodes_on_demand() -> None:
    async with open_world() as world, world.system.client("client/a") as actor:
        world.add(config_map("a", x="1"))
        informer: Informer[Record] = Informer(Client(actor, world.apiservers), "configmaps")
        actor.spawn(informer.run)
        await informer.wait_synced()
        record = informer.get("default", "a")
        assert record is not None
        assert record.object()["data"] == {"x": "1"}
        assert record.resource_version == 11
        assert isinstance(record.blob, bytes)


@pytest.mark.anyio
async def test_a_late_subscriber_hears_of_what_is_there() -> None:
    async with open_world() as world, world.system.client("client/a") as actor:
        world.add(pod("a"))
        informer = Informer(Client(actor, world.apiservers), "pods", project=project)
        actor.spawn(informer.run)
        await informer.wait_synced()
        seen: list[Any] = []
        informer.subscribe(lambda old, new: seen.append((old, new)))
        assert seen == [(None, Place("a", ""))]


@pytest.mark.anyio
async def test_selectors_make_objects_come_and_go() -> None:
    async with open_world() as world, world.system.client("client/a") as actor:
        world.add(pod("a", "n1"))
        world.add(pod("b", "n2"))
        client = Client(actor, world.apiservers)
        informer = Informer(client, "pods", project=project, field_selector="spec.nodeName=n1")
        actor.spawn(informer.run)
        await informer.wait_synced()
        assert [each.name for each in informer.values()] == ["a"]
        world.change("pods", "default", "b", spec={"nodeName": "n1"})
        world.change("pods", "default", "a", spec={"nodeName": "n3"})
        await settle()
        assert [each.name for each in informer.values()] == ["b"]


async def _informed(world: World, actor: Any) -> tuple[Informer[Place], list[Any]]:
    informer = Informer(Client(actor, world.apiservers), "pods", project=project)
    seen: list[Any] = []
    informer.subscribe(lambda old, new: seen.append((old, new)))
    actor.spawn(informer.run)
    await informer.wait_synced()
    return informer, seen


@pytest.mark.anyio
async def test_the_death_of_api_servers_loses_and_repeats_nothing() -> None:
    async with open_world() as world, world.system.client("client/a") as actor:
        world.add(pod("p0"))
        informer, seen = await _informed(world, actor)
        for number in range(1, 10):
            victim = number % 3 + 1
            world.kill(victim)
            world.add(pod(f"p{number}"))
            await anyio.sleep(3)
            assert informer.get("default", f"p{number}") is not None
            world.revive(victim)
            await anyio.sleep(1)
        assert [new.name for _, new in seen] == [f"p{number}" for number in range(10)]
        assert informer.statistics().relists == 1


@pytest.mark.anyio
async def test_with_no_api_server_it_waits_and_then_catches_up() -> None:
    async with open_world() as world, world.system.client("client/a") as actor:
        informer, seen = await _informed(world, actor)
        for number in (1, 2, 3):
            world.kill(number)
        world.add(pod("late"))
        await anyio.sleep(60)
        assert seen == []
        world.revive(2)
        await anyio.sleep(10)
        assert informer.get("default", "late") is not None


@pytest.mark.anyio
async def test_a_forgotten_revision_makes_it_take_stock_and_tell_the_difference() -> None:
    async with open_world() as world, world.system.client("client/a") as actor:
        for name in ("kept", "changed", "gone"):
            world.add(pod(name))
        informer, seen = await _informed(world, actor)
        seen.clear()
        for number in (1, 2, 3):
            world.kill(number)
        world.change("pods", "default", "changed", spec={"nodeName": "n"})
        world.remove("pods", "default", "gone")
        world.add(pod("new"))
        world.store.compact()
        for number in (1, 2, 3):
            world.revive(number)
        await anyio.sleep(20)
        assert informer.statistics().relists == 2
        assert sorted(each.name for each in informer.values()) == ["changed", "kept", "new"]
        assert seen == [
            (Place("changed", ""), Place("changed", "n")),
            (None, Place("new", "")),
            (Place("gone", ""), None),
        ]


@pytest.mark.anyio
async def test_an_error_event_of_410_makes_it_take_stock() -> None:
    async with open_world() as world, world.system.client("client/a") as actor:
        informer, _ = await _informed(world, actor)
        world.add(pod("a"))
        await settle()
        world.store.revision += 5
        world.store.compact()
        await anyio.sleep(5)
        world.add(pod("b"))
        await settle()
        assert sorted(each.name for each in informer.values()) == ["a", "b"]
        assert informer.statistics().relists == 2


@pytest.mark.anyio
async def test_a_watch_that_ends_by_itself_goes_on_where_it_was() -> None:
    async with open_world() as world, world.system.client("client/a") as actor:
        world.store.watch_max_s = 5
        informer, seen = await _informed(world, actor)
        for number in range(5):
            world.add(pod(f"p{number}"))
            await anyio.sleep(7)
        assert [new.name for _, new in seen] == [f"p{number}" for number in range(5)]
        assert informer.statistics().relists == 1
        assert informer.statistics().watches > 4


@pytest.mark.anyio
async def test_refusals_are_tried_again_ever_more_slowly() -> None:
    async with open_world() as world, world.system.client("client/a") as actor:
        world.store.refuse_watch = errors.forbidden(None, "", "not yet")
        informer = Informer(Client(actor, world.apiservers), "pods", project=project)
        actor.spawn(informer.run)
        await anyio.sleep(60)
        assert not informer.synced
        assert len(world.store.requests) < 60
        world.store.refuse_watch = None
        await anyio.sleep(10)
        assert informer.synced


@pytest.mark.anyio
async def test_a_server_that_falls_silent_is_left_for_another() -> None:
    async with open_world() as world, world.system.client("client/a") as actor:
        informer, _ = await _informed(world, actor)
        world.store.silent = True
        world.add(pod("a"))
        await anyio.sleep(200)
        world.store.silent = False
        await anyio.sleep(200)
        assert informer.get("default", "a") is not None


@pytest.mark.anyio
async def test_a_partition_is_survived() -> None:
    async with open_world() as world, world.system.client("client/a") as actor:
        informer, _ = await _informed(world, actor)
        network: Any = world.system.network
        for address in world.apiservers:
            network.partition(("client/a",), (address,))
        world.add(pod("a"))
        await anyio.sleep(30)
        assert informer.get("default", "a") is None
        network.heal()
        await anyio.sleep(30)
        assert informer.get("default", "a") is not None
