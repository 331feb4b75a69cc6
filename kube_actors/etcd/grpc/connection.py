"""The waiting half of a connection: one task reads, one writes, calls are found by their stream."""

from collections.abc import Callable

import anyio
from anyio.abc import ByteStream
from h2.errors import ErrorCodes

from kube_actors.etcd.grpc.call import Call
from kube_actors.etcd.grpc.link import (
    Arrived,
    Began,
    Ended,
    Happening,
    Leaving,
    Link,
    LinkBroken,
    Ponged,
    Trailed,
    WasReset,
)
from kube_actors.etcd.grpc.signal import Signal
from kube_actors.etcd.grpc.status import Code, GrpcError, read_trailers

READ_BYTES = 65536
CLIENT_PING_S = 10.0
SERVER_PING_S = 60.0
PING_TIMEOUT_S = 5.0
GOODBYE_S = 0.5
GONE = (OSError, anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError)

_RESET_CODES = {
    ErrorCodes.NO_ERROR: Code.INTERNAL,
    ErrorCodes.CANCEL: Code.CANCELLED,
    ErrorCodes.REFUSED_STREAM: Code.UNAVAILABLE,
    ErrorCodes.ENHANCE_YOUR_CALM: Code.RESOURCE_EXHAUSTED,
    ErrorCodes.INADEQUATE_SECURITY: Code.PERMISSION_DENIED,
}


