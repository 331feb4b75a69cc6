"""One HTTP/2 connection without IO: bytes in, happenings out; frames asked for, bytes out.

Wraps ``h2`` and adds what it leaves to its user: what does not fit the peer's flow-control window
waits in an outbox per stream, trailers wait behind the data, and windows are opened again as data
is consumed. Raises ``LinkBroken`` for whatever is no HTTP/2; the bytes of a GOAWAY that says why
are then in ``take``.
"""

from collections import deque

from attrs import define, frozen
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    PingAckReceived,
    RemoteSettingsChanged,
    RequestReceived,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
    WindowUpdated,
)
from h2.exceptions import H2Error, NoSuchStreamError, StreamClosedError
from h2.settings import SettingCodes, Settings
from hpack.exceptions import HPACKError
from hyperframe.exceptions import HyperframeError

from kube_actors.etcd.grpc.status import Headers

STREAM_WINDOW = 1 << 20
CONNECTION_WINDOW = 16 << 20
OUTPUT_BYTES = 1 << 20
"""How much may wait to be written before outboxes are left alone."""
CHUNK_BYTES = 16 << 10
"""What waits is in pieces of a frame's usual size: cutting frames off a whole would copy the rest
each time."""


class LinkBroken(Exception):
    """The other side does not speak HTTP/2, or not any more; the message says what it did."""


@frozen
class Began:
    """Headers: a request, or the answer to one."""

    stream: int
    headers: Headers


@frozen
class Arrived:
    """Data; ``weight`` is what it takes of the windows until ``Link.consumed``."""

    stream: int
    data: bytes
    weight: int


@frozen
class Trailed:
    """A call of ours was ended by its trailers (grpc-status and its text are among them)."""

    stream: int
    headers: Headers


@frozen
class Ended:
    """The other side sends no more on this stream."""

    stream: int


@frozen
class WasReset:
    """The stream is gone; ``code`` is an HTTP/2 error code."""

    stream: int
    code: int


@frozen
class Leaving:
    """GOAWAY: streams above ``last_stream`` were not and will not be looked at."""

    last_stream: int
    code: int


@frozen
class Ponged:
    """A ping was answered."""


Happening = Began | Arrived | Trailed | Ended | WasReset | Leaving | Ponged


@define(eq=False)
class _Outbox:
    """What waits for the peer's window; ``trailers`` end the stream, so does ``end``."""

    chunks: deque[bytes]
    waiting: int = 0
    trailers: Headers | None = None
    end: bool = False


