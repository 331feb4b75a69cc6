"""Bytes in, requests out: httptools' callbacks gathered into plain request records.

Several pipelined requests may come out of one read; they are kept in arrival order. A request
that breaks the protocol or a limit becomes one ``BadRequest`` with the status to answer, after
which the connection must close. Nothing here waits.
"""

from collections import deque

import httptools

from kube_actors.apiserver.http.limits import Limits


class BadRequest(Exception):
    """The peer broke the protocol or a limit; ``status`` is what to answer before closing."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


class Incoming:
    """One request as it arrives: the head is whole, ``chunks`` fill until ``complete``."""

    __slots__ = (
        "chunks",
        "complete",
        "expects_continue",
        "headers",
        "keep_alive",
        "length",
        "method",
        "received",
        "target",
        "version",
    )

    def __init__(self) -> None:
        self.method = ""
        self.target = b""
        self.version = "1.1"
        self.headers: list[tuple[bytes, bytes]] = []
        self.chunks: deque[bytes] = deque()
        self.complete = False
        self.length: int | None = None
        self.received = 0
        self.keep_alive = True
        self.expects_continue = False

    def unread_bytes(self) -> float:
        """How much of the body nobody has taken yet; infinite while its length is unknown."""
        queued = sum(len(chunk) for chunk in self.chunks)
        if self.complete:
            return queued
        return float("inf") if self.length is None else self.length - self.received + queued


class RequestReader:
    """Feed it what the socket gave; take whole heads from ``ready``."""

    def __init__(self, limits: Limits) -> None:
        self.ready: deque[Incoming] = deque()
        self._limits = limits
        self._current = Incoming()
        self._in_head = False
        self._head_bytes = 0
        self._problem: BadRequest | None = None
        self._parser = httptools.HttpRequestParser(self)

    @property
    def in_head(self) -> bool:
        """Whether a request has begun whose head is not complete."""
        return self._in_head

    def feed(self, data: bytes) -> None:
        """Parse ``data``; raises ``BadRequest``."""
        if self._in_head:
            self._count_head(len(data))
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # Upgrades are not served here: the application answers it as a plain request,
            # and what follows on the wire is not HTTP.
            self._current.keep_alive = False
            self._current.complete = True
        except httptools.HttpParserError as error:
            raise self._problem or BadRequest(400, f"malformed HTTP request: {error}") from None
        if self._problem is not None:
            raise self._problem

    def _count_head(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > self._limits.head_bytes_max:
            raise BadRequest(431, "request header fields too large")

    def on_message_begin(self) -> None:
        """Begin a request (httptools' callback)."""
        self._current = Incoming()
        self._in_head = True
        self._head_bytes = 0

    def on_url(self, url: bytes) -> None:
        """Gather the request target, which may come in pieces."""
        self._current.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Gather one header; too many of them are 431."""
        headers = self._current.headers
        name = name.lower()
        headers.append((name, value))
        if len(headers) > self._limits.headers_max:
            self._problem = BadRequest(431, "too many request header fields")
            raise self._problem
        if name == b"expect" and value.lower() == b"100-continue":
            self._current.expects_continue = True
        elif name == b"content-length" and value.isdigit():
            self._current.length = int(value)

    def on_headers_complete(self) -> None:
        """Judge the head as a whole: its size, how its body is framed, whether the connection is
        kept.
        """
        current = self._current
        size = len(current.target) + sum(len(n) + len(v) for n, v in current.headers)
        if size > self._limits.head_bytes_max:
            self._problem = BadRequest(431, "request header fields too large")
            raise self._problem
        current.method = self._parser.get_method().decode("ascii")
        current.version = self._parser.get_http_version()
        current.keep_alive = self._parser.should_keep_alive()
        self._in_head = False
        self.ready.append(current)

    def on_body(self, body: bytes) -> None:
        """Gather a piece of the body; its size is the reader's to judge."""
        self._current.chunks.append(body)
        self._current.received += len(body)

    def on_message_complete(self) -> None:
        """Mark the request as whole."""
        self._current.complete = True
