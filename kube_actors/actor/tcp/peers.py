"""What is open between this process and one other, so that nobody waits for a lost connection.

A network that loses a connection knows which calls and streams went over it: those who wait here
are told, and those who serve here learn that nobody waits any more.
"""

from kube_actors.actor.address import Address
from kube_actors.actor.errors import ActorCrashed
from kube_actors.actor.talk import CALL, CANCEL, END, FAIL, REPLY, STREAM, UNKNOWN, Envelope, encode
from kube_actors.actor.tcp.connection import Connection

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
    """Another process while a connection to it is open."""

    __slots__ = ("addresses", "connection", "conversations", "overflowing")

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.addresses: dict[Address, None] = {}
        self.conversations = Conversations()
        self.overflowing = False


class Routes:
    """Which connected process has an address. Of two that claim one, the first to come has it."""

    def __init__(self) -> None:
        self._claims: dict[Address, list[Peer]] = {}

    def __contains__(self, address: Address) -> bool:
        return address in self._claims

    def holder(self, address: Address) -> Peer | None:
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