class Connection:
    """Runs a ``Link`` over a byte stream. ``begun`` and ``ended`` tell a server of its requests."""

    def __init__(
        self,
        stream: ByteStream,
        *,
        client: bool,
        message_bytes_max: int,
        begun: Callable[[Call], None] | None = None,
        ended: Callable[[Call], None] | None = None,
    ) -> None:
        self.link = Link(client=client)
        self.message_bytes_max = message_bytes_max
        self.closed = False
        self.leaving = False
        self.fault = ""
        """Why the connection is closed."""
        self._client = client
        self._stream = stream
        self._calls: dict[int, Call] = {}
        self._begun = begun
        self._ended = ended
        self._output = Signal()
        self._room = Signal()
        self._heard_s = 0.0
        self._retired = anyio.Event()

    async def run(self) -> None:
        """Read and write until the connection ends; every call still open then fails."""
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._write)
                tasks.start_soon(self._keep_alive)
                if self._client:
                    tasks.start_soon(self._end_retired, tasks.cancel_scope)
                await self._read()
                tasks.cancel_scope.cancel()
        finally:
            self._close("the connection was closed")
            self.link.close()
            with anyio.CancelScope(shield=True):
                await self._say_goodbye()
                await anyio.aclose_forcefully(self._stream)

    @property
    def usable(self) -> bool:
        """Whether a new call may be begun here."""
        return not (self.closed or self.leaving)

    def call(self, headers: list[tuple[bytes, bytes]]) -> Call:
        """Begin a call; raises GrpcError with ``received`` False."""
        if not self.usable:
            raise GrpcError(Code.UNAVAILABLE, self.fault or "closing", received=False)
        try:
            stream = self.link.open(headers)
        except LinkBroken as error:
            self.leaving = True
            raise GrpcError(Code.UNAVAILABLE, str(error), received=False) from error
        call = self._calls[stream] = Call(self, stream, [])
        return call

    async def wait_for_room(self) -> None:
        """Wait until the peer lets another stream be opened."""
        while self.usable and not self.link.streams_left:
            await self._room.wait()

    def forget(self, call: Call) -> None:
        """Let a finished call go: its stream is free for another, its unread bytes return to the
        window.
        """
        self._calls.pop(call.stream, None)
        call.release()
        self._room.notify()
        self.flush()

    def flush(self) -> None:
        """Have the writing task look for output."""
        self._output.notify()

    def retire(self) -> None:
        """Begin no more calls; close when those at hand are over."""
        self.leaving = True
        self._retired.set()

    # -- tasks

    async def _read(self) -> None:
        while True:
            try:
                data = await self._stream.receive(READ_BYTES)
            except GONE as error:
                self._close(f"the connection is gone: {_said(error)}")
                return
            self._heard_s = anyio.current_time()
            try:
                happenings = self.link.receive(data)
            except LinkBroken as error:
                self._close(str(error))
                return
            for happening in happenings:
                self._happened(happening)
            self.flush()

    async def _write(self) -> None:
        while True:
            data = self.link.data_to_send()
            if not data:
                await self._output.wait()
                continue
            try:
                await self._stream.send(data)
            except GONE as error:
                # The reading task learns of it by itself, unless the peer only stopped reading.
                self._close(f"the connection is gone: {_said(error)}")
                await anyio.aclose_forcefully(self._stream)
                return
            for call in list(self._calls.values()):
                call.drained()

    async def _say_goodbye(self) -> None:
        with anyio.move_on_after(GOODBYE_S):
            try:
                data = self.link.data_to_send()
                while data:
                    await self._stream.send(data)
                    data = self.link.data_to_send()
            except GONE:
                return

    async def _end_retired(self, scope: anyio.CancelScope) -> None:
        await self._retired.wait()
        while self._calls:
            await self._room.wait()
        scope.cancel()

    async def _keep_alive(self) -> None:
        """Give up a peer that is silent even when pinged: nothing else ends a cut link.

        A client asks only while calls wait, and soon; a server now and then, for ever.
        """
        interval_s = CLIENT_PING_S if self._client else SERVER_PING_S
        while True:
            await anyio.sleep(interval_s)
            idle = self._client and not self._calls
            if idle or anyio.current_time() - self._heard_s < interval_s:
                continue
            asked_s = anyio.current_time()
            self.link.ping()
            self.flush()
            await anyio.sleep(PING_TIMEOUT_S)
            if self._heard_s < asked_s:
                self._close("the peer does not answer a ping")
                await anyio.aclose_forcefully(self._stream)
                return

    # -- what came

    def _happened(self, happening: Happening) -> None:
        match happening:
            case Arrived():
                call = self._calls.get(happening.stream)
                if call is None:
                    self.link.consumed(happening.stream, happening.weight)
                    return
                try:
                    call.arrived(happening.data, happening.weight)
                except GrpcError as error:
                    self._refuse(call, error)
            case Began():
                self._begin(happening)
            case Trailed():
                call = self._calls.get(happening.stream)
                if call is not None:
                    call.trailers = happening.headers
            case Ended():
                self._end(happening.stream)
            case WasReset():
                self._was_reset(happening)
            case Leaving():
                self._leave_with(happening)
            case Ponged():
                return

    def _begin(self, began: Began) -> None:
        if self._client:
            call = self._calls.get(began.stream)
            if call is not None:
                call.headers = began.headers
            return
        call = self._calls[began.stream] = Call(self, began.stream, began.headers)
        if self._begun is not None:
            self._begun(call)

    def _end(self, stream: int) -> None:
        call = self._calls.get(stream)
        if call is None:
            return
        if self._client:
            error = read_trailers(call.trailers if call.trailers is not None else call.headers)
            if error is not None:
                call.fail(error)
            call.finished = True
            self.link.leave(stream)
            self.forget(call)
        call.end()
        if self._ended is not None:
            self._ended(call)

    def _refuse(self, call: Call, error: GrpcError) -> None:
        """What came is no message: the call is over, the connection lives."""
        call.fail(error)
        if self._client:
            call.cancel()
        else:
            call.finish(error.code, error.text)
            self.link.reset(call.stream, ErrorCodes.NO_ERROR)

    def _was_reset(self, reset: WasReset) -> None:
        call = self._calls.pop(reset.stream, None)
        self._room.notify()
        if call is None:
            return
        call.release()
        call.finished = True
        code = ErrorCodes(reset.code) if reset.code in set(ErrorCodes) else None
        name = code.name if code is not None else str(reset.code)
        refused = code is ErrorCodes.REFUSED_STREAM
        call.fail(
            GrpcError(
                _RESET_CODES.get(code, Code.INTERNAL) if code is not None else Code.INTERNAL,
                f"the stream was reset: {name}",
                received=not refused,
            )
        )

    def _leave_with(self, leaving: Leaving) -> None:
        self.leaving = True
        self.fault = f"the peer is leaving (HTTP/2 code {leaving.code})"
        error = GrpcError(Code.UNAVAILABLE, self.fault, received=False)
        for stream, call in list(self._calls.items()):
            if self._client and stream > leaving.last_stream:
                del self._calls[stream]
                call.finished = True
                call.fail(error)
        self._room.notify()

    def _close(self, fault: str) -> None:
        if self.closed:
            return
        self.closed = True
        self.fault = fault
        calls, self._calls = list(self._calls.values()), {}
        for call in calls:
            call.finished = True
            call.fail(GrpcError(Code.UNAVAILABLE, fault))
        self._room.notify()


def _said(error: BaseException) -> str:
    return str(error) or type(error).__name__
