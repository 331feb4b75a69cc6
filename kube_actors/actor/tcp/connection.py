"""One connection to another process: socket, TLS and frames as one state machine without tasks.

Everything is a callback from the event loop. What is sent while the socket is busy is gathered and
goes out in one write. Whatever is wrong (socket, TLS, frames) closes this connection and says why,
once; nothing raises.
"""

import contextlib
import socket
import ssl
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final

from kube_actors.actor.errors import MalformedMessage
from kube_actors.actor.talk import REPLY, Envelope
from kube_actors.actor.tcp.config import TcpConfig
from kube_actors.actor.tcp.events import Due, Events
from kube_actors.actor.tcp.frames import FrameReader, pack, size_of

READ_BYTES: Final = 1 << 18
"""Taken from the socket at once."""
WRITE_BYTES: Final = 1 << 18
"""Gathered for one write; more follows when the socket has room."""
HELLO_BYTES_MAX: Final = 1 << 17
"""Size of a frame before the other end is known."""


class Connection:
    """``received`` gets every envelope, ``closed`` the reason, once, when it ends.

    ``peer`` is for messages: an address at first, the name when it is known. ``dialled`` says
    which side opened it.
    """

    def __init__(
        self,
        sock: socket.socket,
        tls: ssl.SSLContext | None,
        events: Events,
        due: Due,
        config: TcpConfig,
        *,
        dialled: str,
        peer: str,
    ) -> None:
        self.dialled = dialled
        self.peer = peer
        self.name = ""
        self.incarnation = 0
        self.open = False
        self.refused = False
        self.is_closed = False
        self.heard_s = events.time()
        self.spoke = False
        self.queued_bytes = 0
        self.received: Callable[[Connection, Envelope], None]
        self.secured: Callable[[Connection], None]
        self.closed: Callable[[Connection, str], None]
        self._sock = sock
        self._events = events
        self._due = due
        self._config = config
        self._reader = FrameReader(min(HELLO_BYTES_MAX, config.frame_bytes_max))
        self._queue: deque[Envelope] = deque()
        self._parts: deque[bytes | memoryview] = deque()
        self._unsent: bytes | memoryview = b""
        self._scheduled = False
        self._closing = ""
        self._tls: ssl.SSLObject | None = None
        self._shaken = tls is None
        if tls is not None:
            self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            self._tls = tls.wrap_bio(
                self._incoming,
                self._outgoing,
                server_side=not dialled,
                server_hostname=dialled or None,
            )

    def start(self) -> None:
        """Begin; the callbacks must be set. ``secured`` is called when TLS is established."""
        with contextlib.suppress(OSError):
            self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._events.watch(self._sock, self._readable)
        if self._shaken:
            self.secured(self)
        else:
            self._shake()

    @property
    def certificate(self) -> Mapping[str, Any] | None:
        """The peer's verified certificate as ``ssl`` describes it; None without TLS."""
        return None if self._tls is None else self._tls.getpeercert() or {}

    @property
    def secure(self) -> bool:
        """Whether it speaks TLS, also before that is established."""
        return self._tls is not None

    @property
    def queued(self) -> int:
        """How many envelopes have not begun to leave."""
        return len(self._queue)

    def opened(self, name: str, incarnation: int) -> None:
        """The other end is known: frames may be as large as configured from now on."""
        self.open = True
        self.peer = self.name = name
        self.incarnation = incarnation
        self._reader.frame_bytes_max = self._config.frame_bytes_max

    def send(self, envelope: Envelope) -> None:
        """Queue an envelope; it leaves with whatever else is queued by then."""
        if self.is_closed:
            return
        self._queue.append(envelope)
        self.queued_bytes += size_of(envelope)
        if not self._scheduled and not self._unsent:
            self._scheduled = True
            self._due.add(self.flush, first=envelope.kind == REPLY)

    def unsent(self) -> list[Envelope]:
        """Take what never left the queue; for who must say so."""
        left = list(self._queue)
        self._queue.clear()
        return left

    def close(self, reason: str) -> None:
        """End it now."""
        if self.is_closed:
            return
        self.is_closed = True
        self._events.unwatch(self._sock)
        self._sock.close()
        self._parts.clear()
        self._unsent = b""
        self.closed(self, reason)

    def close_after_sending(self, reason: str) -> None:
        """End it when what is queued has left, or could not at once."""
        self._closing = reason
        self.flush()
        self.close(reason)

    # -- reading

    def _readable(self) -> None:
        if self.is_closed:
            return
        try:
            data = self._sock.recv(READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self.close(error.strerror or str(error))
            return
        if not data:
            self._ended()
            return
        self.heard_s = self._events.time()
        if self._tls is None:
            self._feed(data)
            return
        self._incoming.write(data)
        if not self._shaken:
            self._shake()
        if self._shaken and not self.is_closed:
            self._decrypt(self._tls)

    def _ended(self) -> None:
        if not self._shaken:
            self.close("it hung up during the TLS handshake")
        elif self._reader.held_bytes:
            self.close("it hung up in the middle of a frame")
        else:
            self.close("it hung up")

    def _shake(self) -> None:
        assert self._tls is not None
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            self._put_out()
            return
        except (ssl.SSLError, ssl.CertificateError, OSError, ValueError) as error:
            self._put_out()
            self.close(f"TLS: {_plainly(error)}")
            return
        self._shaken = True
        self._put_out()
        if not self.is_closed:
            self.secured(self)

    def _decrypt(self, tls: ssl.SSLObject) -> None:
        ended, plain = "", []
        try:
            while chunk := tls.read(READ_BYTES):
                plain.append(chunk)
                if not (self._incoming.pending or tls.pending()):
                    break
            else:
                ended = "it hung up"
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            ended = "it hung up"
        except (ssl.SSLError, OSError, ValueError) as error:
            ended = f"TLS: {_plainly(error)}"
        if self._outgoing.pending:
            self._put_out()
        if plain and not self.is_closed:
            self._feed(plain[0] if len(plain) == 1 else b"".join(plain))
        if ended and not self.is_closed:
            self.close(ended)

    def _feed(self, data: bytes) -> None:
        try:
            for envelope in self._reader.feed(data):
                self.received(self, envelope)
                if self.is_closed:
                    return
        except MalformedMessage as error:
            self.close(f"it sent {error}")

    # -- writing

    def flush(self) -> None:
        """Send what is queued, as far as the socket takes it."""
        self._scheduled = False
        while not self.is_closed and self._shaken and not self._unsent:
            data = self._gather()
            if not data:
                return
            self.spoke = True
            if self._tls is not None:
                try:
                    self._tls.write(data)
                except (ssl.SSLError, OSError, ValueError) as error:
                    self.close(f"TLS: {_plainly(error)}")
                    return
                data = self._outgoing.read()
            self._write(data)

    def _gather(self) -> bytes:
        """Join the bytes of one write."""
        size, chosen = 0, []
        while size < WRITE_BYTES:
            if not self._parts:
                if not self._queue:
                    break
                self._lay_out(self._queue.popleft())
                continue
            part = self._parts.popleft()
            if size + len(part) > WRITE_BYTES:
                view = memoryview(part)
                room = WRITE_BYTES - size
                self._parts.appendleft(view[room:])
                part = view[:room]
            chosen.append(part)
            size += len(part)
        return b"".join(chosen)

    def _lay_out(self, envelope: Envelope) -> None:
        self.queued_bytes -= size_of(envelope)
        parts: list[bytes] = []
        with contextlib.suppress(MalformedMessage):
            pack(envelope, parts)
            self._parts.extend(parts)

    def _put_out(self) -> None:
        """Send what TLS itself has to say."""
        data = self._outgoing.read()
        if data and not self.is_closed:
            self._write(b"".join((self._unsent, data)) if self._unsent else data)

    def _write(self, data: bytes | memoryview) -> None:
        try:
            sent = self._sock.send(data)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError as error:
            self._unsent = b""
            self.close(error.strerror or str(error))
            return
        if sent == len(data):
            self._unsent = b""
            return
        self._unsent = memoryview(data)[sent:]
        if not self._closing:
            self._events.when_writable(self._sock, self._writable)

    def _writable(self) -> None:
        if self.is_closed:
            return
        data, self._unsent = self._unsent, b""
        if data:
            self._write(data)
        if not self._unsent:
            self.flush()


def _plainly(error: BaseException) -> str:
    """Say what OpenSSL means, without its file and line."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is refused: {error.verify_message.rstrip('.')}"
    if isinstance(error, ssl.SSLError) and error.reason:
        reason = error.reason.replace("_", " ").lower()
        if "alert" in reason or "certificate" in reason:
            return f"it refused this process's certificate, or has none: {reason}"
        return reason
    return str(error)
