"""What becomes of a cluster when a master's disk fails."""

import copy
import os
from pathlib import Path

import anyio
import pytest

from kube_actors import Cluster
from kube_actors.actor import Clock
from kube_actors.cluster import Timings
from kube_actors.cluster.disks import StoreDisks
from kube_actors.raft import HardState
from kube_actors.store import DiskFailed, MemoryDisk

from .test_faults import state, works

pytestmark = pytest.mark.anyio


def cluster_on(disks: dict[int, MemoryDisk], *, nodes: int) -> Cluster:
    return Cluster(
        3,
        nodes,
        runtime="simulated",
        listen=None,
        seed=3,
        clock=Clock(1_767_225_600.0),
        timings=Timings.quick(),
        disk=disks.__getitem__,
    )


async def test_the_cluster_outlives_the_disk_of_its_leader() -> None:
    disks = {number: MemoryDisk() for number in (1, 2, 3)}
    cluster = cluster_on(disks, nodes=1)
    async with cluster:
        await works(cluster, "before")
        leader = cluster.health.leader
        assert leader
        disks[leader].fail_syncs()
        await works(cluster, "after")
        told = (await cluster.status())["masters"][f"master/{leader}"]["trouble"]
        assert told.startswith(f"store/{leader}: ")
        await anyio.sleep(15)
        await works(cluster, "much-later")
        assert await state(cluster, f"apiserver/{leader}") == "RUNNING"
        disks[leader].repair()
        await anyio.sleep(10)
        assert await state(cluster, f"store/{leader}") == "RUNNING"


async def test_a_directory_whose_sync_failed_is_not_opened_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: int) -> None:
        raise OSError(5, "Input/output error")

    disks = StoreDisks(tmp_path)
    disk = disks.open(1)
    await disk.open()
    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", fail)
        with pytest.raises(DiskFailed):
            await disk.save(HardState(1, 1, 0), ())
    await disk.close()
    with pytest.raises(DiskFailed, match="Input/output"):
        await disks.open(1).open()


async def test_a_directory_of_yesterday_is_refused_once_and_named(
    caplog: pytest.LogCaptureFixture,
) -> None:
    disks = {number: MemoryDisk() for number in (1, 2, 3)}
    cluster = cluster_on(disks, nodes=0)
    async with cluster:
        await works(cluster, "before")
        place = next(number for number in disks if number != cluster.health.leader)
        cluster.faults.kill(f"store/{place}")
        await anyio.sleep(1)
        yesterday = copy.deepcopy(disks[place])
        cluster.faults.revive(f"store/{place}")
        await works(cluster, "after")
        await anyio.sleep(5)
        cluster.faults.kill(f"store/{place}")
        disks[place] = yesterday
        cluster.faults.revive(f"store/{place}")
        await anyio.sleep(30)
        await works(cluster, "much-later")
        (trouble,) = cluster.troubles
        assert trouble.startswith(f"store/{place}: the leader committed ")
        assert "older copy" in trouble
        said = [each for each in caplog.messages if f"store/{place}" in each]
        assert said == [f"{trouble}; this member stays down"]
