"""A gRPC client: one connection to one of several endpoints, dialled when it is needed.

When an endpoint cannot be reached, or its connection broke, the next one is tried. What was sent
is never sent again from here: a ``GrpcError`` says whether the request was surely not received,
and the caller decides.
"""

import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import anyio
from anyio.abc import ByteStream
from anyio.streams.tls import TLSStream
from attrs import frozen

from kube_actors.etcd.grpc.call import Call
from kube_actors.etcd.grpc.connection import Connection
from kube_actors.etcd.grpc.framing import format_timeout
from kube_actors.etcd.grpc.status import Code, GrpcError, Headers

MESSAGE_BYTES_MAX = 1 << 31
DIAL_TIMEOUT_S = 3.0

Spawn = Callable[..., Any]
"""Starts a task that outlives the call: ``spawn(async_function, *args)``."""


@frozen
class Endpoint:
    """Where a server is; with ``tls`` its certificate must be for ``host``."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None

    def __str__(self) -> str:
        return f"{'https' if self.tls else 'http'}://{self.host}:{self.port}"


Dial = Callable[[Endpoint], Awaitable[ByteStream]]


async def dial_tcp(endpoint: Endpoint) -> ByteStream:
    """Connect, and shake hands if the endpoint has TLS; raises OSError."""
    stream: ByteStream = await anyio.connect_tcp(endpoint.host, endpoint.port)
    if endpoint.tls is None:
        return stream
    try:
        return await TLSStream.wrap(
            stream,
            hostname=endpoint.host,
            ssl_context=endpoint.tls,
            standard_compatible=False,
        )
    except BaseException as error:
        await _abandon(stream)
        if isinstance(error, anyio.EndOfStream | anyio.BrokenResourceError):
            raise OSError("the TLS handshake failed: the connection was closed") from error
        raise


async def _abandon(stream: ByteStream) -> None:
    """Close at once, even when cancelled: nobody else would."""
    with anyio.CancelScope(shield=True):
        await anyio.aclose_forcefully(stream)


class Channel:
    """Calls go over the present connection; ``spawn`` runs it and must not end before its users."""

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        spawn: Spawn,
        *,
        dial: Dial = dial_tcp,
        message_bytes_max: int = MESSAGE_BYTES_MAX,
    ) -> None:
        if not endpoints:
            raise ValueError("a channel needs at least one endpoint")
        self._endpoints = tuple(endpoints)
        self._spawn = spawn
        self._dial = dial
        self._message_bytes_max = message_bytes_max
        self._preferred = 0
        self._connection: Connection | None = None
        self._dialling = anyio.Lock()

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """Every endpoint, in the order in which they were given."""
        return self._endpoints

    @property
    def endpoint(self) -> Endpoint:
        """The one that is used, or tried next."""
        return self._endpoints[self._preferred]

    def move_on(self, failed: str) -> None:
        """Use the next endpoint for further calls, unless ``failed`` is left already.

        Calls at hand go on where they are.
        """
        if str(self.endpoint) != failed:
            return
        self._preferred = (self._preferred + 1) % len(self._endpoints)
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.retire()

    async def unary(self, path: str, request: bytes, timeout_s: float) -> bytes:
        """Call and return the answer; raises GrpcError, DEADLINE_EXCEEDED after ``timeout_s``."""
        call: Call | None = None
        with anyio.move_on_after(timeout_s):
            call = await self._begin(path, timeout_s)
            try:
                call.send_nowait(request, end=True)
                answer = await call.receive()
                if answer is None:
                    raise GrpcError(Code.INTERNAL, "the call was answered with no message")
                after = await call.receive()
                if after is not None:
                    raise GrpcError(Code.INTERNAL, "the call was answered with several messages")
                return answer
            finally:
                call.cancel()
        raise GrpcError(
            Code.DEADLINE_EXCEEDED,
            f"no answer from {self.endpoint} within {timeout_s:g} s",
            received=call is not None,
        )

    @asynccontextmanager
    async def stream(self, path: str) -> AsyncGenerator[Call, None]:
        """Open a call that streams; leaving the block cancels it."""
        call = await self._begin(path, None)
        try:
            yield call
        finally:
            call.cancel()

    async def _begin(self, path: str, timeout_s: float | None) -> Call:
        while True:
            connection = self._connection
            if connection is None or not connection.usable:
                connection = await self._connect()
            if not connection.link.streams_left:
                await connection.wait_for_room()
                continue
            return connection.call(self._headers(path, timeout_s))

    def _headers(self, path: str, timeout_s: float | None) -> Headers:
        endpoint = self.endpoint
        headers = [
            (b":method", b"POST"),
            (b":scheme", b"https" if endpoint.tls else b"http"),
            (b":path", path.encode()),
            (b":authority", f"{endpoint.host}:{endpoint.port}".encode()),
            (b"te", b"trailers"),
            (b"content-type", b"application/grpc"),
        ]
        if timeout_s is not None:
            headers.append((b"grpc-timeout", format_timeout(timeout_s)))
        return headers

    async def _connect(self) -> Connection:
        async with self._dialling:
            if self._connection is not None and self._connection.usable:
                return self._connection
            failures: list[str] = []
            for _ in self._endpoints:
                endpoint = self.endpoint
                try:
                    with anyio.fail_after(DIAL_TIMEOUT_S):
                        stream = await self._dial(endpoint)
                except (OSError, TimeoutError) as error:
                    failures.append(f"{endpoint}: {error or type(error).__name__}")
                    self._preferred = (self._preferred + 1) % len(self._endpoints)
                    continue
                connection = Connection(
                    stream, client=True, message_bytes_max=self._message_bytes_max
                )
                self._connection = connection
                self._spawn(connection.run)
                return connection
            raise GrpcError(Code.UNAVAILABLE, "; ".join(failures), received=False)


__all__ = ["Channel", "Dial", "Endpoint", "dial_tcp"]
