"""How a message gets from one actor to another, and how it becomes bytes on the way.

In this order: ``codec`` turns a message into a tuple of plain values and checks its annotations;
``wire`` packs that as the msgpack header of a ``Frame``, with the blobs beside it; an ``Envelope``
says from whom to whom, and in which conversation. The sender's ``Port`` hands it to a ``Network``:
the one in memory passes it on as it is, blobs by reference, the one over TCP lays it out in bytes
(``tcp.frames``). The receiver's ``Port`` puts it into its mailbox as a ``Delivery``, which ``wire``
decodes when it is taken out, checked before anybody sees it. Nothing here knows who runs an actor,
or which network carries the envelopes.
"""

from kube_actors.actor.talk.delivery import Delivery, StreamWriter
from kube_actors.actor.talk.envelope import (
    CALL,
    CANCEL,
    EMPTY,
    END,
    FAIL,
    ITEM,
    KEEPALIVE,
    KINDS,
    REPLY,
    STREAM,
    TELL,
    UNKNOWN,
    Envelope,
)
from kube_actors.actor.talk.frame import Frame
from kube_actors.actor.talk.mailbox import Mailbox, Overflow
from kube_actors.actor.talk.network import Network
from kube_actors.actor.talk.port import Port
from kube_actors.actor.talk.stream import StreamReader
from kube_actors.actor.talk.undeliverable import failure, undeliverable
from kube_actors.actor.talk.wire import decode, encode

__all__ = [
    "CALL",
    "CANCEL",
    "Delivery",
    "EMPTY",
    "END",
    "Envelope",
    "FAIL",
    "Frame",
    "ITEM",
    "KEEPALIVE",
    "KINDS",
    "Mailbox",
    "Network",
    "Overflow",
    "Port",
    "REPLY",
    "STREAM",
    "StreamReader",
    "StreamWriter",
    "TELL",
    "UNKNOWN",
    "decode",
    "encode",
    "failure",
    "undeliverable",
]
