"""The reading end of a stream: items in order, each once, with credit given as they are read.

The writer may be ahead by ``credit`` items, so a slow reader holds at most that many and slows
only its own stream. Items carry their place: what a network repeats or swaps is put right, and
what it lost breaks the stream with ``ActorCrashed`` rather than being skipped in silence.
"""

from types import TracebackType
from typing import Any, Protocol

from kube_actors.actor.address import Address
from kube_actors.actor.errors import ActorCrashed, ActorError
from kube_actors.actor.talk.envelope import (
    CANCEL,
    CREDIT,
    EMPTY,
    END,
    STREAM,
    UNKNOWN,
    Envelope,
)
from kube_actors.actor.talk.frame import Frame
from kube_actors.actor.talk.speaker import Speaker
from kube_actors.actor.talk.wire import decode, encode


class Opener(Speaker, Protocol):
    """What a reader needs of the port that it reads through."""

    closed: bool

    @property
    def paused(self) -> bool:
        """Whether what comes is held: a paused reader reads nothing, not even what it has."""

    def open_stream(self, reader: "StreamReader") -> int:
        """Hand what comes for a new conversation to ``reader``; returns its number."""

    def close_stream(self, number: int) -> None:
        """Hand nothing to that conversation's reader any more."""


class StreamReader:
    """An async context manager and iterator over one stream."""

    def __init__(self, port: Opener, target: Address, message: Any, credit: int) -> None:
        if credit < 1:
            raise ValueError(f"credit must be at least 1, not {credit}")
        self._port = port
        self._frame = encode(message)
        self._credit = credit
        self._parking = port.library.parking()
        self._items: list[Frame] = []
        self._early: dict[int, Frame] = {}
        self._received = 0
        self._consumed = 0
        self._limit = credit
        self._last: int | None = None
        self._error: ActorError | None = None
        self._behind = False
        self._unknown = False
        self._unknown_before = False
        self.target = target
        self.number = 0
        self.heard_s = port.time()

    async def __aenter__(self) -> "StreamReader":
        self.number = self._port.open_stream(self)
        if self._port.closed:
            self._error = ActorCrashed(str(self._port.address))
        self._send(STREAM, self._credit, self._frame)
        if self._error is not None:
            await self._port.let_others_run(always=True)
            self._leave()
            raise self._error
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not self._ended:
            self._send(CANCEL)
        self._leave()

    def __aiter__(self) -> "StreamReader":
        return self

    async def __anext__(self) -> Any:
        while not self._items or self._port.paused:
            if self._port.paused:
                await self._parking.wait()
                continue
            if self._error is not None:
                await self._port.let_others_run(always=True)
                raise self._error
            if self._ended:
                await self._port.let_others_run(always=True)
                raise StopAsyncIteration
            await self._parking.wait()
        await self._port.let_others_run()
        frame = self._items.pop(0)
        self._consumed += 1
        if (self._limit - self._consumed) * 2 <= self._credit:
            self.give_credit()
        return decode(frame)

    @property
    def _ended(self) -> bool:
        return self._error is not None or self._last == self._received

    def give_credit(self) -> None:
        """Say how many items may have been sent in all; repeating it is harmless."""
        if self._last is None and self._error is None:
            self._limit = self._consumed + self._credit
            self._send(CREDIT, self._limit)

    def keep_alive(self) -> None:
        """Renew the credit; give up a stream that the other side twice did not know.

        Once may be the end of the stream, still under way.
        """
        if self._unknown and self._unknown_before:
            self.lose()
        self._unknown_before = self._unknown
        self.give_credit()

    def accept(self, place: int, frame: Frame) -> None:
        """Put an item where it belongs; ``place`` counts from 1, one beyond the credit is lost."""
        self.heard_s = self._port.time()
        if place == self._received + 1:
            self._received = place
            self._items.append(frame)
            while self._early and self._received + 1 in self._early:
                self._received += 1
                self._items.append(self._early.pop(self._received))
            self._parking.wake_all()
        elif self._received < place <= self._limit:
            self._early[place] = frame

    def end(self, envelope: Envelope) -> None:
        """Accept the end of the stream, or its failure."""
        if envelope.amount == UNKNOWN:
            self._unknown = True
        elif envelope.frame.header:
            self.break_off(_error_of(envelope))
        elif envelope.kind == END:
            self._last = int(envelope.amount)
            self.heard_s = self._port.time()
            self._parking.wake_all()

    def break_off(self, error: ActorError) -> None:
        """Fail the iteration once what has arrived in order was read."""
        if not self._ended:
            self._error = error
            self._early.clear()
            self._parking.wake_all()

    def accept_keepalive(self, place: int) -> None:
        """Hear how far the writer is; what has not come by its next keepalive is lost."""
        self.heard_s = self._port.time()
        missing = place > self._received
        if missing and self._behind:
            self.lose()
        self._behind = missing

    def wake(self) -> None:
        """Let the reading task look again."""
        self._parking.wake_all()

    def lose(self) -> None:
        """Give the stream up: its link broke."""
        if not self._ended:
            self._send(CANCEL)
            self.break_off(ActorCrashed(str(self.target)))

    def _send(self, kind: int, amount: float = 0, frame: Frame = EMPTY) -> None:
        self._port.send(Envelope(kind, self._port.address, self.target, self.number, frame, amount))

    def _leave(self) -> None:
        self._port.close_stream(self.number)
        self._items.clear()
        self._early.clear()
        if not self._ended:
            self._error = ActorCrashed(str(self.target))


def _error_of(envelope: Envelope) -> ActorError:
    error = decode(envelope.frame)
    return error if isinstance(error, ActorError) else ActorCrashed(str(envelope.source))
