"""The whole kubelet over real processes, on the machine's clock."""

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import anyio
import orjson
import pytest
from anyio.abc import SocketStream

from kube_actors.actor import Actor
from kube_actors.client import LogChunk, ReadLog
from kube_actors.cluster import claim_block
from kube_actors.node import ProcessRuntime
from kube_actors.node.runtimes.process.group import marked_processes
from tests.client.fake_apiserver import config_map
from tests.node.kubelet_world import NODE, Node, open_node
from tests.polling import NotYet, eventually, until

pytestmark = [pytest.mark.anyio, pytest.mark.real_time]


@asynccontextmanager
async def open_process_node(root: Path, **config: Any) -> AsyncIterator[Node]:
    with closing(claim_block(os.getpid())) as claim:
        cidr = claim.plan.pod_cidr(1)
        given = {"pod_cidr": cidr, "restart_backoff_s": 0.1, "retry_s": 0.2, **config}
        async with ProcessRuntime(root) as runtime, open_node(runtime, **given) as node:
            yield node
    assert marked_processes(f"KUBE_ACTORS_NODE_DIR={root}") == []


def web(**more: Any) -> list[dict[str, Any]]:
    probe = {"httpGet": {"path": "/readyz", "port": "http"}, "periodSeconds": 1}
    return [
        {
            "name": "web",
            "image": "kube-actors/web:v1",
            "ports": [{"name": "http", "containerPort": 8080}],
            "readinessProbe": probe,
            "env": [{"name": "LAMEDUCK_S", "value": "0.05"}],
            **more,
        }
    ]


def shell(script: str, **more: Any) -> list[dict[str, Any]]:
    return [{"name": "web", "image": "any", "command": ["sh", "-c", script], **more}]


async def connect(node: Node, name: str) -> SocketStream:
    return await anyio.connect_tcp(node.status(name)["podIP"], 8080)


async def get(node: Node, name: str, path: str = "/") -> dict[str, Any]:
    async with await connect(node, name) as stream:
        request = f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        await stream.send(request.encode())
        answer = b""
        async for chunk in stream:
            answer += chunk
    found: dict[str, Any] = orjson.loads(answer.partition(b"\r\n\r\n")[2])
    return found


async def refuses(node: Node, name: str) -> None:
    """Wait until the pod takes no connection any more: its lame-duck time is over."""
    address = node.status(name)["podIP"]

    async def refuse() -> None:
        try:
            stream = await anyio.connect_tcp(address, 8080)
        except OSError:
            return
        await stream.aclose()
        raise NotYet

    await eventually(refuse)


async def read(actor: Actor, **query: Any) -> str:
    parts: list[bytes] = []
    request = ReadLog("default", "web", **query)
    async with actor.stream(f"kubelet/{NODE}", request) as chunks:
        async for chunk in chunks:
            assert isinstance(chunk, LogChunk)
            parts.append(chunk.data)
    return b"".join(parts).decode()


async def test_a_web_pod_serves_its_message_and_follows_its_config_map(tmp_path: Path) -> None:
    volumes = [{"name": "m", "configMap": {"name": "web"}}]
    mounts = [{"name": "m", "mountPath": "/etc/web"}]
    async with open_process_node(tmp_path) as node:
        look = {"command": ["grep", "-q", "changed", "etc/web/message"]}
        probe = {"exec": look, "periodSeconds": 1}
        observer = shell("exec sleep 100", volumeMounts=mounts, readinessProbe=probe)
        containers = [*web(volumeMounts=mounts), {**observer[0], "name": "observer"}]
        node.add_pod("web", containers=containers, volumes=volumes)
        await node.wait(lambda: "FailedMount" in node.events())
        node.world.add(config_map("web", message="hello"))
        await node.wait(lambda: bool(node.container("web").get("ready")))
        found = await get(node, "web", "/x")
        assert found["message"] == "hello"
        assert (found["pod"], found["version"], found["path"]) == ("web", "v1", "/x")
        assert found["node"] == NODE
        node.world.change("configmaps", "default", "web", data={"message": "changed"})
        await node.wait_ready("web")
        assert (await get(node, "web"))["message"] == "changed"


