"""Paths that are no resources: discovery, OpenAPI, version, health and metrics, by a dict."""

from collections.abc import Awaitable, Callable

import attrs
import orjson

from kube_actors.api import errors
from kube_actors.api import paths as discovery_paths
from kube_actors.api.manifest import dump_yaml
from kube_actors.apiserver.decoding import media_type
from kube_actors.apiserver.pages import discovery, health
from kube_actors.apiserver.request import JSON, YAML, Answer, Request, User, answer_object
from kube_actors.apiserver.server import Server
from kube_actors.apiserver.target import Target

Page = Callable[[Server, Request], Awaitable[Answer]]


async def answer(server: Server, request: Request, target: Target, user: User) -> Answer:
    """Return the page; raises ``StatusError`` 404 or 405."""
    path = request.path.rstrip("/") or "/"
    page = _PAGES.get(path)
    if page is None:
        page = next((found for prefix, found in _PREFIXES if path.startswith(prefix)), None)
    if page is None:
        raise errors.no_such_path()
    if request.method not in ("GET", "HEAD"):
        raise errors.method_not_allowed()
    found = await page(server, request)
    if found.content_type == JSON and media_type(request.accept) == YAML:
        body = dump_yaml(orjson.loads(found.body)).encode()
        return attrs.evolve(found, body=body, content_type=YAML)
    return found


async def _version(server: Server, request: Request) -> Answer:
    text = server.config.version
    major, minor = text.lstrip("v").split(".")[:2]
    return answer_object(
        {
            "major": major,
            "minor": minor,
            "gitVersion": text,
            "gitCommit": "",
            "gitTreeState": "clean",
            "buildDate": "1970-01-01T00:00:00Z",
            "goVersion": "",
            "compiler": "cpython",
            "platform": "python",
        }
    )


async def _metrics(server: Server, request: Request) -> Answer:
    health.gauge_caches(server)
    text = server.metrics.exposition()
    return Answer(200, text.encode(), "text/plain; version=0.0.4; charset=utf-8")


async def _root(server: Server, request: Request) -> Answer:
    paths = [*sorted(_PAGES), *discovery_paths(server.config.kinds)]
    return answer_object({"paths": sorted(set(paths) - {"/"})})


_PAGES: dict[str, Page] = {
    "/": _root,
    "/api": discovery.core,
    "/apis": discovery.groups,
    "/openapi/v2": discovery.openapi_v2,
    "/openapi/v3": discovery.openapi_index,
    "/version": _version,
    "/healthz": health.healthz,
    "/livez": health.livez,
    "/readyz": health.readyz,
    "/metrics": _metrics,
}
_PREFIXES: tuple[tuple[str, Page], ...] = (
    ("/api/", discovery.group_version),
    ("/apis/", discovery.group_or_version),
    ("/openapi/v3/", discovery.openapi_document),
    ("/healthz/", health.healthz),
    ("/livez/", health.livez),
    ("/readyz/", health.readyz),
)
