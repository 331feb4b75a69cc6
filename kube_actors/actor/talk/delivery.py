"""One message as its receiver holds it, with the means to answer.

Answers go straight to the asking task, not through its mailbox. A caller that stops waiting, or
whose deadline passes, is seen here as ``cancelled``; answering it then does nothing. A stream is
opened with ``open`` and fed through the writer it gives.
"""

import math
from typing import Any, Literal, Protocol

import anyio

from kube_actors.actor.address import Address
from kube_actors.actor.errors import ActorError, MalformedMessage
from kube_actors.actor.loop import Parking
from kube_actors.actor.talk.envelope import (
    CALL,
    EMPTY,
    END,
    FAIL,
    ITEM,
    REPLY,
    STREAM,
    TELL,
    Envelope,
)
from kube_actors.actor.talk.frame import Frame
from kube_actors.actor.talk.speaker import Speaker
from kube_actors.actor.talk.wire import decode, encode

_EXPECTS: tuple[Literal["nothing", "reply", "stream"], ...] = ("nothing", "reply", "stream")


class Receiver(Speaker, Protocol):
    """What a delivery needs of the port that received it."""

    def forget(self, delivery: "Delivery") -> None:
        """Take note that a delivery was answered in full, or is not waited for any more."""


class Delivery:
    """A received message and the way back to its sender."""

    __slots__ = (
        "_cancelled",
        "_envelope",
        "_expires_s",
        "_message",
        "_parking",
        "_port",
        "closed",
        "writer",
    )

    def __init__(self, port: Receiver, envelope: Envelope) -> None:
        self._port = port
        self._envelope = envelope
        self._message: Any = None
        self._cancelled = False
        self._parking: Parking | None = None
        self._expires_s = port.time() + envelope.amount if envelope.kind == CALL else math.inf
        self.closed = envelope.kind == TELL
        self.writer: StreamWriter | None = None

    @property
    def source(self) -> Address:
        """The address of the actor that said it."""
        return self._envelope.source

    @property
    def message(self) -> Any:
        """The decoded message; decoded when taken out of the mailbox."""
        return self._message

    @property
    def expects(self) -> Literal["nothing", "reply", "stream"]:
        """What its sender waits for: it came by ``tell``, ``call`` or ``stream``."""
        return _EXPECTS[self._envelope.kind]

    @property
    def key(self) -> tuple[Address, int]:
        """The conversation it began: the sender's address and number, unique for its life."""
        return self._envelope.source, self._envelope.number

    def read(self) -> None:
        """Decode; raises MalformedMessage."""
        self._message = decode(self._envelope.frame)

    def reply(self, message: Any) -> None:
        """Answer a call; no-op when nothing is expected or the caller is gone."""
        if self._envelope.kind == STREAM:
            self.fail(MalformedMessage(f"{type(self._message).__name__} is called, not streamed"))
        elif not self.closed:
            frame = encode(message)
            self._close()
            self.answer(REPLY, frame)

    def fail(self, error: ActorError) -> None:
        """Raise ``error`` at the caller; no-op when nothing is expected or it is gone."""
        if self.closed:
            return
        if self._envelope.kind == STREAM:
            self.open().close(error)
            return
        frame = encode(error)
        self._close()
        self.answer(FAIL, frame)

    @property
    def cancelled(self) -> bool:
        """The caller stopped waiting, went away, or its deadline passed."""
        return self._cancelled or self._port.time() >= self._expires_s

    async def wait_cancelled(self) -> None:
        """Wait until ``cancelled``, also when it was answered meanwhile."""
        if self.cancelled:
            await anyio.lowlevel.checkpoint()
            return
        if self._parking is None:
            self._parking = self._port.library.parking()
        with anyio.CancelScope(deadline=self._expires_s):
            await self._parking.wait()

    def answer(self, kind: int, frame: Frame, amount: float = 0) -> None:
        """Send an envelope of this conversation back to its sender."""
        envelope, port = self._envelope, self._port
        port.send(Envelope(kind, port.address, envelope.source, envelope.number, frame, amount))

    def cancel(self) -> None:
        """Take note that the other side is gone."""
        self._cancelled = True
        self.closed = True
        if self._parking is not None:
            self._parking.wake_all()
        if self.writer is not None:
            self.writer.gone()

    def open(self) -> "StreamWriter":
        """Begin to answer a stream.

        When the message did not come by ``stream`` its caller is told so, and the writer is one
        whose reader is gone.
        """
        if self.writer is None:
            is_stream = self._envelope.kind == STREAM
            # The amount of a call is its deadline, which may be infinite.
            credit = int(self._envelope.amount) if is_stream else 0
            self.writer = StreamWriter(self._port, self, credit)
            if not is_stream:
                name = type(self._message).__name__
                self.fail(MalformedMessage(f"{name} is streamed, not called"))
                self.writer.gone()
            elif self.closed:
                self.writer.gone()
            else:
                self._port.stream_opened()
        return self.writer

    def open_allowance(self, limit: int) -> None:
        """The reader gives credit, or says that it is still there."""
        if self.writer is not None:
            self.writer.allow(limit)

    def _close(self) -> None:
        self.closed = True
        self._port.forget(self)


class StreamWriter:
    """The sending end of a stream; the reader's credit bounds what is under way."""

    __slots__ = ("_delivery", "_limit", "_open", "_parking", "_port", "heard_s", "sent")

    def __init__(self, port: Receiver, delivery: Delivery, limit: int) -> None:
        self._port = port
        self._delivery = delivery
        self._limit = limit
        self._open = True
        self._parking: Parking | None = None
        self.sent = 0
        self.heard_s = port.time()

    @property
    def credit(self) -> int:
        """Items that can be sent now without waiting."""
        return self._limit - self.sent if self._open else 0

    async def send(self, message: Any) -> None:
        """Send one item, waiting for credit; BrokenResourceError when the reader is gone."""
        while self._open and self.sent >= self._limit:
            if self._parking is None:
                self._parking = self._port.library.parking()
            await self._parking.wait()
        self.send_nowait(message)
        await self._port.let_others_run()

    def send_nowait(self, message: Any) -> None:
        """Send one item now; WouldBlock without credit, BrokenResourceError without a reader."""
        if not self._open:
            raise anyio.BrokenResourceError
        if self.sent >= self._limit:
            raise anyio.WouldBlock
        frame = encode(message)
        self.sent += 1
        self._delivery.answer(ITEM, frame, self.sent)

    def close(self, error: ActorError | None = None) -> None:
        """End the stream after what was sent, or fail it; no-op when it has ended."""
        if self._open:
            self._open = False
            self._delivery.closed = True
            self._port.forget(self._delivery)
            self._delivery.answer(END, EMPTY if error is None else encode(error), self.sent)
            self._wake()

    def allow(self, limit: int) -> None:
        """Raise how many items may have been sent in all."""
        self.heard_s = self._port.time()
        if limit > self._limit:
            self._limit = limit
            self._wake()

    def gone(self) -> None:
        """The reader is gone: wake whoever waits to send."""
        self._open = False
        self._wake()

    def _wake(self) -> None:
        if self._parking is not None:
            self._parking.wake_all()
