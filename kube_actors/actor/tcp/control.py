"""The network's own words to another process: addresses, and why a connection ends."""

import contextlib
from typing import Final

from kube_actors.actor.address import Address
from kube_actors.actor.talk import EMPTY, Envelope, Frame
from kube_actors.actor.tcp.connection import Connection
from kube_actors.actor.tcp.frames import REFUSED
from kube_actors.actor.tcp.handshake import write_addresses

NOBODY: Final = Address("")
DUPLICATE: Final = b"another connection stays"


def leave(connection: Connection) -> None:
    """Close one of two connections to the same process; nobody need hear of it."""
    connection.send(control(REFUSED, DUPLICATE))
    connection.close_after_sending("")


def told(connection: Connection, envelope: Envelope, what: str) -> None:
    """Close a connection that the other side says it is about to close."""
    said = envelope.frame.header
    connection.refused = said != DUPLICATE
    connection.close("" if said == DUPLICATE else f"{what}: {text_of(envelope)}")


def control(kind: int, said: bytes) -> Envelope:
    """Wrap the network's own word; ``kind`` is one of those from ``HELLO`` on."""
    return Envelope(kind, NOBODY, NOBODY, 0, Frame(said) if said else EMPTY)


def addresses_told(kind: int, addresses: list[Address]) -> Envelope:
    """Wrap addresses that this process has (``HELD``) or no longer has (``GONE``)."""
    return control(kind, write_addresses(addresses))


def text_of(envelope: Envelope) -> str:
    """Read the reason in a ``REFUSED``, at most 500 bytes of it; never raises."""
    with contextlib.suppress(UnicodeDecodeError):
        return envelope.frame.header[:500].decode()
    return "without a readable reason"
