from typing import Any

import anyio
import pytest

from kube_actors.client import Client, wait_for
from kube_actors.client.conditions import parse_condition, summary
from tests.client.fake_apiserver import World, open_world, pod

READY = {"type": "Ready", "status": "True"}


@pytest.mark.parametrize(
    ("condition", "obj", "holds"),
    [
        ("Ready", {"status": {"conditions": [READY]}}, True),
        ("ready", {"status": {"conditions": [READY]}}, True),
        ("condition=Ready", {"status": {"conditions": [READY]}}, True),
        ("Ready=False", {"status": {"conditions": [READY]}}, False),
        ("condition=Ready=true", {"status": {"conditions": [READY]}}, True),
        ("Ready", {}, False),
        ("Ready", None, False),
        (
            "Ready",
            {
                "metadata": {"generation": 2},
                "status": {"observedGeneration": 1, "conditions": [READY]},
            },
            False,
        ),
        ("create", {}, True),
        ("create", None, False),
        ("delete", None, True),
        ("delete", {}, False),
        ("jsonpath={.status.phase}=Running", {"status": {"phase": "Running"}}, True),
        ("jsonpath='{.status.phase}'=Running", {"status": {"phase": "Pending"}}, False),
        ("jsonpath={.status.ips[0].ip}", {"status": {"ips": [{"ip": "1"}]}}, True),
        ("jsonpath={.status.ips[0].ip}", {"status": {"ips": []}}, False),
        ("jsonpath={.spec.paused}=true", {"spec": {"paused": True}}, True),
    ],
)
def test_a_condition_reads_as_kubectl_reads_it(
    condition: str, obj: dict[str, Any] | None, holds: bool
) -> None:
    assert parse_condition(condition).holds(obj) is holds


def test_a_summary_says_what_is_in_the_way() -> None:
    assert summary(None) == "it is not there"
    conditions = [READY, {"type": "Available", "status": "False", "message": "0 of 2"}]
    assert summary({"status": {"phase": "Pending", "conditions": conditions}}) == (
        "phase Pending, Ready=True, Available=False (0 of 2)"
    )


def test_an_empty_condition_is_refused() -> None:
    with pytest.raises(ValueError, match="no condition"):
        parse_condition("")


async def _later(world: World) -> None:
    await anyio.sleep(3)
    world.change("pods", "default", "a", status={"phase": "Running", "conditions": [READY]})
    await anyio.sleep(3)
    world.remove("pods", "default", "a")


@pytest.mark.anyio
async def test_waiting_ends_when_the_object_is_as_wanted() -> None:
    async with open_world() as world, world.system.client("client/a") as actor:
        client = Client(actor, world.apiservers)
        world.add(pod("a"))
        began_s = anyio.current_time()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_later, world)
            there = await wait_for(client, "pod/a", "Ready")
            assert there is not None
            assert there["status"]["phase"] == "Running"
            assert anyio.current_time() - began_s == pytest.approx(3, abs=0.1)
            found = await client.wait_for("pods/a", lambda obj: "status" in obj)
            assert found is not None
            assert await wait_for(client, "pods/a", "delete") is None
            assert anyio.current_time() - began_s == pytest.approx(6, abs=0.1)
        assert await wait_for(client, "pods/nobody", "delete", timeout_s=1) is None


@pytest.mark.anyio
async def test_waiting_survives_the_death_of_api_servers() -> None:
    async with open_world() as world, world.system.client("client/a") as actor:
        client = Client(actor, world.apiservers)
        world.add(pod("a"))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_later, world)
            tasks.start_soon(_deaths, world)
            assert await wait_for(client, "pods/a", "delete", timeout_s=20) is None


async def _deaths(world: World) -> None:
    for number in (1, 2, 3):
        world.kill(number)
        await anyio.sleep(1)
    world.revive(2)


@pytest.mark.anyio
async def test_waiting_in_vain_says_how_things_stand() -> None:
    async with open_world() as world, world.system.client("client/a") as actor:
        client = Client(actor, world.apiservers)
        world.add({**pod("a"), "status": {"phase": "Pending"}})
        with pytest.raises(TimeoutError) as caught:
            await wait_for(client, "pods/a", "Ready", timeout_s=5)
        assert str(caught.value) == (
            "timed out after 5 s waiting for Ready on pods/a: phase Pending"
        )
        with pytest.raises(TimeoutError, match="it is not there"):
            await wait_for(client, "pods/b", "create", timeout_s=5)
        for number in (1, 2, 3):
            world.kill(number)
        with pytest.raises(TimeoutError, match="nobody answers at apiserver/"):
            await wait_for(client, "pods/a", "Ready", timeout_s=5)


@pytest.mark.anyio
@pytest.mark.parametrize("target", ["a", "pods/", ""])
async def test_a_target_that_names_nothing_is_refused(target: str) -> None:
    async with open_world() as world, world.system.client("client/a") as actor:
        with pytest.raises(ValueError, match="a target is kind/name"):
            await wait_for(Client(actor, world.apiservers), target, "Ready")