class Link:
    """One side of a connection."""

    def __init__(self, *, client: bool, streams_max: int = 1000) -> None:
        config = H2Configuration(
            client_side=client,
            header_encoding=None,
            validate_outbound_headers=False,
            normalize_outbound_headers=False,
        )
        self._h2 = H2Connection(config)
        self._outboxes: dict[int, _Outbox] = {}
        settings: dict[SettingCodes, int] = {
            SettingCodes.INITIAL_WINDOW_SIZE: STREAM_WINDOW,
            SettingCodes.MAX_CONCURRENT_STREAMS: streams_max,
            SettingCodes.MAX_HEADER_LIST_SIZE: 64 << 10,
            SettingCodes.ENABLE_PUSH: 0,
        }
        self._h2.local_settings = Settings(client=client, initial_values=settings)
        self._h2.initiate_connection()
        self._h2.increment_flow_control_window(CONNECTION_WINDOW - 65535)

    # -- what came

    def receive(self, data: bytes) -> list[Happening]:
        """Take bytes of the peer; raises LinkBroken."""
        try:
            events = self._h2.receive_data(data)
        except (H2Error, HPACKError, HyperframeError, ValueError, IndexError) as error:
            # ValueError and IndexError: malformed integers and padding that escape the libraries.
            raise LinkBroken(f"{type(error).__name__}: {error}") from error
        found: list[Happening] = []
        for event in events:
            match event:
                case DataReceived():
                    found.append(Arrived(event.stream_id, event.data, event.flow_controlled_length))
                case RequestReceived() | ResponseReceived():
                    found.append(Began(event.stream_id, event.headers))
                case TrailersReceived():
                    found.append(Trailed(event.stream_id, event.headers))
                case StreamEnded():
                    found.append(Ended(event.stream_id))
                case StreamReset():
                    self._outboxes.pop(event.stream_id, None)
                    found.append(WasReset(event.stream_id, int(event.error_code or 0)))
                case ConnectionTerminated():
                    code = int(event.error_code or 0)
                    found.append(Leaving(event.last_stream_id or 0, code))
                case PingAckReceived():
                    found.append(Ponged())
                case WindowUpdated() | RemoteSettingsChanged():
                    self._pump()
        return found

    def consumed(self, stream: int, weight: int) -> None:
        """Open the windows again by what was taken; a stream that is gone needs no window."""
        if weight:
            try:
                self._h2.acknowledge_received_data(weight, stream)
            except (StreamClosedError, NoSuchStreamError):
                return

    # -- what goes

    def open(self, headers: Headers) -> int:
        """Begin a request; raises LinkBroken when no further stream can be opened."""
        try:
            stream = self._h2.get_next_available_stream_id()
            self._h2.send_headers(stream, headers)
        except H2Error as error:
            raise LinkBroken(f"{type(error).__name__}: {error}") from error
        return stream

    def headers(self, stream: int, headers: Headers, *, end: bool = False) -> None:
        """Send headers at once; nothing happens on a stream that is gone."""
        try:
            self._h2.send_headers(stream, headers, end_stream=end)
        except H2Error:
            self._outboxes.pop(stream, None)

    def data(self, stream: int, data: bytes, *, end: bool = False) -> None:
        """Send data as the peer's window allows."""
        box = self._outboxes.get(stream)
        if box is None:
            try:
                room = min(
                    self._h2.local_flow_control_window(stream),
                    self._h2.max_outbound_frame_size,
                )
                if len(data) <= room:
                    self._h2.send_data(stream, data, end_stream=end)
                    return
            except H2Error:
                return
            box = self._outboxes[stream] = _Outbox(deque())
        box.chunks += [data[at : at + CHUNK_BYTES] for at in range(0, len(data), CHUNK_BYTES)]
        box.waiting += len(data)
        box.end = box.end or end
        self._pump()

    def trailers(self, stream: int, headers: Headers) -> None:
        """End a stream with trailers, behind the data that waits."""
        box = self._outboxes.get(stream)
        if box is None:
            self.headers(stream, headers, end=True)
        else:
            box.trailers = headers
            self._pump()

    def reset(self, stream: int, code: ErrorCodes = ErrorCodes.CANCEL) -> None:
        """End a stream at once; nothing happens if it is over."""
        self._outboxes.pop(stream, None)
        try:
            self._h2.reset_stream(stream, code)
        except H2Error:
            return

    def leave(self, stream: int) -> None:
        """Reset a stream that the other side has ended, unless this side has too: the half that
        is left would count as open as long as the connection lives."""
        known = self._h2.streams.get(stream)
        if known is not None and not known.closed:
            self.reset(stream, ErrorCodes.NO_ERROR)

    def ping(self) -> None:
        """Ask for a sign of life; a ``Ponged`` follows (RFC 9113, 6.7)."""
        self._h2.ping(b"alive??\0")

    def close(self, code: ErrorCodes = ErrorCodes.NO_ERROR) -> None:
        """Say GOAWAY."""
        try:
            self._h2.close_connection(code)
        except H2Error:
            return

    def waiting(self, stream: int) -> int:
        """Return how many bytes wait for the peer's window."""
        box = self._outboxes.get(stream)
        return box.waiting if box is not None else 0

    @property
    def streams_left(self) -> bool:
        """Whether the peer lets us open another stream now."""
        allowed = self._h2.remote_settings.max_concurrent_streams
        return self._h2.open_outbound_streams < allowed

    def data_to_send(self) -> bytes:
        """Return the bytes to be written next."""
        data = self._h2.data_to_send()
        if self._outboxes:
            self._pump()
        return data

    def _pump(self) -> None:
        """Move what waits into the windows, a frame of each stream in turn."""
        moved = True
        budget = OUTPUT_BYTES
        while moved and self._outboxes and budget > 0:
            moved = False
            for stream, box in list(self._outboxes.items()):
                sent = self._pump_one(stream, box)
                budget -= sent
                moved = moved or sent > 0

    def _pump_one(self, stream: int, box: _Outbox) -> int:
        sent = 0
        try:
            if box.chunks:
                room = min(
                    self._h2.local_flow_control_window(stream), self._h2.max_outbound_frame_size
                )
                if room <= 0:
                    return 0
                chunk = box.chunks.popleft()
                if len(chunk) > room:
                    box.chunks.appendleft(chunk[room:])
                    chunk = chunk[:room]
                sent = len(chunk)
                box.waiting -= sent
                last = box.end and not box.chunks and box.trailers is None
                self._h2.send_data(stream, chunk, end_stream=last)
                if box.chunks:
                    return sent
                if last:
                    del self._outboxes[stream]
                    return sent
            del self._outboxes[stream]
            if box.trailers is not None:
                self._h2.send_headers(stream, box.trailers, end_stream=True)
            elif box.end:
                self._h2.end_stream(stream)
        except H2Error:
            self._outboxes.pop(stream, None)
        return sent
