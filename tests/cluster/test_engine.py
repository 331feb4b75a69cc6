"""The store's engine is an argument: apiservers do not know which one it is."""

from typing import Any

import pytest

from kube_actors import Cluster
from kube_actors.cli.status import render_status
from tests.cluster.local_engine import LocalEngine

pytestmark = pytest.mark.anyio

DEPLOYMENT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "default"},
    "spec": {
        "replicas": 2,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "c", "image": "any"}]},
        },
    },
}


async def test_a_cluster_runs_on_another_engine_than_its_own_raft_group() -> None:
    engine = LocalEngine()
    cluster = Cluster(masters=3, nodes=2, runtime="simulated", listen=None, engine=engine)
    async with cluster:
        await cluster.client.create(DEPLOYMENT)
        await cluster.wait_for("deployment/web", "Available", timeout_s=60)
        assert engine.writes > 0
        assert not any(target.startswith("store/") for target in cluster.faults.targets())
        status = await cluster.status()
        assert status["store"]["readOnly"] is False
        assert status["store"]["engine"] is True
        assert render_status(status)[0].startswith("healthy: 3 of 3 masters reach the store's")
        with pytest.raises(ValueError, match="use its own tools"):
            await cluster._debug("store/members", {})
