"""A gRPC server: finds the method of each request, runs it in a task, answers with its outcome.

A connection that speaks no HTTP/2, a message that cannot be read or a handler that fails costs
that connection or that call; everybody else is served on. Leaving early (a reset, a deadline, a
closed connection) cancels the handler.
"""

import logging
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Protocol

import anyio
from anyio.abc import ByteStream
from attrs import frozen

from kube_actors.actor.tcp import listening as tcp_listening
from kube_actors.etcd.grpc.call import Call
from kube_actors.etcd.grpc.connection import GONE, Connection
from kube_actors.etcd.grpc.framing import parse_timeout
from kube_actors.etcd.grpc.status import Code, GrpcError, Headers

MESSAGE_BYTES_MAX = 2 << 20
CONNECTIONS_MAX = 4096
HANDSHAKE_TIMEOUT_S = 10.0
_log = logging.getLogger(__name__)


class Parsed(Protocol):
    """A protobuf message, as far as a method's answer is concerned."""

    def SerializeToString(self) -> bytes:  # noqa: N802
        """Return its bytes."""


class Parser(Protocol):
    """A protobuf message class, as far as a method's request is concerned."""

    def FromString(self, data: bytes) -> Any:  # noqa: N802
        """Parse bytes; raises protobuf's DecodeError for what is no such message."""


@frozen
class Unary:
    """One request, one answer."""

    request: Parser
    handler: Callable[[Any], Awaitable[Parsed]]


@frozen
class Streaming:
    """Requests as they come, answers through ``send``; ends when the handler returns."""

    request: Parser
    handler: "Callable[[AsyncIterator[Any], Answers], Awaitable[None]]"


Methods = Mapping[str, Unary | Streaming]
Translate = Callable[[Exception], GrpcError | None]


class Guard(Protocol):
    """Runs the handler of a call with these headers, or raises; ``lasting`` for a stream."""

    async def __call__(
        self, headers: Headers, handler: Callable[[], Awaitable[None]], *, lasting: bool
    ) -> None: ...


async def _unguarded(
    headers: Headers, handler: Callable[[], Awaitable[None]], *, lasting: bool
) -> None:
    await handler()


class Answers:
    """The answers of a streaming call."""

    def __init__(self, call: Call) -> None:
        self._call = call

    async def send(self, answer: Parsed) -> None:
        """Send one; waits while the reader is far behind."""
        self._call.answer_headers()
        await self._call.send(answer.SerializeToString())


