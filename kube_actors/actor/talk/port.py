"""One living actor's connection to its network: mailbox, open calls and streams, both ways.

Everything that arrives is a plain function call that ends in a mailbox or wakes the task that
waits for an answer. A port lives as long as one incarnation of its actor; closing it fails
whoever waits for that incarnation and tells those it was waiting for, at once. A paused port
holds what comes and what goes, as the kernel does for a stopped process.
"""

from itertools import count
from typing import Any, Protocol

import anyio

from kube_actors.actor.address import Address
from kube_actors.actor.errors import (
    ActorCrashed,
    ActorError,
    DeadlineExceeded,
    MalformedMessage,
    Overloaded,
)
from kube_actors.actor.loop import Library, Timers
from kube_actors.actor.talk.call import Call
from kube_actors.actor.talk.delivery import Delivery
from kube_actors.actor.talk.envelope import (
    CALL,
    CANCEL,
    CREDIT,
    EMPTY,
    END,
    FAIL,
    ITEM,
    KEEPALIVE,
    STREAM,
    Envelope,
    unknown_stream,
)
from kube_actors.actor.talk.mailbox import Mailbox
from kube_actors.actor.talk.network import Network
from kube_actors.actor.talk.stream import StreamReader
from kube_actors.actor.talk.undeliverable import lost_in_pause
from kube_actors.actor.talk.wire import decode, encode

OPERATIONS_AT_ONCE = 64
"""Operations that may succeed without waiting before the task lets others run."""

HELD_MAX = 65_536
"""Envelopes a paused port holds in each direction; more are lost, as in a full socket."""


DONE_MAX = 4096
"""Conversations that have ended and are remembered, should a lossy network repeat their start."""


class Host(Protocol):
    """What a port needs of its system."""

    network: Network
    library: Library
    timers: Timers
    numbers: "count[int]"

    def stream_opened(self) -> None:
        """See to it that streams are kept alive."""


