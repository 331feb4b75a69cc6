"""The HTTP server over in-memory connections, on virtual time: framing, limits, departures."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import anyio
import pytest

from kube_actors.apiserver.http import ClientGone, Limits, serve, serve_connection
from tests.apiserver.pipe import PipeEnd, pipe


class App:
    """Echoes method, path and body; special paths misbehave. Remembers what it saw."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.left = anyio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.seen.append(f"{scope['method']} {scope['path']}?{scope['query_string'].decode()}")
        path = scope["path"]
        if path == "/crash":
            raise RuntimeError("a bug")
        if path == "/unread":
            await self._answer(send, b"no")
            return
        if path == "/stream":
            await self._stream(receive, send)
            return
        body = b""
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message["body"]
            if not message["more_body"]:
                break
        await self._answer(send, scope["method"].encode() + b" " + body)

    async def _answer(self, send: Any, body: bytes) -> None:
        headers = [(b"content-type", b"text/plain")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _stream(self, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._wait_gone, receive, tasks)
                while True:
                    await send({"type": "http.response.body", "body": b"tick", "more_body": True})
                    await anyio.sleep(1)
        except* ClientGone:
            self.left.set()

    async def _wait_gone(self, receive: Any, tasks: Any) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self.left.set()
        tasks.cancel_scope.cancel()


@asynccontextmanager
async def connected(app: Any, capacity: float = 100, **limits: Any) -> AsyncIterator[PipeEnd]:
    """Give the client's end of a connection that ``app`` is served on."""
    ours, theirs = pipe(capacity)
    async with anyio.create_task_group() as tasks:

        async def run() -> None:
            await serve_connection(app, theirs, limits=Limits(**limits))

        tasks.start_soon(run)
        yield ours
        await ours.aclose()
        tasks.cancel_scope.cancel()


async def read_all(end: PipeEnd) -> bytes:
    data = b""
    try:
        while True:
            data += await end.receive()
    except (anyio.EndOfStream, anyio.ClosedResourceError, anyio.BrokenResourceError):
        return data


@pytest.mark.anyio
async def test_one_connection_serves_request_after_request() -> None:
    app = App()
    async with connected(app) as end:
        for _ in range(3):
            await end.send(b"GET /a%20b?x=1 HTTP/1.1\r\nhost: h\r\n\r\n")
            answer = await end.receive()
            assert answer.startswith(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n")
            assert answer.endswith(b"content-length: 4\r\n\r\nGET ")
    assert app.seen == ["GET /a b?x=1"] * 3


@pytest.mark.anyio
async def test_pipelined_requests_are_answered_in_order() -> None:
    async with connected(App()) as end:
        one = b"POST /%d HTTP/1.1\r\ncontent-length: 1\r\n\r\n%d"
        await end.send(b"".join(one % (n, n) for n in range(5)))
        await end.send_eof()
        answer = await read_all(end)
        assert [answer.index(b"POST %d" % n) for n in range(5)] == sorted(
            answer.index(b"POST %d" % n) for n in range(5)
        )


@pytest.mark.anyio
async def test_a_body_may_come_byte_by_byte_or_in_chunks() -> None:
    async with connected(App()) as end:
        for byte in b"POST / HTTP/1.1\r\ncontent-length: 5\r\n\r\nhello":
            await end.send(bytes((byte,)))
        assert (await end.receive()).endswith(b"POST hello")
        await end.send(b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n")
        await end.send(b"2\r\nde\r\n0\r\n\r\n")
        assert (await end.receive()).endswith(b"POST abcde")


@pytest.mark.anyio
async def test_a_client_that_expects_100_is_told_to_continue() -> None:
    async with connected(App()) as end:
        await end.send(b"POST / HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n")
        assert await end.receive() == b"HTTP/1.1 100 Continue\r\n\r\n"
        await end.send(b"ok")
        assert (await end.receive()).endswith(b"POST ok")
        await end.send(
            b"POST /unread HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n"
        )
        assert b"connection: close" in await read_all(end)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nx: " + b"y" * 3000 + b"\r\n\r\n", b"431"),
        (b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 20 + b"\r\n", b"431"),
        (b"GET /" + b"a" * 3000 + b" HTTP/1.1\r\n\r\n", b"431"),
    ],
)
async def test_what_breaks_the_protocol_or_a_limit_is_refused_and_closed(
    request_: bytes, status: bytes
) -> None:
    async with connected(App(), head_bytes_max=2000, headers_max=10) as end:
        await end.send(request_)
        answer = await read_all(end)
        assert answer.startswith(b"HTTP/1.1 " + status)
        assert b"connection: close" in answer


@pytest.mark.anyio
async def test_an_unread_body_is_skipped_when_small_and_ends_the_connection_when_not() -> None:
    async with connected(App(), unread_body_bytes_max=100) as end:
        await end.send(b"POST /unread HTTP/1.1\r\ncontent-length: 50\r\n\r\n" + b"x" * 50)
        answer = await end.receive()
        assert answer.endswith(b"no")
        assert b"connection: close" not in answer
        await end.send(b"POST /unread HTTP/1.1\r\ncontent-length: 500\r\n\r\n" + b"x" * 200)
        answer = await read_all(end)
        assert answer.endswith(b"no")
        # Unannounced, the close would meet the client's next request on its way.
        assert b"connection: close" in answer


@pytest.mark.anyio
async def test_a_client_that_sends_all_of_a_large_body_first_still_reads_the_answer() -> None:
    async with connected(App(), unread_body_bytes_max=100) as end:
        await end.send(b"POST /unread HTTP/1.1\r\ncontent-length: 400000\r\n\r\n")
        for _ in range(40):
            await end.send(b"x" * 10_000)
        assert (await read_all(end)).endswith(b"no")


@pytest.mark.anyio
async def test_a_crash_of_the_application_is_a_500_and_its_own() -> None:
    async with connected(App()) as end:
        await end.send(b"GET /crash HTTP/1.1\r\n\r\n")
        assert (await read_all(end)).startswith(b"HTTP/1.1 500")


@pytest.mark.anyio
async def test_a_client_leaving_mid_stream_ends_the_handler() -> None:
    app = App()
    async with connected(app) as end:
        await end.send(b"GET /stream HTTP/1.1\r\n\r\n")
        first = await end.receive()
        assert b"transfer-encoding: chunked" in first
        assert first.endswith(b"4\r\ntick\r\n")
        assert await end.receive() == b"4\r\ntick\r\n"
        await end.send_eof()
        with anyio.fail_after(5):
            await app.left.wait()


@pytest.mark.anyio
async def test_a_client_that_reads_nothing_is_dropped() -> None:
    app = App()
    async with connected(app, capacity=2, send_timeout_s=10) as end:
        await end.send(b"GET /stream HTTP/1.1\r\n\r\n")
        await anyio.sleep(60)
        assert (await read_all(end)).count(b"tick") <= 3


@pytest.mark.anyio
@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nx:"])
async def test_idle_and_dawdling_connections_are_closed(sent: bytes) -> None:
    async with connected(App(), idle_timeout_s=20, head_timeout_s=10) as end:
        began = anyio.current_time()
        if sent:
            await end.send(sent)
        assert await read_all(end) == b""
        assert anyio.current_time() - began == pytest.approx(10 if sent else 20, abs=1)


@pytest.mark.anyio
async def test_head_and_http_1_0_are_framed_as_they_must() -> None:
    async with connected(App()) as end:
        await end.send(b"HEAD / HTTP/1.1\r\n\r\n")
        assert (await end.receive()).endswith(b"content-length: 5\r\n\r\n")
        await end.send(b"GET / HTTP/1.0\r\n\r\n")
        assert b"connection: close" in await read_all(end)


class OnePeer(anyio.abc.Listener[PipeEnd]):
    """A listener whose one peer connects and then says nothing."""

    def __init__(self, stream: PipeEnd) -> None:
        self._stream = stream

    async def serve(self, handler: Any, task_group: Any = None) -> None:
        task_group.start_soon(handler, self._stream)
        await anyio.sleep_forever()

    async def aclose(self) -> None: ...


@pytest.mark.anyio
async def test_a_server_that_ends_during_a_handshake_closes_the_socket() -> None:
    ours, theirs = pipe(10)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(partial(serve, App(), OnePeer(theirs), tls=tls))
        await anyio.sleep(1)
        tasks.cancel_scope.cancel()
    with pytest.raises(anyio.EndOfStream):
        await ours.receive()
    await ours.aclose()
