"""The HTTP door as an ASGI app: mounting, bodies, warnings, watches, logs from a kubelet."""

from typing import Any

import anyio
import orjson
import pytest

from kube_actors.actor import Actor, Blob, Child
from kube_actors.apiserver import create_app
from kube_actors.apiserver.request import Answer, Request
from kube_actors.client import KubeletRefused, LogChunk, ReadLog
from tests.apiserver.world import config_map, pod, world

MAPS = "/api/v1/namespaces/default/configmaps"
PODS = "/api/v1/namespaces/default/pods"
ADMIN = {"common_name": "admin", "organizations": ("system:masters",)}


class Exchange:
    """One request to an ASGI app; ``leave`` is the client hanging up."""

    def __init__(self, method: str, path: str, body: bytes = b"", **scope: Any) -> None:
        raw, _, query = path.partition("?")
        self.scope = {
            "type": "http",
            "method": method,
            "path": raw,
            "query_string": query.encode(),
            "root_path": "",
            "headers": [],
            "extensions": {"kube_actors.client_certificate": ADMIN},
            **scope,
        }
        self._body: list[bytes] = [body]
        self.gone = anyio.Event()
        self.progress = anyio.Event()
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = b""

    async def receive(self) -> dict[str, Any]:
        if self._body:
            return {"type": "http.request", "body": self._body.pop(), "more_body": False}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], message["headers"]
        else:
            self.body += message["body"]
        self.progress.set()
        self.progress = anyio.Event()

    async def run(self, app: Any) -> "Exchange":
        await app(self.scope, self.receive, self.send)
        return self


@pytest.mark.anyio
async def test_the_app_mounts_under_a_prefix() -> None:
    async with world() as w:
        app = create_app(w.server)
        done = await Exchange("GET", f"/k8s{MAPS}", root_path="/k8s").run(app)
        assert (done.status, orjson.loads(done.body)["kind"]) == (200, "ConfigMapList")


@pytest.mark.anyio
async def test_warnings_go_out_as_299_headers() -> None:
    async with world() as w:
        app = create_app(w.server)
        body = orjson.dumps({**config_map("a"), 'x"y': 1})
        done = await Exchange("POST", MAPS, body).run(app)
        assert done.status == 201
        warnings = [value for name, value in done.headers if name == b"warning"]
        assert warnings == [b'299 - "unknown field \\"x\\"y\\""'.replace(b'x\\"y', b'x\\"y')]


@pytest.mark.anyio
async def test_a_large_body_is_refused_before_it_is_read() -> None:
    async with world() as w:
        app = create_app(w.server)
        headers = [(b"content-length", b"4000000")]
        done = await Exchange("POST", MAPS, b"", headers=headers).run(app)
        assert done.status == 413


@pytest.mark.anyio
async def test_a_watch_streams_lines_until_the_client_leaves() -> None:
    async with world() as w, anyio.create_task_group() as tasks:
        app = create_app(w.server)
        exchange = Exchange("GET", f"{MAPS}?watch=1&resourceVersion=0")
        finished = anyio.Event()

        async def run() -> None:
            await exchange.run(app)
            finished.set()

        tasks.start_soon(run)
        await exchange.progress.wait()
        assert exchange.status == 200
        await w.ok("POST", MAPS, config_map("a"))
        while not exchange.body:
            await exchange.progress.wait()
        event = orjson.loads(exchange.body.splitlines()[0])
        assert (event["type"], event["object"]["metadata"]["name"]) == ("ADDED", "a")
        exchange.gone.set()
        with anyio.fail_after(5):
            await finished.wait()
        assert w.server.cache.resource("", "configmaps").watcher_count == 0


@pytest.mark.anyio
async def test_a_list_is_printed_as_a_table_or_as_metadata() -> None:
    async with world() as w:
        await w.ok("POST", MAPS, config_map("a", k="v"))
        table = await w.ok("GET", MAPS, accept="application/json;as=Table;v=v1;g=meta.k8s.io")
        assert table["kind"] == "Table"
        assert table["rows"][0]["cells"][:2] == ["a", 1]
        assert table["rows"][0]["object"]["kind"] == "PartialObjectMetadata"
        accept = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
        partial = await w.ok("GET", MAPS, accept=accept)
        assert "data" not in partial["items"][0]


async def run_kubelet(actor: Actor) -> None:
    while True:
        delivery = await actor.receive()
        request = delivery.message
        assert isinstance(request, ReadLog)
        if request.previous:
            delivery.fail(KubeletRefused("BadRequest", "previous terminated container not found"))
            continue
        writer = delivery.open()
        for text in (b"one\n", b"two\n"):
            await writer.send(LogChunk(Blob(text)))
        writer.close()


@pytest.mark.anyio
async def test_a_log_is_streamed_from_the_node_of_the_pod() -> None:
    async with world() as w:
        w.supervisor.start(Child("kubelet/n1", run_kubelet))
        app = create_app(w.server)
        await w.ok("POST", PODS, pod("p", "n1"))
        await w.ok("POST", PODS, pod("free"))
        await w.ok("POST", PODS, pod("lost", "n9"))
        done = await Exchange("GET", f"{PODS}/p/log").run(app)
        assert (done.status, done.body) == (200, b"one\ntwo\n")
        for path, status, text in (
            (f"{PODS}/p/log?previous=true", 400, "previous terminated container not found"),
            (f"{PODS}/free/log", 400, "does not have a host assigned"),
            (f"{PODS}/p/log?container=x", 400, "container x is not valid for pod p"),
            (f"{PODS}/lost/log", 500, "does not answer"),
            (f"{PODS}/none/log", 404, "not found"),
        ):
            refused = await Exchange("GET", path).run(app)
            assert refused.status == status, path
            assert text in orjson.loads(refused.body)["message"]


@pytest.mark.anyio
async def test_the_cluster_adds_pages_of_its_own() -> None:
    async def page(request: Request) -> Answer:
        return Answer(200, request.path.encode(), "text/plain")

    async with world() as w:
        app = create_app(w.server, extra_routes={"/debug/": page})
        done = await Exchange("GET", "/debug/x").run(app)
        assert (done.status, done.body) == (200, b"/debug/x")


@pytest.mark.anyio
async def test_health_metrics_and_versions_are_pages() -> None:
    async with world() as w:
        app = create_app(w.server)
        for path, text in (
            ("/readyz?verbose", b"[+]watch-cache ok"),
            ("/livez", b"ok"),
            ("/healthz/ping", b"ok"),
            ("/version/", b'"gitVersion":"v1.36.0"'),
            ("/metrics", b"apiserver_request_total{"),
            ("/api/", b'"APIVersions"'),
            ("/apis/apps", b'"APIGroup"'),
            ("/openapi/v3/apis/apps/v1", b'"openapi"'),
            ("/", b"/openapi/v3"),
        ):
            await Exchange("GET", MAPS).run(app)
            done = await Exchange("GET", path).run(app)
            assert done.status == 200, path
            assert text in done.body
