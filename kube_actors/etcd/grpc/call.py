"""One call: a stream of messages each way, ended by trailers or by a failure."""

from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from kube_actors.etcd.grpc.framing import MessageReader, framed
from kube_actors.etcd.grpc.link import Link
from kube_actors.etcd.grpc.signal import Signal
from kube_actors.etcd.grpc.status import Code, GrpcError, Headers, trailers_of

BACKLOG_BYTES = 256 << 10
"""How much a sender may be ahead of the peer's window."""
UNREAD_BYTES = 256 << 10
"""How much may wait to be received before the window is kept closed."""


class Carrier(Protocol):
    """What a call needs of the connection that carries it."""

    message_bytes_max: int
    closed: bool

    @property
    def link(self) -> Link:
        """Return the HTTP/2 connection without IO."""

    def flush(self) -> None:
        """Have what the link holds written."""

    def forget(self, call: "Call") -> None:
        """Let a call go that is over."""


class Call:
    """Both sides' half of the state. Several tasks may send; each message goes whole."""

    __slots__ = (
        "_answered",
        "_changed",
        "_connection",
        "_held",
        "_inbox",
        "_inbox_bytes",
        "_reader",
        "ended",
        "error",
        "finished",
        "headers",
        "method",
        "on_failure",
        "stream",
        "trailers",
    )

    def __init__(self, connection: Carrier, stream: int, headers: Headers) -> None:
        self._connection = connection
        self._reader = MessageReader(connection.message_bytes_max)
        self._inbox: deque[bytes] = deque()
        self._inbox_bytes = 0
        self._held = 0
        self._changed = Signal()
        self._answered = False
        self.stream = stream
        self.headers = headers
        self.trailers: Headers | None = None
        self.ended = False
        self.error: GrpcError | None = None
        self.finished = False
        self.method: Any = None
        self.on_failure: Callable[[], None] | None = None

    # -- what the connection tells

    def arrived(self, data: bytes, weight: int) -> None:
        """Take data; raises GrpcError when it can be no message."""
        for message in self._reader.feed(data):
            self._inbox.append(message)
            self._inbox_bytes += len(message)
        if self._inbox_bytes > UNREAD_BYTES:
            self._held += weight
        else:
            self._connection.link.consumed(self.stream, weight)
        self._changed.notify()

    def end(self) -> None:
        """The other side sends no more."""
        if self._reader.partial and self.error is None:
            self.error = GrpcError(Code.INTERNAL, "grpc: the stream ended inside a message")
        self.ended = True
        self._changed.notify()

    def fail(self, error: GrpcError) -> None:
        """The call is over, badly; what was received before can still be read."""
        if self.error is None:
            self.error = error
        self.ended = True
        self._changed.notify()
        if self.on_failure is not None:
            self.on_failure()

    def release(self) -> None:
        """Nobody will read what came: give its part of the connection's window back."""
        held, self._held = self._held, 0
        self._connection.link.consumed(self.stream, held)

    def drained(self) -> None:
        """Some of what was to be sent is on its way."""
        self._changed.notify()

    # -- what its user does

    @property
    def messages(self) -> int:
        """How many messages wait to be received."""
        return len(self._inbox)

    async def receive(self) -> bytes | None:
        """Return the next message, None after the last; raises GrpcError when the call failed."""
        while not self._inbox:
            if self.ended:
                if self.error is not None:
                    raise self.error
                return None
            await self._changed.wait()
        message = self._inbox.popleft()
        self._inbox_bytes -= len(message)
        if self._held and self._inbox_bytes <= UNREAD_BYTES:
            self._connection.link.consumed(self.stream, self._held)
            self._held = 0
            self._connection.flush()
        return message

    def send_nowait(self, message: bytes, *, end: bool = False) -> None:
        """Queue a message, however far behind the peer is."""
        self._connection.link.data(self.stream, framed(message), end=end)
        self._connection.flush()

    async def send(self, message: bytes) -> None:
        """Queue a message; wait while the peer is far behind. Raises GrpcError if it is gone."""
        link = self._connection.link
        while link.waiting(self.stream) > BACKLOG_BYTES and not self._gone:
            await self._changed.wait()
        if self._gone:
            raise self.error or GrpcError(Code.CANCELLED, "the call is over")
        self.send_nowait(message)

    @property
    def _gone(self) -> bool:
        return self.finished or self.error is not None or self._connection.closed

    def end_sending(self) -> None:
        """Say that no more messages follow."""
        self._connection.link.data(self.stream, b"", end=True)
        self._connection.flush()

    def answer_headers(self) -> None:
        """Begin the answer, once."""
        if not self._answered:
            self._answered = True
            self._connection.link.headers(
                self.stream, [(b":status", b"200"), (b"content-type", b"application/grpc")]
            )

    def finish(self, code: Code, text: str = "") -> None:
        """End the call from the server's side; without an answer begun in one block of headers."""
        if self.finished:
            return
        self.finished = True
        trailers = trailers_of(code, text)
        if not self._answered:
            trailers = [(b":status", b"200"), (b"content-type", b"application/grpc"), *trailers]
        self._connection.link.trailers(self.stream, trailers)
        self._connection.forget(self)

    def cancel(self) -> None:
        """End the call from either side without a word about why."""
        if not self.finished:
            self.finished = True
            self._connection.link.reset(self.stream)
            self._connection.forget(self)
