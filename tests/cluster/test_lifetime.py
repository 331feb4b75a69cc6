"""A cluster's whole life inside one program: it comes up, is used, and leaves no trace."""

import contextlib
from pathlib import Path
from typing import Any

import anyio
import pytest

from kube_actors import Cluster
from kube_actors.actor import ActorError
from kube_actors.api import StatusError
from kube_actors.cli.traffic import RequestFailed, get
from kube_actors.cluster import (
    DirectoryRefused,
    InvalidConfig,
    NodeSpec,
    NoFreeBlock,
    NotReady,
    Timings,
)
from kube_actors.cluster.address_plan import reclaim_block
from tests.cluster.leftovers import nothing_left, traces
from tests.polling import NotYet, eventually, turns

pytestmark = [pytest.mark.anyio, pytest.mark.real_time]

QUICK = Timings.quick()


def deployment(name: str, replicas: int, version: str = "1") -> dict[str, Any]:
    container = {"name": "c", "image": "kube-actors/web:1"}
    container["env"] = [{"name": "VERSION", "value": version}]  # type: ignore[assignment]
    template = {
        "metadata": {"labels": {"app": name}},
        "spec": {"containers": [container], "terminationGracePeriodSeconds": 1},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": template,
        },
    }


def config_map(name: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "default"},
        "data": {"key": name},
    }


async def test_embedding_works_as_promised_and_leaves_nothing(scratch: Path) -> None:
    manifest = deployment("web", 2)
    async with nothing_left(scratch), Cluster(masters=3, nodes=3) as cluster:
        await cluster.client.apply(manifest)
        seen = await cluster.wait_for("deployment/web", "Available", timeout_s=120)
        assert seen is not None
        assert seen["status"]["availableReplicas"] == 2
        await all_answer(cluster, "web", 2)


async def _use(cluster: Cluster, moment: int) -> None:
    """Do something to the cluster, more for later moments."""
    if moment == 0:
        return
    await cluster.client.apply(deployment("web", 3))
    if moment == 1:
        return
    await cluster.wait_for("deployment/web", "Available", timeout_s=120)
    await cluster.client.apply(deployment("web", 3, "2"))
    if moment == 2:
        await cluster.wait_for("deployment/web", _is_rolling_out)
        return
    cluster.faults.pause("kubelet/node-1")
    cluster.faults.pause("store/2")
    if moment == 3:
        return
    cluster.faults.kill("node/node-2")
    cluster.faults.kill("apiserver/1")
    cluster.faults.partition("master/3")
    await turns(100)


def _is_rolling_out(found: dict[str, Any] | None) -> bool:
    """The controller has seen the second version; its pods are being made."""
    return found is not None and found["status"].get("observedGeneration") == 2


@pytest.mark.parametrize("moment", range(5))
async def test_leaving_the_block_at_any_moment_leaves_nothing(scratch: Path, moment: int) -> None:
    async with nothing_left(scratch), Cluster(masters=3, nodes=2, timings=QUICK) as cluster:
        await _use(cluster, moment)


@pytest.mark.parametrize("moment", [0, 2, 4])
async def test_an_error_in_the_block_comes_out_as_it_is(scratch: Path, moment: int) -> None:
    class Mine(Exception):
        pass

    async def fail() -> None:
        async with Cluster(masters=3, nodes=2, timings=QUICK) as cluster:
            await _use(cluster, moment)
            raise Mine

    async with nothing_left(scratch):
        with pytest.raises(Mine):
            await fail()


@pytest.mark.parametrize("seconds", [0.0, 0.001, 0.01, 0.05, 0.1, 0.2, 0.5])
async def test_cancelling_at_any_time_leaves_nothing(scratch: Path, seconds: float) -> None:
    async with nothing_left(scratch):
        with anyio.move_on_after(seconds) as limit:
            async with Cluster(masters=3, nodes=2, timings=QUICK) as cluster:
                await _use(cluster, 2)
                await anyio.sleep_forever()
        assert limit.cancelled_caught


async def test_a_cluster_that_is_never_entered_does_nothing(scratch: Path) -> None:
    async with nothing_left(scratch):
        Cluster(masters=3, nodes=3)


async def test_a_cluster_that_cannot_get_ready_says_what_is_missing(scratch: Path) -> None:
    async with nothing_left(scratch):
        with pytest.raises(NotReady, match=r"not ready after 0 s: .*"):
            async with Cluster(masters=1, nodes=1, ready_timeout_s=0):
                pass


async def test_an_address_in_use_is_an_error_of_the_block_and_leaves_nothing(
    scratch: Path,
) -> None:
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    async with listener:
        port = listener.extra(anyio.abc.SocketAttribute.local_address)[1]
        async with nothing_left(scratch):
            with pytest.raises(OSError, match="ddress"):
                async with Cluster(masters=1, nodes=0, listen=f"127.0.0.1:{port}"):
                    pass


@pytest.mark.parametrize("masters", [0, 2, 4, -1, 7])
async def test_other_counts_of_masters_are_refused_with_the_reason(masters: int) -> None:
    with pytest.raises(InvalidConfig, match="1, 3 or 5"):
        Cluster(masters=masters)


@pytest.mark.parametrize("masters", [1, 5])
async def test_one_and_five_masters_work(scratch: Path, masters: int) -> None:
    async with (
        nothing_left(scratch),
        Cluster(masters=masters, nodes=1, timings=QUICK) as cluster,
    ):
        await cluster.client.create(config_map("a"))
        status = await cluster.status()
        assert len(status["masters"]) == masters
        assert status["store"]["readOnly"] is False