class Port:
    """The only way in and out of one incarnation of an actor."""

    def __init__(self, host: Host, address: Address, mailbox: Mailbox) -> None:
        self.address = address
        self.mailbox = mailbox
        self.library = host.library
        self.timers = host.timers
        self.time = host.library.time
        self.closed = False
        self.malformed = 0
        self.readers: dict[int, StreamReader] = {}
        self._network = host.network
        self._host = host
        self._numbers = host.numbers
        self._parking = host.library.parking()
        self._calls: dict[int, Call] = {}
        self._requests: dict[tuple[Address, int], Delivery] = {}
        self._done: dict[tuple[Address, int], None] = {}
        self._operations_left = OPERATIONS_AT_ONCE
        self._held_in: list[Envelope] | None = None
        self._held_out: list[Envelope] = []
        self._network.attach(address, self.deliver, host.timers)

    # What the actor does.

    def send(self, envelope: Envelope) -> None:
        """Hand an envelope to the network; held while paused, lost once closed, never waits."""
        if self._held_in is not None:
            if len(self._held_out) < HELD_MAX:
                self._held_out.append(envelope)
        elif not self.closed:
            self._network.send(envelope)

    def flush(self) -> None:
        """Let what was sent leave now, where the network gathers it for a turn of the loop."""
        self._network.flush()

    async def call(self, target: Address, message: Any, timeout_s: float) -> Any:
        """Send a message and wait for its answer, at most ``timeout_s`` (``math.inf``: for ever).

        The deadline is a timer of the system, and goes on while this port is paused. When it
        passes, and when the waiting task is cancelled, the other side is sent CANCEL: its delivery
        turns ``cancelled``, or is skipped if it still waits in the mailbox.

        Raises DeadlineExceeded then; the ActorError that the other side failed with; Unreachable
        when nobody has the address; Overloaded when its mailbox is full; ActorCrashed when it
        ended or was cut off before it answered, or when this port is closed already; and
        MalformedMessage when the message, or the answer, breaks its annotations. A port that
        closes meanwhile does not end the waiting: its tasks are being cancelled anyway.
        """
        frame = encode(message)
        if self.closed:
            await self.let_others_run(always=True)
            raise ActorCrashed(str(self.address))
        number = next(self._numbers)
        call = Call(self, target, number, timeout_s)
        self._calls[number] = call
        if call.live:
            self.timers.add(timeout_s, call)
        self.send(Envelope(CALL, self.address, target, number, frame, timeout_s))
        try:
            if call.slot.done():
                await self.let_others_run(always=True)
            answer: Envelope | ActorError = await call.slot
        finally:
            if self._calls.pop(number, None) is not None:
                call.cancel()
                self.send(Envelope(CANCEL, self.address, target, number))
            # The call stays among the timers for a while; what was answered must not.
            del call.slot
        if isinstance(answer, ActorError):
            raise answer
        result = decode(answer.frame)
        if answer.kind == FAIL:
            raise result if isinstance(result, ActorError) else ActorCrashed(str(target))
        return result

    def open_stream(self, reader: StreamReader) -> int:
        """Hand what comes for a new conversation to ``reader``; returns its number."""
        number = next(self._numbers)
        self.readers[number] = reader
        self._host.stream_opened()
        return number

    def close_stream(self, number: int) -> None:
        """Hand nothing to that reader any more; what still comes is answered with CANCEL."""
        self.readers.pop(number, None)

    async def receive(self) -> Delivery:
        """Wait for the next delivery that ``take`` would give; a checkpoint once in a while."""
        while True:
            self._operations_left -= 1
            if self._operations_left <= 0:
                await self.let_others_run(always=True)
            delivery = self.take()
            if delivery is not None:
                return delivery
            await self._parking.wait()
            self._operations_left = OPERATIONS_AT_ONCE

    def take(self) -> Delivery | None:
        """Take the next delivery that is still wanted and makes sense; None when there is none."""
        while self._held_in is None:
            delivery = self.mailbox.take()
            if delivery is None:
                return None
            if delivery.closed and delivery.expects != "nothing":
                continue
            try:
                delivery.read()
            except MalformedMessage as error:
                self.malformed += 1
                delivery.fail(error)
                continue
            return delivery
        return None

    async def let_others_run(self, *, always: bool = False) -> None:
        """Let other tasks run, now or once in a while."""
        self._operations_left -= 1
        if always or self._operations_left <= 0:
            self._operations_left = OPERATIONS_AT_ONCE
            await anyio.lowlevel.checkpoint()

    def stream_opened(self) -> None:
        """See to it that the ends of a stream that is answered here hear of each other."""
        self._host.stream_opened()

    def forget(self, delivery: Delivery) -> None:
        """End a conversation that was begun by the other side.

        A lossy network may repeat its start: the last ``DONE_MAX`` are remembered to refuse that.
        """
        if self._requests.get(delivery.key) is delivery:
            del self._requests[delivery.key]
            if self._network.lossy:
                self._done[delivery.key] = None
                if len(self._done) > DONE_MAX:
                    del self._done[next(iter(self._done))]

    # What the network does.

    def deliver(self, envelope: Envelope) -> None:
        """Take an envelope addressed to this port."""
        if self._held_in is not None:
            if len(self._held_in) < HELD_MAX:
                self._held_in.append(envelope)
            return
        kind = envelope.kind
        if kind <= STREAM:
            self._admit(envelope)
        elif kind <= FAIL:
            self._answered(envelope)
        elif kind in (CREDIT, CANCEL):
            self._control(envelope)
        else:
            self._streamed(envelope)

    def _admit(self, envelope: Envelope) -> None:
        delivery = Delivery(self, envelope)
        if envelope.kind:
            if delivery.key in self._requests or delivery.key in self._done:
                return
            self._requests[delivery.key] = delivery
        given_up = self.mailbox.put(delivery)
        if given_up is not delivery:
            self._parking.wake()
        if given_up is not None:
            given_up.fail(Overloaded(str(self.address)))

    def _answered(self, envelope: Envelope) -> None:
        call = self._calls.pop(envelope.number, None)
        if call is not None:
            call.cancel()
            if not call.slot.done():
                call.slot.set_result(envelope)
        elif envelope.kind == FAIL:
            reader = self.readers.get(envelope.number)
            if reader is not None:
                reader.end(envelope)

    def _control(self, envelope: Envelope) -> None:
        delivery = self._requests.get((envelope.source, envelope.number))
        if envelope.kind == CANCEL:
            if delivery is not None:
                self.forget(delivery)
                delivery.cancel()
        elif delivery is not None:
            delivery.open_allowance(int(envelope.amount))
        else:
            # Ended, and the end is under way; or held by a former incarnation.
            self.send(unknown_stream(envelope))

    def _streamed(self, envelope: Envelope) -> None:
        reader = self.readers.get(envelope.number)
        if reader is None:
            if envelope.kind != END:
                self.send(Envelope(CANCEL, self.address, envelope.source, envelope.number))
        elif envelope.kind == ITEM:
            reader.accept(int(envelope.amount), envelope.frame)
        elif envelope.kind == END:
            reader.end(envelope)
        else:
            reader.accept_keepalive(int(envelope.amount))

    def expire(self, call: Call) -> None:
        """A call's deadline has passed."""
        if self._calls.pop(call.number, None) is not None:
            if not call.slot.done():
                text = f"{call.target} did not answer within {call.timeout_s:g} s"
                call.slot.set_result(DeadlineExceeded(text))
            self.send(Envelope(CANCEL, self.address, call.target, call.number))

    # What the supervisor and the system do.

    def pause(self) -> None:
        """Hold everything that comes and goes."""
        if self._held_in is None and not self.closed:
            self._held_in = []

    def resume(self) -> None:
        """Let what was held come and go, in its order."""
        if self._held_in is None:
            return
        arrived, self._held_in = self._held_in, None
        leaving, self._held_out = self._held_out, []
        for reader in self.readers.values():
            reader.wake()
        for envelope in arrived:
            self.deliver(envelope)
        for envelope in leaving:
            self.send(envelope)
        if len(self.mailbox):
            self._parking.wake_all()

    @property
    def paused(self) -> bool:
        """Whether what comes and goes is held."""
        return self._held_in is not None

    def keep_alive(self, silent_since_s: float) -> bool:
        """Let the other ends of streams know that this one lives; give up the silent ones.

        Says whether there are streams left.
        """
        if self.paused:
            return True
        streams = bool(self.readers)
        for reader in list(self.readers.values()):
            if reader.heard_s < silent_since_s:
                reader.lose()
            else:
                reader.keep_alive()
        for delivery in list(self._requests.values()):
            writer = delivery.writer
            if writer is None:
                if delivery.cancelled:
                    self.forget(delivery)
                continue
            streams = True
            if writer.heard_s < silent_since_s:
                self.forget(delivery)
                delivery.cancel()
            else:
                delivery.answer(KEEPALIVE, EMPTY, writer.sent)
        return streams

    def close(self) -> None:
        """End this incarnation: nothing comes or goes any more, and everybody concerned knows."""
        if self.closed:
            return
        arrived, self._held_in = self._held_in or [], None
        leaving, self._held_out = self._held_out, []
        self._network.detach(self.address)
        for envelope in lost_in_pause(arrived, leaving):
            self.send(envelope)
        crashed = ActorCrashed(str(self.address))
        for delivery in list(self._requests.values()):
            delivery.fail(crashed)
            delivery.cancel()
        self._requests.clear()
        for call in self._calls.values():
            call.cancel()
            self.send(Envelope(CANCEL, self.address, call.target, call.number))
        self._calls.clear()
        for reader in self.readers.values():
            self.send(Envelope(CANCEL, self.address, reader.target, reader.number))
        self.closed = True

    @property
    def has_streams(self) -> bool:
        """Whether a stream is open in either direction."""
        return bool(self.readers) or any(one.writer for one in self._requests.values())

    @property
    def open_calls(self) -> int:
        """How many calls of this actor wait for their answers."""
        return len(self._calls)

    @property
    def open_requests(self) -> int:
        """How many calls and streams of others wait here for theirs, received or not."""
        return len(self._requests)
