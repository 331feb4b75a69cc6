"""The HTTP door as an ASGI application: it mounts into any ASGI server or framework.

It translates HTTP to the pipeline's ``Request`` and answers back, no more. Watches and logs are
streamed with back-pressure and end when the client leaves. ``extra_routes`` lets the cluster add
pages of its own; they are asked before the pipeline and must check the user themselves.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import unquote

import anyio

from kube_actors.api import errors
from kube_actors.apiserver.doors.frames import watch_lines
from kube_actors.apiserver.pipeline import handle
from kube_actors.apiserver.request import (
    Answer,
    Credentials,
    Query,
    Request,
    StreamAnswer,
    User,
    WatchAnswer,
    answer_error,
)
from kube_actors.apiserver.server import Server

Message = dict[str, Any]
Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]
Route = Callable[[Request], Awaitable[Answer]]


def create_app(server: Server, *, extra_routes: Mapping[str, Route] | None = None) -> AsgiApp:
    """Return the API of ``server`` as an ASGI app.

    ``extra_routes`` maps a path (or a prefix that ends in ``/``) to what answers it.
    """
    routes = dict(extra_routes or {})

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        if scope["type"] != "http":
            raise ValueError(f"unsupported ASGI scope {scope['type']!r}")
        try:
            request = await _read(scope, receive, server.config.body_bytes_max)
        except errors.StatusError as error:
            await _send(send, answer_error(error))
            return
        if request is None:
            return
        route = _route(routes, request.path)
        answer = await route(request) if route else await handle(server, request)
        if isinstance(answer, Answer):
            await _send(send, answer)
        elif isinstance(answer, WatchAnswer):
            await _send_watch(answer, receive, send)
        else:
            await _send_stream(answer, receive, send)

    return app


def _route(routes: Mapping[str, Route], path: str) -> Route | None:
    found = routes.get(path)
    if found is None and routes:
        prefixes = (prefix for prefix in routes if prefix.endswith("/"))
        longest = max((p for p in prefixes if path.startswith(p)), key=len, default="")
        found = routes.get(longest)
    return found


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def _read(scope: Scope, receive: Receive, limit: int) -> Request | None:
    """Return the whole request, None if the client left; raises ``StatusError`` 413."""
    headers: dict[bytes, bytes] = {}
    impersonated: list[str] = []
    for name, value in scope["headers"]:
        if name == b"impersonate-group":
            impersonated.append(value.decode("latin-1"))
        headers[name] = value
    method = scope["method"]
    body = b""
    if method not in ("GET", "HEAD"):
        found = await _body(headers, receive, limit)
        if found is None:
            return None
        body = found
    path = scope["path"]
    root = scope.get("root_path", "")
    if root and path.startswith(root):
        path = path[len(root) :] or "/"
    return Request(
        method=method,
        path=path,
        query=Query.parse(scope["query_string"].decode("latin-1")),
        credentials=_credentials(scope, headers, tuple(impersonated)),
        content_type=headers.get(b"content-type", b"application/json").decode("latin-1"),
        accept=headers.get(b"accept", b"application/json").decode("latin-1"),
        body=body,
        user_agent=headers.get(b"user-agent", b"").decode("latin-1"),
    )


async def _body(headers: dict[bytes, bytes], receive: Receive, limit: int) -> bytes | None:
    length = headers.get(b"content-length", b"")
    if length.isdigit() and int(length) > limit:
        raise errors.too_large(f"limit is {limit}")
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise errors.too_large(f"limit is {limit}")
        chunks.append(chunk)
        if not message.get("more_body", False):
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _credentials(
    scope: Scope, headers: dict[bytes, bytes], impersonated: tuple[str, ...]
) -> Credentials:
    user = None
    certificate = (scope.get("extensions") or {}).get("kube_actors.client_certificate")
    if certificate and certificate["common_name"]:
        user = User(certificate["common_name"], certificate["organizations"])
    kind, _, token = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
    bearer = token.strip() if kind.lower() == "bearer" else ""
    other = None
    if b"impersonate-user" in headers:
        name = unquote(headers[b"impersonate-user"].decode("latin-1"))
        other = User(name, impersonated)
    elif impersonated:
        text = f"requested groups [{' '.join(impersonated)}] without impersonating a user"
        raise errors.internal(text)
    return Credentials(user, bearer if user is None else "", other)


def _headers(answer: Answer) -> list[tuple[bytes, bytes]]:
    headers = [(b"content-type", answer.content_type.encode("latin-1"))]
    headers.extend(_warnings(answer.warnings))
    headers.extend((n.encode("latin-1"), v.encode("latin-1")) for n, v in answer.headers)
    return headers


def _warnings(texts: tuple[str, ...]) -> list[tuple[bytes, bytes]]:
    # RFC 7234 section 5.5, with the agent "-" as kube-apiserver does.
    return [
        (b"warning", b'299 - "%b"' % _quoted(text).encode("utf-8", "replace")) for text in texts
    ]


def _quoted(text: str) -> str:
    printable = "".join(char if char.isprintable() else " " for char in text)
    return printable.replace("\\", "\\\\").replace('"', '\\"')


async def _send(send: Send, answer: Answer) -> None:
    headers = _headers(answer)
    headers.append((b"content-length", b"%d" % len(answer.body)))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


async def _start(send: Send, content_type: str, warnings: tuple[str, ...] = ()) -> None:
    headers = [(b"content-type", content_type.encode("latin-1")), *_warnings(warnings)]
    headers.append((b"cache-control", b"no-cache, private"))
    await send({"type": "http.response.start", "status": 200, "headers": headers})


async def _send_watch(answer: WatchAnswer, receive: Receive, send: Send) -> None:
    watcher = answer.watcher
    try:
        # The head leaves at once: a client waits for it before it believes that it watches.
        await _start(send, answer.content_type, answer.warnings)
        await send({"type": "http.response.body", "body": b"", "more_body": True})
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_cancel_when_gone, receive, tasks.cancel_scope)
            with anyio.move_on_after(answer.timeout_s):
                while events := await watcher.next_batch():
                    body = watch_lines(events, yaml="yaml" in answer.content_type)
                    await send({"type": "http.response.body", "body": body, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
            tasks.cancel_scope.cancel()
    except* OSError:
        # The client left while something was being sent to it.
        pass
    finally:
        watcher.end()


async def _cancel_when_gone(receive: Receive, scope: anyio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()


async def _send_stream(answer: StreamAnswer, receive: Receive, send: Send) -> None:
    started = False
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_cancel_when_gone, receive, tasks.cancel_scope)
            async with answer.chunks as chunks:
                async for chunk in chunks:
                    if not started:
                        started = True
                        await _start(send, answer.content_type)
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
            if not started:
                await _start(send, answer.content_type)
            await send({"type": "http.response.body", "body": b""})
            tasks.cancel_scope.cancel()
    except* errors.StatusError as group:
        if started:
            raise
        error = group.exceptions[0]
        assert isinstance(error, errors.StatusError)
        await _send(send, answer_error(error))
    except* OSError:
        pass
