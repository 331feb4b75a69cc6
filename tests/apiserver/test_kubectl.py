"""The HTTP door over real TLS: certificates, tokens, and the real kubectl without controllers."""

import os
import random
import shutil
import ssl
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import attrs
import orjson
import pytest
from anyio.abc import SocketAttribute
from anyio.streams.tls import TLSStream

from kube_actors.apiserver import StaticToken, create_app
from kube_actors.apiserver.http import serve
from kube_actors.apiserver.who import (
    KeyPair,
    create_authority,
    issue_client,
    issue_server,
    kubeconfig,
    server_context,
)
from kube_actors.apiserver.who.pki import client_context
from tests.apiserver.world import World, world

pytestmark = [pytest.mark.anyio, pytest.mark.real_time]

WEB = """
apiVersion: v1
kind: ConfigMap
metadata: {name: page}
data: {a: b}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: %d
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: c, image: nginx, ports: [{containerPort: 80}]}]
"""


@attrs.frozen
class Site:
    """``kubectl`` runs to success and gives stdout, ``fails`` to failure and gives stderr."""

    port: int
    authority: KeyPair
    admin: KeyPair
    config: Path
    world: World

    async def run(self, *arguments: str, stdin: str = "") -> tuple[int, str, str]:
        binary = shutil.which("kubectl", path=str(Path(sys.executable).parent))
        assert binary, "kubectl comes with the development dependencies"
        environment = {
            **os.environ,
            "KUBECONFIG": str(self.config),
            "HOME": str(self.config.parent),
        }
        done = await anyio.run_process(
            [binary, *arguments], input=stdin.encode(), check=False, env=environment
        )
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    async def kubectl(self, *arguments: str, stdin: str = "") -> str:
        code, out, err = await self.run(*arguments, stdin=stdin)
        assert code == 0, (arguments, out, err)
        return out + err

    async def fails(self, *arguments: str, stdin: str = "") -> str:
        code, out, err = await self.run(*arguments, stdin=stdin)
        assert code != 0, (arguments, out)
        return err

    async def get(self, path: str, *headers: str, client: KeyPair | None = None) -> tuple[int, Any]:
        """Ask once over a TLS connection of its own; (0, b"") if the server hung up."""
        context = client_context(self.authority.certificate_pem, client)
        raw = await anyio.connect_tcp("127.0.0.1", self.port)
        async with (
            raw,
            await TLSStream.wrap(
                raw, hostname="127.0.0.1", ssl_context=context, standard_compatible=False
            ) as stream,
        ):
            lines = [f"GET {path} HTTP/1.1", "host: x", "connection: close", *headers, "", ""]
            data = b""
            try:
                await stream.send("\r\n".join(lines).encode())
                while True:
                    data += await stream.receive()
            except (anyio.EndOfStream, anyio.BrokenResourceError, ssl.SSLError):
                pass
        head, _, body = data.partition(b"\r\n\r\n")
        return int(head[9:12] or 0), body


@asynccontextmanager
async def site(directory: Path, **options: Any) -> AsyncIterator[Site]:
    """Run an apiserver behind HTTPS on a free port."""
    entropy, now_s = random.Random(1).randbytes, time.time()
    authority = create_authority("ca", now_s=now_s, entropy=entropy)
    pair = issue_server(authority, "api", ["127.0.0.1"], now_s=now_s, entropy=entropy)
    admin = issue_client(authority, "admin", ["system:masters"], now_s=now_s, entropy=entropy)
    tls = server_context(pair, authority.certificate_pem)
    async with world(**options) as w, anyio.create_task_group() as tasks:
        listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
        port = listener.extra(SocketAttribute.local_port)
        app = create_app(w.server)

        async def run() -> None:
            await serve(app, listener, tls=tls)

        tasks.start_soon(run)
        url = f"https://127.0.0.1:{port}"
        config = directory / "kubeconfig"
        config.write_bytes(orjson.dumps(kubeconfig(url, authority.certificate_pem, client=admin)))
        yield Site(port, authority, admin, config, w)
        tasks.cancel_scope.cancel()


async def test_certificates_and_tokens_say_who_asks(tmp_path: Path) -> None:
    tokens = {"secret": StaticToken("bob", ("system:masters",))}
    async with site(tmp_path, static_tokens=tokens) as s:
        assert (await s.get("/api/v1/pods", client=s.admin))[0] == 200
        assert (await s.get("/api/v1/pods", "authorization: Bearer secret"))[0] == 200
        assert (await s.get("/api/v1/pods", "authorization: Bearer wrong"))[0] == 401
        status, body = await s.get("/api/v1/pods")
        assert status == 403
        assert b"system:anonymous" in body
        status, body = await s.get("/readyz?verbose")
        assert status == 200
        assert b"[+]store-quorum ok" in body


