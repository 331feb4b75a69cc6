"""A whole cluster whose every byte is in a real etcd, which is killed and comes back."""

from pathlib import Path
from typing import Any

import anyio
import pytest

from kube_actors import Cluster
from kube_actors.api import StatusError
from kube_actors.cluster import Timings
from kube_actors.etcd import engine
from tests.cluster.test_engine import DEPLOYMENT
from tests.etcd.real_etcd import RealEtcd, etcdctl, real_etcd
from tests.polling import eventually

pytestmark = [pytest.mark.anyio, pytest.mark.real_time]


def cluster_on(etcd: RealEtcd) -> Cluster:
    return Cluster(
        masters=3,
        nodes=2,
        runtime="simulated",
        listen=None,
        timings=Timings.quick(),
        engine=engine(etcd.url, timeout_s=3),
    )


async def test_a_deployment_becomes_available_and_is_kept_in_etcd(etcd: RealEtcd) -> None:
    assert etcdctl(etcd.url, "del", "", "--from-key").returncode == 0
    async with cluster_on(etcd) as cluster:
        await cluster.client.create(DEPLOYMENT)
        await cluster.wait_for("deployment/web", "Available", timeout_s=200)
        status = await cluster.status()
        assert status["store"]["readOnly"] is False
    kept = etcdctl(etcd.url, "get", "/registry/core/pods/", "--prefix", "--keys-only")
    assert len(kept.stdout.split()) == 2
    async with cluster_on(etcd) as again:
        pods = await again.client.list("Pod", namespace="default")
        assert len(pods["items"]) == 2


async def test_an_etcd_that_is_killed_and_comes_back_loses_nothing(tmp_path: Path) -> None:
    with real_etcd(tmp_path / "etcd") as etcd:
        async with cluster_on(etcd) as cluster:
            written: list[str] = []
            await _create(cluster, "before", written)
            etcd.kill()
            with pytest.raises(StatusError) as refused:
                with anyio.fail_after(120):
                    await _create(cluster, "while-down", written)
            assert refused.value.code >= 500
            etcd.start()
            await eventually(lambda: _create(cluster, "after", written), StatusError, timeout_s=120)
            # The apiservers' caches follow again, without having been restarted.
            await cluster.client.create(DEPLOYMENT)
            await cluster.wait_for("deployment/web", "Available", timeout_s=200)
            maps = await cluster.client.list("ConfigMap", namespace="default")
            names = {one["metadata"]["name"] for one in maps["items"]}
            assert names >= set(written)
            assert "while-down" not in names


async def _create(cluster: Cluster, name: str, written: list[str]) -> None:
    config_map: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "default"},
    }
    await cluster.client.create(config_map)
    written.append(name)