async def test_a_killed_process_is_restarted_and_its_last_log_is_kept(tmp_path: Path) -> None:
    async with open_process_node(tmp_path) as node, node.world.system.client("client/a") as actor:
        node.add_pod("web", containers=shell("echo run $$$$; exec sleep 100"))
        await node.wait_ready("web")
        assert isinstance(node.runtime, ProcessRuntime)
        request = ReadLog("default", "web", follow=True)
        async with actor.stream(f"kubelet/{NODE}", request) as chunks:
            first = int((await anext(chunks)).data.split()[1])
        assert node.runtime.pid(node.container("web")["containerID"]) == first
        os.kill(first, signal.SIGKILL)
        await node.wait(lambda: node.container("web")["restartCount"] == 1)
        await node.wait_ready("web")
        assert node.container("web")["lastState"]["terminated"]["exitCode"] == 137
        assert await read(actor, previous=True) == f"run {first}\n"
        assert await read(actor) != f"run {first}\n"


async def test_a_container_that_keeps_failing_is_in_a_crash_loop(tmp_path: Path) -> None:
    async with open_process_node(tmp_path, restart_backoff_s=2.0) as node:
        node.add_pod("web", containers=shell("echo no >&2; exit 7"))
        await node.wait_waiting("web", "CrashLoopBackOff")
        ended = node.container("web")["lastState"]["terminated"]
        assert (ended["exitCode"], ended["reason"]) == (7, "Error")
        assert node.status("web")["phase"] == "Running"


async def test_an_exec_probe_decides_readiness(tmp_path: Path) -> None:
    probe = {"exec": {"command": ["test", "-e", "ready"]}, "periodSeconds": 1}
    containers = shell("exec sleep 100", readinessProbe=probe)
    async with open_process_node(tmp_path) as node:
        node.add_pod("web", containers=containers)
        await node.wait(lambda: node.status("web").get("phase") == "Running")
        assert not node.is_ready("web")
        uid = node.pod("web")["metadata"]["uid"]
        await anyio.Path(tmp_path, "pods", uid, "containers", "web", "0", "ready").touch()
        await node.wait_ready("web")


async def test_containers_of_a_pod_share_its_empty_directory(tmp_path: Path) -> None:
    mounts = [{"name": "shared", "mountPath": "/data"}]
    init = [{**shell("echo from-init > data/x", volumeMounts=mounts)[0], "name": "init"}]
    containers = shell("cat data/x; exec sleep 100", volumeMounts=mounts)
    async with open_process_node(tmp_path) as node, node.world.system.client("client/a") as actor:
        volumes: list[dict[str, Any]] = [{"name": "shared", "emptyDir": {}}]
        node.add_pod("web", initContainers=init, containers=containers, volumes=volumes)
        await node.wait_ready("web")
        request = ReadLog("default", "web", container="web", follow=True)
        async with actor.stream(f"kubelet/{NODE}", request) as chunks:
            assert (await anext(chunks)).data == b"from-init\n"


async def test_hooks_run_before_ready_and_before_the_end(tmp_path: Path) -> None:
    touch = "touch $KUBE_ACTORS_ROOT/../../../volumes/shared"
    hooks = {
        "postStart": {"exec": {"command": ["sh", "-c", f"{touch}/started"]}},
        "preStop": {"exec": {"command": ["sh", "-c", "echo stopping > out/stopped"]}},
    }
    mounts = [{"name": "shared", "mountPath": "/out"}]
    out = tmp_path / "host"
    volumes = [
        {"name": "shared", "hostPath": {"path": str(out), "type": "DirectoryOrCreate"}},
    ]
    hooks["postStart"]["exec"]["command"][2] = "echo starting > out/started"
    containers = shell("exec sleep 100", lifecycle=hooks, volumeMounts=mounts)
    async with open_process_node(tmp_path) as node:
        node.add_pod("web", containers=containers, volumes=volumes)
        await node.wait_ready("web")
        assert (out / "started").read_text() == "starting\n"
        node.delete_pod("web")
        await node.wait_gone("web")
        assert (out / "stopped").read_text() == "stopping\n"


