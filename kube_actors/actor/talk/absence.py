"""What somebody is told who speaks to an address that nobody has.

Every network says the same: a call or stream fails with ``Unreachable``, credit for a stream that
is gone is answered with its unknown end, an item or keepalive makes its writer stop.
"""

from kube_actors.actor.errors import ActorError, Unreachable
from kube_actors.actor.talk.envelope import (
    CALL,
    CANCEL,
    CREDIT,
    FAIL,
    ITEM,
    KEEPALIVE,
    STREAM,
    Envelope,
    stranger,
)
from kube_actors.actor.talk.wire import encode


def absence(envelope: Envelope) -> Envelope | None:
    """Return the answer in the absent one's name; None when nobody waits for one."""
    kind, source, target, number = envelope[:4]
    if kind in (CALL, STREAM):
        return failure(envelope, Unreachable(str(target)))
    if kind == CREDIT:
        return stranger(envelope)
    if kind in (ITEM, KEEPALIVE):
        return Envelope(CANCEL, target, source, number)
    return None


def failure(envelope: Envelope, error: ActorError) -> Envelope:
    """Return the failure of a call or stream."""
    return Envelope(FAIL, envelope.target, envelope.source, envelope.number, encode(error))
