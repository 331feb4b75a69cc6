"""A cluster's content, taken along into another cluster."""

from pathlib import Path
from typing import Any

import anyio
import pytest

from kube_actors import Cluster, InvalidConfig
from kube_actors.store import CorruptLog

pytestmark = pytest.mark.anyio


def configmap(number: int) -> dict[str, Any]:
    meta = {"name": f"c-{number}", "namespace": "default"}
    data = {"n": str(number)}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}


def simulated(**options: Any) -> Cluster:
    return Cluster(3, 1, runtime="simulated", listen=None, seed=1, **options)


async def test_a_new_cluster_goes_on_where_the_snapshot_was_taken() -> None:
    async with simulated() as cluster:
        for number in range(20):
            await cluster.client.create(configmap(number))
        made = await cluster.client.get("configmaps", "c-7", "default")
        data = await cluster.snapshot()
        await cluster.client.delete("configmaps", "c-7", "default")
    async with simulated(snapshot=data) as again:
        found = await again.client.get("configmaps", "c-7", "default")
        assert found == made
        await again.client.create(configmap(99))
        listed = await again.client.list("configmaps", "default")
        names = {item["metadata"]["name"] for item in listed["items"]}
        assert {f"c-{n}" for n in (*range(20), 99)} <= names
        again.faults.kill("master/1")
        await anyio.sleep(5)
        assert await again.client.get("configmaps", "c-99", "default")


async def test_a_damaged_snapshot_is_refused_before_anything_starts() -> None:
    async with simulated() as cluster:
        data = bytearray(await cluster.snapshot())
    data[len(data) // 2] ^= 1
    with pytest.raises(CorruptLog):
        simulated(snapshot=bytes(data))


async def test_a_snapshot_goes_into_memory_only(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfig, match="into memory"):
        simulated(snapshot=b"x", data_dir=tmp_path)
