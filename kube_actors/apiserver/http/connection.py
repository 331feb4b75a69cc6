"""One HTTP/1.1 connection over any byte stream, served by one ASGI application.

Requests are answered one after another in the connection's own task: no task, queue or cancel
scope per request. One cancel scope per connection carries whichever deadline applies now (idle,
head, body, send). The peer's faults end the connection quietly; the application's crash is
answered with a 500 and logged, so it stays its own.
"""

import logging
import ssl
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import unquote_to_bytes

import anyio
import attrs
from anyio.abc import AnyByteStream, ByteReceiveStream

from kube_actors.apiserver.http.exchange import ClientGone, Exchange, Message
from kube_actors.apiserver.http.limits import Limits
from kube_actors.apiserver.http.parsing import BadRequest, Incoming, RequestReader
from kube_actors.apiserver.http.response import plain

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]

PEER_FAULTS = (anyio.BrokenResourceError, anyio.ClosedResourceError, OSError, ssl.SSLError)
_ASGI = {"version": "3.0", "spec_version": "2.4"}
_log = logging.getLogger(__name__)


@attrs.frozen(kw_only=True)
class Endpoint:
    """What the connection is: ``extensions`` go into every ASGI scope as they are."""

    scheme: str = "http"
    client: tuple[str, int] | None = None
    server: tuple[str, int | None] | None = None
    extensions: dict[str, dict[str, Any]] = attrs.field(factory=dict)


class _Connection:
    def __init__(
        self, app: AsgiApp, stream: AnyByteStream, endpoint: Endpoint, limits: Limits
    ) -> None:
        self._app = app
        self._stream = stream
        self._endpoint = endpoint
        self._limits = limits
        self._reader = RequestReader(limits)
        self._scope = anyio.CancelScope()
        self.closing = False
        self.busy = False
        self.gone = False

    async def run(self) -> None:
        with self._scope:
            try:
                while await self._serve_next():
                    pass
            except BadRequest as problem:
                await self._refuse(problem)
            except PEER_FAULTS:
                pass

    def close(self) -> None:
        """Answer the request at hand, if any, and end."""
        self.closing = True
        if not self.busy:
            self._scope.cancel()

    async def _serve_next(self) -> bool:
        ready = self._reader.ready
        if not ready:
            self._deadline(self._limits.idle_timeout_s)
            while not ready:
                in_head = self._reader.in_head
                if not await self._feed():
                    return False
                if self._reader.in_head and not in_head:
                    self._deadline(self._limits.head_timeout_s)
        self.busy = True
        keep = await self._answer(ready.popleft())
        self.busy = False
        return keep and not self.closing

    async def _answer(self, request: Incoming) -> bool:
        self._scope.deadline = float("inf")
        exchange = Exchange(self, request)
        try:
            await self._app(self._asgi_scope(request), exchange.receive, exchange.send)
        except (BadRequest, ClientGone):
            raise
        except Exception:
            # This is the supervisor of connections: a crashed handler is answered and logged,
            # its peers and the listener live on.
            _log.exception("the application failed on %s %r", request.method, request.target)
            return await self._fail(exchange)
        if not exchange.finished:
            if self.gone:
                return False
            _log.error("the application left %r unanswered", request.target)
            return await self._fail(exchange)
        if exchange.keep_alive:
            return await self._drain(request)
        if not request.expects_continue and not self.can_skip(request):
            await self._linger(request)
        return False

    async def _fail(self, exchange: Exchange) -> bool:
        if not exchange.started:
            await self.write(plain(500, "internal error\n"))
        return False

    async def _refuse(self, problem: BadRequest) -> None:
        try:
            await self.write(plain(problem.status, problem.text + "\n"))
        except PEER_FAULTS:
            pass

    def can_skip(self, request: Incoming) -> bool:
        return request.unread_bytes() <= self._limits.unread_body_bytes_max

    async def _drain(self, request: Incoming) -> bool:
        """Read what is left of an unread body so that the next request can be found."""
        while not request.complete:
            request.chunks.clear()
            if not await self.read():
                return False
        request.chunks.clear()
        return True

    async def _linger(self, request: Incoming) -> None:
        """Swallow what is still being sent, for a while.

        A client that writes its whole body first would see a broken connection, not the answer.
        """
        left = self._limits.lingering_bytes_max
        self._deadline(self._limits.lingering_timeout_s)
        while left > 0 and not request.complete and await self._feed():
            left -= sum(len(chunk) for chunk in request.chunks)
            request.chunks.clear()

    def _asgi_scope(self, request: Incoming) -> Scope:
        raw_path, _, query = request.target.partition(b"?")
        path = unquote_to_bytes(raw_path) if b"%" in raw_path else raw_path
        endpoint = self._endpoint
        return {
            "type": "http",
            "asgi": _ASGI,
            "http_version": request.version,
            "method": request.method,
            "scheme": endpoint.scheme,
            "path": path.decode("utf-8", "replace"),
            "raw_path": raw_path,
            "query_string": query,
            "root_path": "",
            "headers": request.headers,
            "client": endpoint.client,
            "server": endpoint.server,
            "extensions": endpoint.extensions,
        }

    async def _receive(self) -> bytes:
        if isinstance(self._stream, ByteReceiveStream):
            return await self._stream.receive(self._limits.receive_bytes)
        return await self._stream.receive()

    def _deadline(self, timeout_s: float) -> None:
        self._scope.deadline = anyio.current_time() + timeout_s

    async def _feed(self) -> bool:
        try:
            data = await self._receive()
        except anyio.EndOfStream:
            self.gone = True
            return False
        self._reader.feed(data)
        return True

    async def read(self) -> bool:
        self._deadline(self._limits.body_timeout_s)
        alive = await self._feed()
        self._scope.deadline = float("inf")
        return alive

    async def write(self, data: bytes) -> None:
        self._deadline(self._limits.send_timeout_s)
        try:
            await self._stream.send(data)
        except PEER_FAULTS as error:
            self.gone = True
            raise ClientGone(str(error)) from error
        self._scope.deadline = float("inf")

    async def wait_gone(self) -> None:
        """Return when the peer closes; what it pipelines meanwhile is kept, within bounds."""
        try:
            while len(self._reader.ready) < self._limits.pipelined_max:
                if not await self._feed():
                    return
        except (BadRequest, *PEER_FAULTS):
            self.gone = True
            return
        await anyio.sleep_forever()


async def serve_connection(
    app: AsgiApp,
    stream: AnyByteStream,
    *,
    endpoint: Endpoint | None = None,
    limits: Limits | None = None,
    opened: Callable[[Callable[[], None]], None] | None = None,
) -> None:
    """Serve ``app`` on ``stream`` until either side ends it, then close the stream.

    ``opened`` is given a function that ends the connection after the request at hand.
    """
    connection = _Connection(app, stream, endpoint or Endpoint(), limits or Limits())
    if opened is not None:
        opened(connection.close)
    try:
        await connection.run()
    finally:
        with anyio.CancelScope(shield=True, deadline=anyio.current_time() + 1.0):
            try:
                await stream.aclose()
            except PEER_FAULTS:
                pass
