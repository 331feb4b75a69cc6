"""The store of a cluster looked after: rebuilt, saved, restored, and what people are told."""

import anyio
import pytest

from kube_actors import Cluster
from kube_actors.actor import Clock, Unreachable
from kube_actors.cluster import Timings
from kube_actors.cluster.store_administration import StoreAdministration
from kube_actors.store import MemoryDisk, NoQuorum, decode_saved, disks_from_snapshot

from .test_faults import works

pytestmark = pytest.mark.anyio


def simulated(disks: dict[int, MemoryDisk] | None = None) -> Cluster:
    return Cluster(
        3,
        1,
        runtime="simulated",
        listen=None,
        seed=3,
        clock=Clock(1_767_225_600.0),
        timings=Timings.quick(),
        disk=disks.__getitem__ if disks else None,
    )


async def voters(administration: StoreAdministration) -> dict[int, str]:
    answer = await administration.answer("members", {})
    assert isinstance(answer, dict)
    return {one["id"]: one["address"] for one in answer["members"] if not one["learner"]}


async def test_a_member_is_rebuilt_while_the_cluster_works() -> None:
    async with simulated() as cluster:
        administration = StoreAdministration(cluster.actor, 3, cluster.rebuild_store)
        await works(cluster, "before")
        leader = cluster.health.leader
        assert await administration.answer("rebuild", {"master": leader}) == {
            "master": leader,
            "member": leader,
        }
        with anyio.fail_after(30):
            while 4 not in await voters(administration):  # noqa: ASYNC110
                await anyio.sleep(0.2)
        assert (await voters(administration))[4] == f"store/{leader}"
        await works(cluster, "after")
        answer = await administration.answer("move-leader", {"member": 4})
        assert isinstance(answer, dict)
        assert answer["leader"] == 4
        await anyio.sleep(1)
        assert cluster.health.leader == leader, "the master is meant, not the member's number"
        cluster.chaos("kill", ["leader"])
        await works(cluster, "later")
        cluster.chaos("heal", [])
        await anyio.sleep(5)
        other = next(n for n in (1, 2, 3) if n != leader)
        cluster.chaos("kill", [f"store/{other}"])
        with pytest.raises(ValueError, match="1 of the other 2 stores answer and 2 are needed"):
            await administration.answer("rebuild", {"master": leader})
        cluster.chaos("heal", [])
        with pytest.raises(ValueError, match="no master 9"):
            await administration.answer("rebuild", {"master": 9})
        with pytest.raises(ValueError, match="member: it is missing"):
            await administration.answer("move-leader", {})
        with pytest.raises(ValueError, match="use one of members"):
            await administration.answer("unheard", {})


async def test_a_cluster_goes_on_from_the_saved_store_of_another() -> None:
    data = b""
    async with simulated() as cluster:
        await works(cluster, "kept")
        answer = await StoreAdministration(cluster.actor, 3, cluster.rebuild_store).answer(
            "snapshot", {}
        )
        assert not isinstance(answer, dict)
        async for part in answer:
            data += part
        names = await config_maps(cluster)
        assert len(names) > 3
    assert decode_saved(data).keys > 10
    async with simulated(disks_from_snapshot(data)) as cluster:
        assert await config_maps(cluster) == names
        await works(cluster, "new")


async def config_maps(cluster: Cluster) -> dict[str, str]:
    """Return every ConfigMap's uid by its name."""
    listed = await cluster.client.list("configmaps")
    found = {item["metadata"]["name"]: item["metadata"]["uid"] for item in listed["items"]}
    everywhere = await cluster.client.list("namespaces")
    return {**found, **{n["metadata"]["name"]: n["metadata"]["uid"] for n in everywhere["items"]}}


async def test_what_cannot_be_done_now_is_said_in_words() -> None:
    async with simulated() as cluster:
        administration = StoreAdministration(cluster.actor, 3, cluster.rebuild_store)
        await works(cluster, "before")
        with pytest.raises(ValueError, match="the group has no member 7"):
            await administration.answer("move-leader", {"member": 7})
        leader = cluster.health.leader
        cluster.chaos("kill", [f"store/{leader}"])
        saved = await administration.answer("snapshot", {})
        assert not isinstance(saved, dict)
        assert decode_saved(b"".join([part async for part in saved])).keys > 0
        cluster.chaos("kill", [f"store/{leader % 3 + 1}"])
        with pytest.raises(NoQuorum, match="the store is read-only: 1 of 3 members answer"):
            await administration.answer("members", {})
        cluster.chaos("kill", [f"store/{(leader + 1) % 3 + 1}"])
        with pytest.raises(Unreachable, match="nobody answers at store/"):
            await administration.answer("defrag", {})