async def test_a_deleted_web_pod_finishes_what_is_in_flight(tmp_path: Path) -> None:
    async with open_process_node(tmp_path) as node:
        node.add_pod("web", containers=web())
        await node.wait_ready("web")
        async with await connect(node, "web") as stream:
            # Both requests are read before the first is answered, so then the second is in flight.
            requests = (f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n" for path in ("/", "/sleep/300"))
            await stream.send("".join(requests).encode())
            assert b'"path": "/"' in await stream.receive()
            node.delete_pod("web")
            answer = await stream.receive()
            assert answer.startswith(b"HTTP/1.1 200 OK")
            assert b'"path": "/sleep/300"' in answer
        await node.wait_gone("web")
        assert not (
            tmp_path / "pods" / node.world.store.changes[-1].obj["metadata"]["uid"]
        ).exists()


async def test_a_deleted_web_pod_answers_who_had_connected_and_not_asked(tmp_path: Path) -> None:
    async with open_process_node(tmp_path) as node:
        node.add_pod("web", containers=web())
        await node.wait_ready("web")
        async with await connect(node, "web") as stream:
            node.delete_pod("web")
            await refuses(node, "web")
            await stream.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (await stream.receive()).startswith(b"HTTP/1.1 200 OK")
        await node.wait_gone("web")


async def test_an_unknown_image_is_refused_with_what_to_do(tmp_path: Path) -> None:
    async with open_process_node(tmp_path) as node:
        node.add_pod("web", containers=[{"name": "web", "image": "nginx"}])
        await node.wait_waiting("web", "ErrImagePull")
        assert (
            "give the container a command" in node.container("web")["state"]["waiting"]["message"]
        )


async def test_a_missing_secret_is_a_configuration_error_until_it_is_there(tmp_path: Path) -> None:
    reference = {"secretKeyRef": {"name": "s", "key": "k"}}
    containers = shell("exec sleep 100", env=[{"name": "K", "valueFrom": reference}])
    async with open_process_node(tmp_path) as node:
        node.add_pod("web", containers=containers)
        await node.wait_waiting("web", "CreateContainerConfigError")
        assert node.container("web")["state"]["waiting"]["message"] == 'secret "s" not found'
        meta = {"name": "s", "namespace": "default"}
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": {"k": "eA=="}}
        node.world.add(secret)
        await node.wait_ready("web")


async def test_a_crashed_kubelet_finds_its_processes_running(tmp_path: Path) -> None:
    async with open_process_node(tmp_path) as node:
        node.add_pod("web", containers=web())
        await node.wait_ready("web")
        before = await get(node, "web")
        version = node.pod("web")["metadata"]["resourceVersion"]
        node.world.supervisor.crash(f"kubelet/{NODE}")
        # The next kubelet decides on the pods that it finds before it makes a new one ready.
        node.add_pod("later", containers=web())
        await node.wait_ready("later")
        assert (await get(node, "web"))["pid"] == before["pid"]
        assert node.pod("web")["metadata"]["resourceVersion"] == version


@pytest.mark.parametrize("processes", [1, 3, 5])
async def test_a_node_cancelled_at_any_moment_leaves_no_process(
    tmp_path: Path, processes: int
) -> None:
    marker = f"KUBE_ACTORS_NODE_DIR={tmp_path}"
    with anyio.CancelScope() as scope:
        async with open_process_node(tmp_path) as node:
            for number in range(5):
                node.add_pod(f"web-{number}", containers=web())
            await until(lambda: len(marked_processes(marker)) >= processes)
            scope.cancel()
            await anyio.sleep_forever()
    assert scope.cancelled_caught
    assert marked_processes(marker) == []
