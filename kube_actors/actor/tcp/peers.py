"""What is open between this process and one other, so that nobody waits for a lost connection.

A network that loses a connection knows which calls and streams went over it: those who wait here
are told, and those who serve here learn that nobody waits any more.
"""

import logging

from kube_actors.actor.address import Address
from kube_actors.actor.errors import ActorCrashed, MalformedMessage, Overloaded
from kube_actors.actor.talk import (
    CALL,
    CANCEL,
    END,
    FAIL,
    REPLY,
    STREAM,
    UNKNOWN,
    Envelope,
    encode,
    failure,
)
from kube_actors.actor.tcp.config import TcpConfig
from kube_actors.actor.tcp.connection import Connection
from kube_actors.actor.tcp.frames import size_of
from kube_actors.actor.tcp.statistics import TcpStatistics

logger = logging.getLogger(__name__)

Conversation = tuple[Address, int]
"""Who opened it, and the number it gave."""


class Conversations:
    """The calls and streams over one connection that have not ended."""

    __slots__ = ("_asked", "_serving")

    def __init__(self) -> None:
        self._asked: dict[Conversation, Address] = {}
        self._serving: dict[Conversation, Address] = {}

    def __len__(self) -> int:
        return len(self._asked) + len(self._serving)

    def sent(self, envelope: Envelope) -> None:
        """Note what leaves this process."""
        _note(envelope, self._asked, self._serving)

    def received(self, envelope: Envelope) -> None:
        """Note what comes into this process."""
        _note(envelope, self._serving, self._asked)

    def endings(self) -> list[Envelope]:
        """Return what the actors here must be told when the connection is lost."""
        told = []
        for (asking, number), asked in self._asked.items():
            frame = encode(ActorCrashed(str(asked)))
            told.append(Envelope(FAIL, asked, asking, number, frame))
        for (asking, number), asked in self._serving.items():
            told.append(Envelope(CANCEL, asking, asked, number))
        self._asked.clear()
        self._serving.clear()
        return told


class Peer:
    """Another process while a connection to it is open; ``ours`` is this process's name."""

    __slots__ = (
        "_config",
        "_counts",
        "_ours",
        "_overflowing",
        "addresses",
        "connection",
        "conversations",
    )

    def __init__(
        self, connection: Connection, config: TcpConfig, counts: TcpStatistics, *, ours: str
    ) -> None:
        self.connection = connection
        self.addresses: dict[Address, None] = {}
        self.conversations = Conversations()
        self._config = config
        self._counts = counts
        self._ours = ours
        self._overflowing = False

    def send(self, envelope: Envelope) -> Envelope | None:
        """Queue an envelope for the other process.

        Returns what its sender must be told when it did not fit: a call or stream fails with
        Overloaded when the queue is full, with MalformedMessage when it is too large by itself;
        anything else is lost in silence, and found out by those who wait for it.
        """
        connection, config = self.connection, self._config
        size = size_of(envelope)
        if size > config.frame_bytes_max:
            return self._too_large(envelope, size)
        full = (
            connection.queued >= config.queue_max
            or connection.queued_bytes + size > config.queue_bytes_max
        )
        if full and connection.queued:
            return self._overflow(envelope)
        self._overflowing = False
        self.conversations.sent(envelope)
        connection.send(envelope)
        return None

    def _overflow(self, envelope: Envelope) -> Envelope | None:
        self._counts.overflowed += 1
        if not self._overflowing:
            self._overflowing = True
            logger.warning(
                "%s: %s takes less than it is sent: dropping what does not fit the queue",
                self._ours,
                self.connection.peer,
            )
        if envelope.kind in (CALL, STREAM):
            return failure(envelope, Overloaded(str(envelope.target)))
        return None

    def _too_large(self, envelope: Envelope, size: int) -> Envelope | None:
        text = f"a message of {size} bytes; one may have {self._config.frame_bytes_max}"
        logger.error("%s: not sent from %s to %s: %s", self._ours, *envelope[1:3], text)
        if envelope.kind in (CALL, STREAM):
            return failure(envelope, MalformedMessage(text))
        if envelope.kind == REPLY:
            asked = envelope._replace(source=envelope.target, target=envelope.source)
            return self.send(failure(asked, MalformedMessage(text)))
        return None


class Routes:
    """Which connected process has an address. Of two that claim one, the first to come has it."""

    def __init__(self) -> None:
        self._claims: dict[Address, list[Peer]] = {}

    def __contains__(self, address: Address) -> bool:
        return address in self._claims

    def holder(self, address: Address) -> Peer | None:
        """Find the process that has an address; None when none has announced it."""
        claims = self._claims.get(address)
        return claims[0] if claims is not None else None

    def add(self, peer: Peer, address: Address) -> Peer:
        """Note a claim; returns who has the address now."""
        peer.addresses[address] = None
        claims = self._claims.setdefault(address, [])
        if peer not in claims:
            claims.append(peer)
        return claims[0]

    def forget(self, peer: Peer, address: Address) -> None:
        """Take a claim back; the next process that claims the address has it then."""
        peer.addresses.pop(address, None)
        claims = self._claims.get(address, [])
        if peer in claims:
            claims.remove(peer)
            if not claims:
                del self._claims[address]


def _note(
    envelope: Envelope,
    opened: dict[Conversation, Address],
    answered: dict[Conversation, Address],
) -> None:
    """Track one direction: who asks there is in ``opened``, whom it answers in ``answered``."""
    kind = envelope.kind
    if kind in (CALL, STREAM):
        opened[envelope.source, envelope.number] = envelope.target
    elif kind in (REPLY, FAIL) or (kind == END and envelope.amount != UNKNOWN):
        answered.pop((envelope.target, envelope.number), None)
    elif kind == CANCEL:
        # A caller that leaves, or a reader that is gone.
        opened.pop((envelope.source, envelope.number), None)
