"""One request and its response, seen by the application as ASGI's ``receive`` and ``send``.

A response whose body comes in one piece leaves in one write. A response in pieces is chunked.
While a response is being made, the peer's leaving is learnt only if the application waits for
it with ``receive``; a write to a peer that left raises ``ClientGone``.
"""

from collections.abc import Iterable
from typing import Any, Protocol

from kube_actors.apiserver.http.parsing import Incoming
from kube_actors.apiserver.http.response import CONTINUE, LAST_CHUNK, encode_chunk, encode_head

Message = dict[str, Any]
_BODILESS = frozenset((204, 304))


class ClientGone(OSError):
    """The peer closed the connection while it was being answered."""


class Line(Protocol):
    """What an exchange needs of its connection."""

    async def read(self) -> bool:
        """Feed the parser once; False when the peer has left."""

    async def write(self, data: bytes) -> None:
        """Send bytes; returns when the transport has taken them. Raises anyio's
        BrokenResourceError.
        """

    async def wait_gone(self) -> None:
        """Return when the peer has closed its side."""

    @property
    def closing(self) -> bool:
        """Whether the server drains, so that this response must be the connection's last."""

    def can_skip(self, request: Incoming) -> bool:
        """Say whether the connection will read past the rest of the body to the next request."""


class Exchange:
    """``finished`` says the response is whole; ``keep_alive`` whether another may follow."""

    __slots__ = (
        "_bodiless",
        "_body_given",
        "_chunked",
        "_head_sent",
        "_headers",
        "_line",
        "_request",
        "_status",
        "finished",
        "keep_alive",
    )

    def __init__(self, line: Line, request: Incoming) -> None:
        self._line = line
        self._request = request
        self._status = 0
        self._headers: Iterable[tuple[bytes, bytes]] = ()
        self._body_given = False
        self._head_sent = False
        self._chunked = False
        self._bodiless = False
        self.finished = False
        self.keep_alive = request.keep_alive

    @property
    def started(self) -> bool:
        """Whether the head of the response has been sent."""
        return self._head_sent

    async def receive(self) -> Message:
        """Give the body as it arrives, then ``http.disconnect`` once the client is gone (ASGI)."""
        request = self._request
        if self._body_given or self.finished:
            if not self.finished:
                await self._line.wait_gone()
            return {"type": "http.disconnect"}
        while not request.chunks and not request.complete:
            if request.expects_continue:
                request.expects_continue = False
                await self._line.write(CONTINUE)
            if not await self._line.read():
                return {"type": "http.disconnect"}
        chunks = request.chunks
        body = chunks.popleft() if len(chunks) == 1 else b"".join(chunks)
        chunks.clear()
        self._body_given = request.complete
        return {"type": "http.request", "body": body, "more_body": not request.complete}

    async def send(self, message: Message) -> None:
        """Take a part of the response (ASGI); the head leaves with the first part of the body."""
        kind = message["type"]
        if kind == "http.response.start":
            assert self._status == 0, "the response was already started"
            self._status = message["status"]
            self._headers = message.get("headers", ())
        elif kind == "http.response.body":
            assert self._status, "a body needs a started response"
            assert not self.finished, "the response was already finished"
            await self._send_body(message.get("body", b""), message.get("more_body", False))
        else:
            raise AssertionError(f"unknown ASGI message {kind!r}")

    async def _send_body(self, body: bytes, more: bool) -> None:
        if self._bodiless:
            data = b""
        elif self._chunked:
            data = encode_chunk(body) if body else b""
            if not more:
                data += LAST_CHUNK
        else:
            data = body
        if not self._head_sent:
            data = self._begin(body, more)
        self.finished = not more
        if data:
            await self._line.write(data)

    def _begin(self, body: bytes, more: bool) -> bytes:
        self._head_sent = True
        request = self._request
        if request.expects_continue or self._line.closing or not self._line.can_skip(request):
            # The peer may still send the body that was never asked for. A close that is not
            # announced would meet the peer's next request on its way.
            self.keep_alive = False
        self._bodiless = self._status in _BODILESS or request.method == "HEAD"
        sized = any(name.lower() == b"content-length" for name, _ in self._headers)
        framing = b""
        if sized or self._status in _BODILESS:
            pass
        elif not more:
            framing = b"content-length: %d\r\n" % len(body)
        elif request.version == "1.1":
            self._chunked = not self._bodiless
            framing = b"transfer-encoding: chunked\r\n"
        else:
            self.keep_alive = False
        if not self.keep_alive:
            framing += b"connection: close\r\n"
        head = encode_head(self._status, self._headers, framing)
        if self._bodiless or not body:
            return head + (LAST_CHUNK if self._chunked and not more else b"")
        return head + (encode_chunk(body) if self._chunked else body)