async def test_bad_peers_never_take_the_listener_down(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        for garbage in (b"", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\xff"):
            raw = await anyio.connect_tcp("127.0.0.1", s.port)
            if garbage:
                await raw.send(garbage)
            await raw.aclose()
        other = create_authority("x", now_s=time.time(), entropy=random.Random(2).randbytes)
        stranger = issue_client(other, "eve", now_s=time.time(), entropy=random.Random(3).randbytes)
        assert await s.get("/api/v1/pods", client=stranger) == (0, b"")
        assert (await s.get("/api/v1/pods", client=s.admin))[0] == 200


@pytest.mark.kubectl
async def test_kubectl_applies_diffs_and_edits(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        kubectl = s.kubectl
        assert "deployment.apps/web created" in await kubectl("apply", "-f", "-", stdin=WEB % 2)
        assert "unchanged" in await kubectl("apply", "-f", "-", stdin=WEB % 2)
        code, out, _ = await s.run("diff", "-f", "-", stdin=WEB % 5)
        assert (code, "+  replicas: 5" in out) == (1, True)
        assert "configured" in await kubectl("apply", "-f", "-", stdin=WEB % 5)
        await kubectl("scale", "deployment/web", "--replicas=4")
        await kubectl("label", "deployment", "web", "a=b")
        await kubectl("annotate", "deployment", "web", "x=y")
        await kubectl("set", "image", "deployment/web", "c=nginx:2")
        await kubectl("rollout", "pause", "deployment/web")
        await kubectl("rollout", "resume", "deployment/web")
        await kubectl("rollout", "restart", "deployment/web")
        found = orjson.loads(await kubectl("get", "deployment", "web", "-o", "json"))
        assert found["spec"]["replicas"] == 4
        assert found["metadata"]["labels"] == {"a": "b"}
        assert found["spec"]["template"]["spec"]["containers"][0]["image"] == "nginx:2"
        assert "exposed" in await kubectl("expose", "deployment", "web", "--port=80")
        assert "web" in await kubectl("get", "all", "-o", "name")
        assert "deleted" in await kubectl("delete", "deployment", "web", "--cascade=background")


@pytest.mark.kubectl
async def test_kubectl_creates_with_protobuf_and_learns_what_is_served(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        kubectl = s.kubectl
        await kubectl("create", "deployment", "web", "--image=nginx", "--replicas=3")
        await kubectl("create", "configmap", "c", "--from-literal=a=b")
        await kubectl("create", "secret", "generic", "s", "--from-literal=a=b")
        await kubectl("create", "namespace", "x")
        await kubectl("run", "p", "--image=nginx")
        found = orjson.loads(await kubectl("get", "secret", "s", "-o", "json"))
        assert found["data"] == {"a": "Yg=="}
        assert "FIELD: replicas <integer>" in await kubectl("explain", "deployment.spec.replicas")
        assert "deployments" in await kubectl("api-resources")
        assert "apps/v1" in await kubectl("api-versions")
        assert (await kubectl("auth", "can-i", "create", "pods")).strip() == "yes"
        assert "no" in (await s.run("auth", "can-i", "create", "pods", "--as", "bob"))[1]
        assert "admin" in await kubectl("auth", "whoami")
        assert "v1.36" in await kubectl("version")
        assert "ok" in await kubectl("get", "--raw", "/readyz")
        assert "deleted" in await kubectl("delete", "pod", "p", "--wait=true")
        await kubectl("wait", "--for=delete", "pod/p", "--timeout=120s")


@pytest.mark.kubectl
async def test_kubectl_tells_what_is_wrong_in_kubernetes_words(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        bad = WEB.replace("replicas: %d", "replicas: -1")
        text = await s.fails("apply", "-f", "-", stdin=bad)
        assert "spec.replicas: Invalid value: -1: must be greater than or equal to 0" in text
        text = await s.fails("apply", "-f", "-", stdin=WEB.replace("replicas", "repliccas") % 2)
        assert 'unknown field "spec.repliccas"' in text
        text = await s.fails("get", "pod", "nope")
        assert text == 'Error from server (NotFound): pods "nope" not found\n'
        text = await s.fails("get", "widgets")
        assert "the server doesn't have a resource type" in text


@pytest.mark.kubectl
async def test_kubectl_cordons_taints_and_drains(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}}
        await s.kubectl("create", "-f", "-", stdin=orjson.dumps(node).decode())
        assert "cordoned" in await s.kubectl("cordon", "n1")
        assert "tainted" in await s.kubectl("taint", "node", "n1", "a=b:NoSchedule")
        assert "drained" in await s.kubectl("drain", "n1")
        assert "uncordoned" in await s.kubectl("uncordon", "n1")
