"""Liveness and readiness: per-check lines as kube-apiserver prints them.

Live means that the process answers. Ready means that the cache is filled and that the store has a
quorum: without one this says ``[-]store-quorum failed`` and how many members answer.
"""

from collections.abc import Awaitable, Callable

import attrs

from kube_actors.actor import ActorError
from kube_actors.apiserver.request import Answer, Request
from kube_actors.apiserver.server import Server

TEXT = "text/plain; charset=utf-8"


@attrs.frozen
class Check:
    """``problem`` "" means that it passed."""

    name: str
    problem: str = ""


async def _ping(server: Server) -> Check:
    return Check("ping")


async def _cache(server: Server) -> Check:
    return Check("watch-cache", "" if server.cache.revision else "the first listing is not in")


async def _quorum(server: Server) -> Check:
    try:
        status = await server.store.status()
    except ActorError as error:
        return Check("store-quorum", f"no store member answers: {error}")
    if not status.read_only:
        return Check("store-quorum")
    problem = f"READ-ONLY: {status.answering} of {status.members} store members answer"
    return Check("store-quorum", problem)


_LIVE = (_ping,)
_READY = (_ping, _cache, _quorum)


async def livez(server: Server, request: Request) -> Answer:
    """``/livez``: whether this apiserver should be left running."""
    return await _answer(server, request, "livez", _LIVE)


async def healthz(server: Server, request: Request) -> Answer:
    """``/healthz``: what ``/readyz`` says, by its older name."""
    return await _answer(server, request, "healthz", _READY)


async def readyz(server: Server, request: Request) -> Answer:
    """``/readyz``: whether this apiserver should be sent requests."""
    return await _answer(server, request, "readyz", _READY)


async def _answer(
    server: Server,
    request: Request,
    name: str,
    checks: tuple[Callable[[Server], Awaitable[Check]], ...],
) -> Answer:
    results = [await check(server) for check in checks]
    wanted = request.path.strip("/").partition("/")[2]
    if wanted:
        results = [check for check in results if check.name == wanted]
        if not results:
            return Answer(404, b"no such check\n", TEXT)
    excluded = request.query.all("exclude")
    results = [check for check in results if check.name not in excluded]
    failed = [check for check in results if check.problem]
    if not failed and not request.query.has("verbose"):
        return Answer(200, b"ok", TEXT)
    lines = [
        f"[-]{check.name} failed: {check.problem}" if check.problem else f"[+]{check.name} ok"
        for check in results
    ]
    lines.append(f"{name} check {'failed' if failed else 'passed'}")
    return Answer(500 if failed else 200, ("\n".join(lines) + "\n").encode(), TEXT)


def gauge_caches(server: Server) -> None:
    """Put what the caches hold into the metrics."""
    metrics = server.metrics
    metrics.gauge("apiserver_watch_cache_revision", server.cache.revision)
    for resource in server.cache.resources():
        labels = (("group", resource.kind.group), ("resource", resource.kind.plural))
        metrics.gauge("apiserver_storage_objects", len(resource), labels)
        metrics.gauge("apiserver_registered_watchers", resource.watcher_count, labels)
