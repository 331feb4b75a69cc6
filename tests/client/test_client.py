from pathlib import Path

import anyio
import pytest

from kube_actors.actor import ActorCrashed, ActorError, Address, Unreachable
from kube_actors.api import StatusError, UnknownKind, errors
from kube_actors.client import ApiRequest, Client
from kube_actors.client.apply import LAST_APPLIED
from kube_actors.client.servers import Servers
from tests.client.fake_apiserver import config_map, open_world, pod


@pytest.mark.anyio
async def test_an_object_is_created_read_changed_listed_and_deleted() -> None:
    async with open_world() as world, world.system.client("client/a") as actor:
        client = Client(actor, world.apiservers)
        made = await client.create(config_map("a", x="1"))
        assert made["metadata"]["uid"]
        assert (await client.get("cm", "a"))["data"] == {"x": "1"}
        made["data"] = {"x": "2"}
        changed = await client.update(made)
        with pytest.raises(StatusError) as caught:
            await client.update(made)
        assert caught.value.reason == "Conflict"
        merged = await client.patch("configmaps", "a", {"data": {"y": "3"}}, "default")
        assert merged["data"] == {"x": "2", "y": "3"}
        assert int(merged["metadata"]["resourceVersion"]) > int(
            changed["metadata"]["resourceVersion"]
        )
        listed = await client.list("ConfigMap", "default", field_selector="metadata.name=a")
        assert [each["metadata"]["name"] for each in listed["items"]] == ["a"]
        await client.delete("configmaps", "a", "default", uid=made["metadata"]["uid"])
        with pytest.raises(StatusError, match='configmaps "a" not found'):
            await client.get("configmaps", "a", "default")


@pytest.mark.anyio
async def test_requests_carry_the_user_and_what_kubernetes_expects() -> None:
    async with open_world() as world, world.system.client("client/a") as actor:
        world.add(pod("p"))
        client = Client(actor, world.apiservers, user="me", groups=["us"])
        await client.bind("default", "p", "node-1", uid="u")
        await client.delete("pods", "p", grace_period_s=0, propagation="Background")
        bind, delete = world.store.requests
        assert (bind.path, bind.user, bind.groups) == (
            "/api/v1/namespaces/default/pods/p/binding",
            "me",
            ("us",),
        )
        assert b'"gracePeriodSeconds":0,"propagationPolicy":"Background"' in delete.body


@pytest.mark.anyio
async def test_another_api_server_takes_over_when_one_is_gone() -> None:
    async with open_world() as world, world.system.client("client/a") as actor:
        client = Client(actor, world.apiservers)
        for number in (1, 2, 3):
            for other in {1, 2, 3} - {number}:
                world.kill(other)
            name = f"n{number}"
            await client.create(config_map(name))
            assert (await client.get("configmaps", name))["metadata"]["name"] == name
            for other in {1, 2, 3} - {number}:
                world.revive(other)
                await anyio.sleep(1)


@pytest.mark.anyio
async def test_without_any_api_server_the_client_gives_up_in_bounded_time() -> None:
    async with open_world() as world, world.system.client("client/a") as actor:
        client = Client(actor, world.apiservers)
        for number in (1, 2, 3):
            world.kill(number)
        began_s = anyio.current_time()
        with pytest.raises(Unreachable):
            await client.get("configmaps", "a")
        assert anyio.current_time() - began_s <= 6


@pytest.mark.anyio
async def test_a_write_whose_outcome_is_unknown_is_not_repeated() -> None:
    async with open_world() as world, world.system.client("client/a") as actor:
        client = Client(actor, world.apiservers)
        client.door.write_s = 5
        first = client.door.apiserver
        world.supervisor.pause(first)
        with pytest.raises(ActorError) as caught:
            await client.create(config_map("a"))
        assert not isinstance(caught.value, Unreachable)
        assert world.live("configmaps", "default", "a") is None
        # The next request goes elsewhere.
        assert client.door.apiserver != first
        await client.create(config_map("a"))


