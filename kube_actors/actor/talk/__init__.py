"""How a message gets from one actor to another.

An envelope holds a frame: a msgpack header that ``wire`` writes by the plans of ``codec``, and
the blobs that cross beside it. A ``Port`` is one living actor's end of the network: its mailbox,
its open calls and its streams. What arrives is a ``Delivery``, checked before anybody sees it.
Nothing here knows who runs an actor, or what kind of network carries the envelopes.
"""

from kube_actors.actor.talk.absence import absence, failure
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
    "absence",
    "decode",
    "encode",
    "failure",
]