async def test_clusters_in_one_process_share_nothing(scratch: Path) -> None:
    async with (
        nothing_left(scratch),
        Cluster(masters=1, nodes=1, timings=QUICK) as one,
        Cluster(masters=3, nodes=1, timings=QUICK) as two,
    ):
        assert one.url != two.url
        assert one.keys.admin_token != two.keys.admin_token
        await one.client.apply(deployment("web", 1))
        await one.wait_for("deployment/web", "Available", timeout_s=120)
        with pytest.raises(StatusError, match="not found"):
            await two.client.get("deployments", "web", "default")
        await two.client.apply(deployment("web", 1))
        await two.wait_for("deployment/web", "Available", timeout_s=120)
        addresses = set()
        for cluster in (one, two):
            (pod,) = (await cluster.client.list("pods", "default"))["items"]
            addresses.add(pod["status"]["podIP"])
        assert len(addresses) == 2
        two.faults.kill("master/1")
        assert await one.client.create(config_map("after"))


async def test_nodes_of_processes_and_simulated_ones_mix(scratch: Path) -> None:
    nodes = [
        NodeSpec("process", "real", labels={"kind": "real"}),
        NodeSpec("simulated", "dream", labels={"kind": "dream"}),
    ]
    async with nothing_left(scratch), Cluster(masters=1, nodes=nodes, timings=QUICK) as cluster:
        for kind in ("real", "dream"):
            wanted = deployment(kind, 2)
            wanted["spec"]["template"]["spec"]["nodeSelector"] = {"kind": kind}
            await cluster.client.apply(wanted)
        for kind in ("real", "dream"):
            await cluster.wait_for(f"deployment/{kind}", "Available", timeout_s=120)
        pods = (await cluster.client.list("pods", "default"))["items"]
        placed = {(pod["spec"]["nodeName"], pod["status"]["podIP"].split(".")[0]) for pod in pods}
        assert placed == {("real", "127"), ("dream", "10")}


@pytest.mark.parametrize("violent", [False, True])
async def test_what_was_acknowledged_is_found_by_a_second_cluster(
    scratch: Path, tmp_path: Path, violent: bool
) -> None:
    data = tmp_path / "data"
    known: dict[str, str] = {}
    written = anyio.Event()
    async with Cluster(masters=3, nodes=1, data_dir=data, timings=QUICK) as first:
        await first.client.apply(deployment("web", 2))
        await first.wait_for("deployment/web", "Available", timeout_s=120)

        async def write(worker: int) -> None:
            for number in range(30):
                name = f"c-{worker}-{number}"
                try:
                    made = await first.client.create(config_map(name))
                except (StatusError, ActorError):
                    continue
                known[name] = made["metadata"]["uid"]
                written.set()

        async with anyio.create_task_group() as tasks:
            for worker in range(4):
                tasks.start_soon(write, worker)
            if violent:
                await written.wait()
                first.faults.kill("master/1")
                await turns(100)
                first.faults.kill("master/2")
                tasks.cancel_scope.cancel()
        token = first.keys.admin_token
    assert known
    before = traces(scratch)
    async with Cluster(masters=3, nodes=1, data_dir=data, timings=QUICK) as second:
        assert second.keys.admin_token == token
        listed = await second.client.list("configmaps", "default")
        found = {item["metadata"]["name"]: item["metadata"]["uid"] for item in listed["items"]}
        assert {name: found.get(name) for name in known} == known
        await all_answer(second, "web", 2)
    assert traces(scratch) == before


@pytest.mark.anyio
@pytest.mark.real_time
async def test_a_second_cluster_keeps_the_block_of_the_stored_addresses(tmp_path: Path) -> None:
    plans = []
    for _ in range(2):
        async with Cluster(masters=1, nodes=1, data_dir=tmp_path, timings=QUICK) as cluster:
            made = await cluster.client.create(service(f"s{len(plans)}"))
            plans.append(made["spec"]["clusterIP"].split(".")[:2])
    assert plans[0] == plans[1]
    with contextlib.closing(reclaim_block(int(plans[0][1]))), pytest.raises(NoFreeBlock):
        async with Cluster(masters=1, nodes=1, data_dir=tmp_path, timings=QUICK):
            raise AssertionError


@pytest.mark.anyio
@pytest.mark.real_time
async def test_a_directory_is_not_opened_with_another_number_of_masters(tmp_path: Path) -> None:
    async with Cluster(masters=3, nodes=0, data_dir=tmp_path, timings=QUICK):
        pass
    with pytest.raises(DirectoryRefused, match="holds a cluster of 3 masters, not 1"):
        async with Cluster(masters=1, nodes=0, data_dir=tmp_path, timings=QUICK):
            raise AssertionError


def service(name: str) -> dict[str, Any]:
    spec = {"selector": {"app": "none"}, "ports": [{"port": 80}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


async def all_answer(cluster: Cluster, app: str, replicas: int) -> None:
    """Wait until every pod that is to stay answers HTTP."""

    async def answer() -> None:
        listed = await cluster.client.list("pods", "default", label_selector=f"app={app}")
        pods = [pod for pod in listed["items"] if "deletionTimestamp" not in pod["metadata"]]
        for pod in pods:
            await get((pod.get("status") or {}).get("podIP") or "127.0.0.1", 8080)
        if len(pods) != replicas:
            raise NotYet

    await eventually(answer, RequestFailed, timeout_s=120)