@pytest.mark.anyio
async def test_a_read_from_a_server_that_crashes_is_asked_of_another() -> None:
    async with open_world() as world, world.system.client("client/a") as actor:
        client = Client(actor, world.apiservers)
        world.add(config_map("a"))
        world.supervisor.pause(client.door.apiserver)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_kill_soon, world.supervisor.kill, client.door.apiserver)
            assert (await client.get("configmaps", "a"))["metadata"]["name"] == "a"


async def _kill_soon(kill: object, address: str) -> None:
    await anyio.sleep(1)
    assert callable(kill)
    kill(address)


@pytest.mark.anyio
async def test_a_503_is_asked_of_every_server_and_then_told() -> None:
    async with open_world() as world, world.system.client("client/a") as actor:
        client = Client(actor, world.apiservers)
        world.store.refuse = errors.service_unavailable("the cluster is read-only")
        with pytest.raises(StatusError, match="read-only") as caught:
            await client.create(config_map("a"))
        assert caught.value.code == 503
        assert [each.path for each in world.store.requests].count("/livez") == 2
        assert [each.method for each in world.store.requests].count("POST") == 3
        world.store.refuse = errors.service_unavailable("in a moment", retry_after_s=1)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_heal_after, world.store, 2.0)
            await client.create(config_map("a"))


async def _heal_after(store: object, delay_s: float) -> None:
    await anyio.sleep(delay_s)
    setattr(store, "refuse", None)  # noqa: B010


@pytest.mark.anyio
async def test_raw_gives_failures_as_responses() -> None:
    async with open_world() as world, world.system.client("client/a") as actor:
        client = Client(actor, world.apiservers)
        response = await client.raw(ApiRequest("GET", "/api/v1/namespaces/default/pods/x"))
        assert response.status == 404


@pytest.mark.anyio
async def test_a_kind_nobody_serves_is_unknown() -> None:
    async with open_world() as world, world.system.client("client/a") as actor:
        client = Client(actor, world.apiservers)
        with pytest.raises(UnknownKind):
            await client.get("gadgets", "x")


@pytest.mark.anyio
async def test_custom_kinds_are_found_by_asking_the_server() -> None:
    async with open_world() as world, world.system.client("client/a") as actor:
        client = Client(actor, world.apiservers)
        widget = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w"}}
        await client.apply({**widget, "spec": {"list": [1], "gone": 1}})
        made = (await client.apply({**widget, "spec": {"list": [2]}}))[0]
        assert made["spec"] == {"list": [2]}
        assert (await client.get("wd", "w"))["metadata"]["namespace"] == "default"


@pytest.mark.anyio
async def test_a_refused_write_stays_refused_when_the_others_are_silent() -> None:
    async with open_world() as world, world.system.client("client/a") as actor:
        client = Client(actor, world.apiservers)
        for address in world.apiservers:
            if address != client.door.apiserver:
                world.supervisor.pause(address)
        world.store.refuse = errors.service_unavailable("1 of 3 store members answers")
        began_s = anyio.current_time()
        with pytest.raises(StatusError, match="1 of 3"):
            await client.create(config_map("a"))
        assert anyio.current_time() - began_s < 3
        # They are known to be silent now: the next refusal is immediate.
        began_s = anyio.current_time()
        with pytest.raises(StatusError, match="1 of 3"):
            await client.create(config_map("a"))
        assert anyio.current_time() - began_s < 0.1


def test_a_server_in_doubt_is_passed_over_while_another_is_not() -> None:
    servers = Servers(world_addresses(), "client/a")
    first, second, third = servers.order(0.0)
    servers.avoid(first, 0.0, 30.0)
    assert servers.order(1.0) == [second, third]
    servers.avoid(second, 1.0, 30.0)
    servers.avoid(third, 1.0, 30.0)
    assert sorted(servers.order(2.0)) == sorted([first, second, third])
    assert servers.order(30.5) == [first]


def world_addresses() -> tuple[Address, ...]:
    return tuple(Address(f"apiserver/{number}") for number in (1, 2, 3))


def test_a_client_needs_an_api_server() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Servers((), "client/a")


_WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 2
  template:
    spec:
      containers:
      - {name: web, image: "nginx:1", env: [{name: A, value: "1"}, {name: B, value: "2"}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: page}
data: {a: "1"}
"""


@pytest.mark.anyio
async def test_apply_creates_then_changes_only_what_the_manifest_says(tmp_path: Path) -> None:
    async with open_world() as world, world.system.client("client/a") as actor:
        client = Client(actor, world.apiservers)
        deployment, _ = await client.apply(_WEB)
        assert deployment["metadata"]["namespace"] == "default"
        # Somebody else scales it and adds a sidecar.
        spec = {**deployment["spec"], "replicas": 5, "paused": True}
        template = spec["template"]["spec"]
        sidecar = {"name": "side", "image": "envoy"}
        containers = [*template["containers"], sidecar]
        spec["template"] = {"spec": {**template, "containers": containers}}
        world.change("deployments", "default", "web", spec=spec)
        changed = _WEB.replace("  replicas: 2\n", "").replace(', {name: B, value: "2"}', "")
        path = tmp_path / "web.yaml"
        path.write_text(changed.replace("nginx:1", "nginx:2"))
        deployment, _ = await client.apply(path)
        assert deployment["spec"]["paused"] is True
        assert "replicas" not in deployment["spec"]
        web, side = deployment["spec"]["template"]["spec"]["containers"]
        assert web["image"] == "nginx:2"
        assert web["env"] == [{"name": "A", "value": "1"}]
        assert side == sidecar
        before = deployment["metadata"]["resourceVersion"]
        await client.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "page"}})
        page = await client.get("configmaps", "page")
        assert not page.get("data")
        again = (await client.apply(str(path)))[1]
        assert again["data"] == {"a": "1"}
        assert int(before) < int(again["metadata"]["resourceVersion"])


@pytest.mark.anyio
async def test_a_second_apply_of_the_same_manifest_sends_nothing() -> None:
    async with open_world() as world, world.system.client("client/a") as actor:
        client = Client(actor, world.apiservers)
        await client.apply(_WEB)
        world.store.requests.clear()
        await client.apply(_WEB)
        assert [each.method for each in world.store.requests] == ["GET", "GET"]
        page = await client.get("configmaps", "page")
        assert page["metadata"]["annotations"][LAST_APPLIED] == (
            '{"apiVersion":"v1","data":{"a":"1"},"kind":"ConfigMap","metadata":'
            '{"annotations":{},"name":"page","namespace":"default"}}\n'
        )


@pytest.mark.anyio
async def test_a_watch_gives_what_is_there_and_then_what_changes() -> None:
    async with open_world() as world, world.system.client("client/a") as actor:
        client = Client(actor, world.apiservers)
        world.add(config_map("a"))
        async with client.watch("configmaps", "default", initial_events=True) as events:
            kinds = [(await anext(events)).type for _ in range(2)]
            assert kinds == ["ADDED", "BOOKMARK"]
            world.change("configmaps", "default", "a", data={"x": "1"})
            world.remove("configmaps", "default", "a")
            assert [(await anext(events)).type for _ in range(2)] == ["MODIFIED", "DELETED"]


@pytest.mark.anyio
async def test_a_watch_from_a_forgotten_revision_is_refused_with_410() -> None:
    async with open_world() as world, world.system.client("client/a") as actor:
        client = Client(actor, world.apiservers)
        world.add(config_map("a"))
        world.store.compact()
        with pytest.raises(StatusError) as caught:
            async with client.watch("configmaps", resource_version="5") as events:
                await anext(events)
        assert caught.value.code == 410


@pytest.mark.anyio
async def test_a_watch_breaks_when_its_server_dies() -> None:
    async with open_world() as world, world.system.client("client/a") as actor:
        client = Client(actor, world.apiservers)
        async with client.watch("configmaps", initial_events=True) as events:
            assert (await anext(events)).type == "BOOKMARK"
            world.supervisor.kill(events.apiserver)
            with pytest.raises(ActorCrashed):
                await anext(events)
