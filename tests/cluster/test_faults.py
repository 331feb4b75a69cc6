"""Every verb of faults, on a cluster in virtual time."""

import anyio
import click
import pytest

from kube_actors import Cluster
from kube_actors.actor import ActorError, Clock
from kube_actors.api import StatusError
from kube_actors.cli.command import chaos
from kube_actors.cluster import Timings, UnknownTarget
from kube_actors.cluster.faults import VERBS

pytestmark = pytest.mark.anyio


def simulated(nodes: int = 1) -> Cluster:
    return Cluster(
        3,
        nodes,
        runtime="simulated",
        listen=None,
        seed=3,
        clock=Clock(1_767_225_600.0),
        timings=Timings.quick(),
    )


async def works(cluster: Cluster, name: str, timeout_s: float = 30) -> None:
    """Wait until a write is acknowledged."""
    body = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "default"},
    }
    with anyio.fail_after(timeout_s):
        while True:
            try:
                await cluster.client.create(body)
            except StatusError as error:
                if error.reason == "AlreadyExists":
                    return
            except ActorError:
                pass
            else:
                return
            await anyio.sleep(0.1)


async def state(cluster: Cluster, address: str) -> str:
    for machine in cluster.faults.machines.values():
        if machine.supervisor is not None:
            for child in machine.supervisor.statistics().children:
                if child.address == address:
                    return str(child.state.name)
    return "absent"


async def test_a_killed_part_stays_down_until_it_is_revived() -> None:
    async with simulated() as cluster:
        cluster.faults.kill("store/1")
        await works(cluster, "a")
        await anyio.sleep(60)
        assert await state(cluster, "store/1") == "KILLED"
        cluster.faults.revive("store/1")
        await anyio.sleep(5)
        assert await state(cluster, "store/1") == "RUNNING"
        await cluster.health.refresh()
        revisions = [s.revision for s in cluster.health.members.values() if s is not None]
        assert len(revisions) == 3
        assert max(revisions) - min(revisions) < 3


async def test_a_killed_machine_takes_its_parts_with_it_and_brings_them_back() -> None:
    async with simulated() as cluster:
        parts = cluster.faults.machines["master/2"].addresses()
        assert parts == ("store/2", "apiserver/2", "controllers/2", "scheduler/2")
        cluster.faults.kill("master/2")
        await anyio.sleep(1)
        assert cluster.faults.machines["master/2"].addresses() == ()
        assert cluster.app.masters() == [n for n in cluster.app.masters() if n != 2]
        with pytest.raises(UnknownTarget):
            cluster.faults.kill("store/2")
        await works(cluster, "a")
        cluster.faults.revive("master/2")
        await anyio.sleep(5)
        assert cluster.faults.machines["master/2"].addresses() == parts
        assert sorted(cluster.app.masters()) == [1, 2, 3]


async def test_a_crashed_part_is_started_again_by_its_supervisor() -> None:
    async with simulated() as cluster:
        for address in ("store/1", "apiserver/1", "scheduler/1", "controllers/1", "proxy/node-1"):
            cluster.faults.crash(address)
        await anyio.sleep(10)
        for address in ("store/1", "apiserver/1", "scheduler/1", "controllers/1", "proxy/node-1"):
            assert await state(cluster, address) == "RUNNING"
        await works(cluster, "a")


async def test_a_paused_leader_is_replaced_and_may_come_back() -> None:
    async with simulated() as cluster:
        leader = cluster.health.leader
        cluster.faults.pause(f"store/{leader}")
        assert await state(cluster, f"store/{leader}") == "PAUSED"
        await works(cluster, "a")
        await anyio.sleep(2)
        assert cluster.health.leader not in (0, leader)
        cluster.faults.resume(f"store/{leader}")
        await anyio.sleep(3)
        assert await state(cluster, f"store/{leader}") == "RUNNING"
        assert all(s is not None for s in cluster.health.members.values())


@pytest.mark.parametrize("verb", ["pause", "partition"])
async def test_the_door_passes_over_an_apiserver_that_does_not_answer(verb: str) -> None:
    async with simulated() as cluster:
        leader = cluster.health.leader
        assert cluster.app.masters()[0] == leader
        getattr(cluster.faults, verb)(f"apiserver/{leader}")
        await anyio.sleep(2)
        assert cluster.app.masters()[-1] == leader
        assert cluster.health.leader == leader
        cluster.faults.heal()
        await anyio.sleep(2)
        assert cluster.app.masters()[0] == leader


async def test_a_paused_machine_holds_all_its_parts() -> None:
    async with simulated() as cluster:
        cluster.faults.pause("node/node-1")
        states = {a: await state(cluster, a) for a in ("kubelet/node-1", "proxy/node-1")}
        assert states == {"kubelet/node-1": "PAUSED", "proxy/node-1": "PAUSED"}
        await cluster.wait_for("node/node-1", "Ready=Unknown", timeout_s=30)
        cluster.faults.resume("node/node-1")
        await cluster.wait_for("node/node-1", "Ready", timeout_s=30)


async def test_a_lone_target_is_cut_from_all_the_rest() -> None:
    async with simulated() as cluster:
        leader = cluster.health.leader
        cluster.faults.partition(f"master/{leader}")
        await works(cluster, "a")
        await anyio.sleep(2)
        assert cluster.health.leader not in (0, leader)


async def test_two_groups_are_cut_from_each_other_only() -> None:
    async with simulated() as cluster:
        cluster.faults.partition("kubelet/node-1", ["master/1", "master/2"])
        await anyio.sleep(20)
        await cluster.wait_for("node/node-1", "Ready", timeout_s=10)
        cluster.faults.partition("kubelet/node-1", "master/3")
        await cluster.wait_for("node/node-1", "Ready=Unknown", timeout_s=30)
        cluster.faults.heal()
        await cluster.wait_for("node/node-1", "Ready", timeout_s=30)


async def test_heal_mends_everything_at_once() -> None:
    async with simulated() as cluster:
        cluster.faults.kill("scheduler/3")
        cluster.faults.kill("master/1")
        cluster.faults.pause("kubelet/node-1")
        cluster.faults.partition("master/2", "master/3")
        await anyio.sleep(10)
        cluster.faults.heal()
        await works(cluster, "a")
        await cluster.wait_for("node/node-1", "Ready", timeout_s=30)
        await anyio.sleep(5)
        for machine in cluster.faults.machines.values():
            for address in machine.addresses():
                assert await state(cluster, address) == "RUNNING"
        assert len(cluster.faults.machines["master/1"].addresses()) == 4


async def test_every_verb_refuses_what_it_does_not_know() -> None:
    async with simulated() as cluster:
        for verb in VERBS:
            if verb == "heal":
                continue
            with pytest.raises(UnknownTarget, match="nothing here is called 'nobody'"):
                cluster.chaos(verb, ["nobody"])
            with pytest.raises(ValueError, match="use kill"):
                cluster.chaos(verb, [])
        with pytest.raises(ValueError, match="use kill"):
            cluster.chaos("explode", ["store/1"])
        assert "store/1" in cluster.faults.targets()
        assert "node/node-1" in cluster.faults.targets()
        done = cluster.chaos("kill", ["leader"])
        assert done["targets"][0].startswith("store/")


async def test_the_command_line_offers_every_verb() -> None:
    verbs = next(parameter for parameter in chaos.params if parameter.name == "verb")
    assert isinstance(verbs.type, click.Choice)
    assert tuple(verbs.type.choices) == VERBS
