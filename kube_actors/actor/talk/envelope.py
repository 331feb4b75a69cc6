"""What a network carries: a frame with who, to whom, and which conversation it belongs to.

``number`` names the conversation (a call or a stream) at the side that opened it. ``amount`` is
the conversation's own measure: seconds left for CALL, items allowed so far for STREAM and CREDIT,
the place of an ITEM in its stream (from 1), the last place for END and KEEPALIVE.
"""

from typing import Final, NamedTuple

from kube_actors.actor.address import Address
from kube_actors.actor.talk.frame import Frame

TELL: Final = 0
CALL: Final = 1
STREAM: Final = 2
REPLY: Final = 3
FAIL: Final = 4
ITEM: Final = 5
END: Final = 6
CREDIT: Final = 7
CANCEL: Final = 8
KEEPALIVE: Final = 9

KINDS: Final = (
    "tell",
    "call",
    "stream",
    "reply",
    "fail",
    "item",
    "end",
    "credit",
    "cancel",
    "keepalive",
)

UNKNOWN: Final = -1.0
"""As the amount of END: whoever has this address holds no such stream."""

EMPTY: Final = Frame(b"", ())


class Envelope(NamedTuple):
    """One thing under way between two addresses; ``kind`` is one of the constants above."""

    kind: int
    source: Address
    target: Address
    number: int = 0
    frame: Frame = EMPTY
    amount: float = 0


def unknown_stream(envelope: Envelope) -> Envelope:
    """Answer credit for a stream that nobody holds here."""
    return Envelope(END, envelope.target, envelope.source, envelope.number, EMPTY, UNKNOWN)