class GrpcServer:
    """Serves ``methods`` by their paths. ``translate`` names the failures handlers may raise.

    ``guard`` runs each handler and may refuse to.
    """

    def __init__(
        self,
        methods: Methods,
        translate: Translate,
        *,
        message_bytes_max: int = MESSAGE_BYTES_MAX,
        connections_max: int = CONNECTIONS_MAX,
        guard: Guard | None = None,
    ) -> None:
        self._methods = {path.encode(): method for path, method in methods.items()}
        self._translate = translate
        self._message_bytes_max = message_bytes_max
        self._connections_max = connections_max
        self._guard = guard or _unguarded
        self._connections = 0
        self._crowded = False

    async def serve(
        self, listener: anyio.abc.Listener[Any], *, tls: ssl.SSLContext | None = None
    ) -> None:
        """Serve every connection that ``listener`` accepts, until cancelled.

        Whoever comes when there are ``connections_max`` already is hung up on: each of them may
        have a thousand streams open, and others shall be served on.
        """

        async def handle(stream: ByteStream) -> None:
            if self._connections >= self._connections_max:
                self._turn_away()
                await anyio.aclose_forcefully(stream)
                return
            self._connections += 1
            try:
                await serve_it(stream)
            finally:
                self._connections -= 1
                self._crowded = self._crowded and self._connections > self._connections_max // 2

        async def serve_it(stream: ByteStream) -> None:
            try:
                chosen: ByteStream | None = stream
                if tls is not None:
                    chosen = await tcp_listening.secure(
                        stream, tls, timeout_s=HANDSHAKE_TIMEOUT_S, trouble=not_secured
                    )
                if chosen is not None:
                    await self.serve_connection(chosen)
            except GONE as error:
                _log.debug("a connection ended early: %s", error)

        def trouble(text: str) -> None:
            _log.warning("accepting a connection failed: %s", text)

        def not_secured(text: str) -> None:
            _log.debug("TLS handshake failed: %s", text)

        async with anyio.create_task_group() as connections:
            await tcp_listening.serve(listener, handle, connections, trouble)

    def _turn_away(self) -> None:
        if not self._crowded:
            self._crowded = True
            _log.warning(
                "%d connections are open, as many as may be: more are hung up on",
                self._connections,
            )

    async def serve_connection(self, stream: ByteStream) -> None:
        """Serve one connection until it ends; says GOAWAY when cancelled."""
        async with anyio.create_task_group() as calls:
            served = _Served(self, calls)
            connection = Connection(
                stream,
                client=False,
                message_bytes_max=self._message_bytes_max,
                begun=served.begun,
                ended=served.ended,
            )
            try:
                await connection.run()
            finally:
                calls.cancel_scope.cancel()

    def method(self, call: Call) -> Unary | Streaming:
        """Find what a request is for; raises GrpcError."""
        headers = dict(call.headers)
        if headers.get(b":method") != b"POST":
            raise GrpcError(Code.INTERNAL, "a gRPC request is a POST")
        if not headers.get(b"content-type", b"").startswith(b"application/grpc"):
            raise GrpcError(Code.INTERNAL, "the content-type is not application/grpc")
        path = headers.get(b":path", b"")
        found = self._methods.get(path)
        if found is None:
            raise GrpcError(Code.UNIMPLEMENTED, f"unknown method {path.decode('latin-1')}")
        return found

    async def run(self, call: Call, method: Unary | Streaming) -> None:
        """Run a handler and say how it ended."""
        timeout_s: float | None = None
        try:
            for name, value in call.headers:
                if name == b"grpc-timeout":
                    timeout_s = parse_timeout(value)
            with anyio.move_on_after(timeout_s) as scope:
                handle: Callable[[], Awaitable[None]]
                if isinstance(method, Unary):
                    handle = partial(self._run_unary, call, method)
                else:
                    requests = _Requests(call, method.request)
                    handle = partial[Awaitable[None]](method.handler, requests, Answers(call))
                await self._guard(call.headers, handle, lasting=isinstance(method, Streaming))
            if scope.cancelled_caught:
                call.finish(Code.DEADLINE_EXCEEDED, "context deadline exceeded")
            else:
                call.answer_headers()
                call.finish(Code.OK)
        except GrpcError as error:
            call.finish(error.code, error.text)
        except Exception as error:
            # The last line of defence, as an HTTP server's 500: one call's bug ends that call.
            told = self._translate(error)
            if told is None:
                _log.exception("a handler failed")
                told = GrpcError(Code.UNKNOWN, f"{type(error).__name__}: {error}")
            call.finish(told.code, told.text)

    async def _run_unary(self, call: Call, method: Unary) -> None:
        data = await call.receive()
        if data is None or call.messages:
            raise GrpcError(Code.INTERNAL, "a unary call takes exactly one message")
        answer = await method.handler(_parsed(method.request, data))
        call.answer_headers()
        call.send_nowait(answer.SerializeToString())


class _Served:
    """The calls of one connection and the tasks that serve them."""

    def __init__(self, server: GrpcServer, tasks: anyio.abc.TaskGroup) -> None:
        self._server = server
        self._tasks = tasks

    def begun(self, call: Call) -> None:
        try:
            method = self._server.method(call)
        except GrpcError as error:
            call.finish(error.code, error.text)
            return
        if isinstance(method, Streaming):
            self._tasks.start_soon(self._serve, call, method)
        else:
            call.method = method

    def ended(self, call: Call) -> None:
        if call.method is not None and not call.finished:
            self._tasks.start_soon(self._serve, call, call.method)

    async def _serve(self, call: Call, method: Unary | Streaming) -> None:
        with anyio.CancelScope() as scope:
            call.on_failure = scope.cancel
            if call.error is None:
                await self._server.run(call, method)
            else:
                call.finish(call.error.code, call.error.text)


class _Requests:
    """The requests of a streaming call. No generator: whoever stops early leaves nothing to end."""

    def __init__(self, call: Call, parser: Parser) -> None:
        self._call = call
        self._parser = parser

    def __aiter__(self) -> "_Requests":
        return self

    async def __anext__(self) -> Any:
        data = await self._call.receive()
        if data is None:
            raise StopAsyncIteration
        return _parsed(self._parser, data)


def _parsed(parser: Parser, data: bytes) -> Any:
    try:
        return parser.FromString(data)
    except ValueError as error:
        raise GrpcError(Code.INTERNAL, f"grpc: failed to unmarshal: {error}") from error
