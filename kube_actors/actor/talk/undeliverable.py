"""What a sender is told whose envelope reaches nobody.

Every network says the same for an address that nobody has: a call or stream fails with
``Unreachable``, credit for a stream that is gone is answered with its unknown end, an item or
keepalive makes its writer stop. What a paused port held when it ended fails with its crash.
"""

from collections.abc import Iterable, Iterator

from kube_actors.actor.errors import ActorCrashed, ActorError, Unreachable
from kube_actors.actor.talk.envelope import (
    CALL,
    CANCEL,
    CREDIT,
    END,
    FAIL,
    ITEM,
    KEEPALIVE,
    REPLY,
    STREAM,
    Envelope,
    unknown_stream,
)
from kube_actors.actor.talk.wire import encode


def undeliverable(envelope: Envelope) -> Envelope | None:
    """Return the answer in the absent one's name; None when nobody waits for one."""
    kind, source, target, number = envelope[:4]
    if kind in (CALL, STREAM):
        return failure(envelope, Unreachable(str(target)))
    if kind == CREDIT:
        return unknown_stream(envelope)
    if kind in (ITEM, KEEPALIVE):
        return Envelope(CANCEL, target, source, number)
    return None


def failure(envelope: Envelope, error: ActorError) -> Envelope:
    """Return the failure of a call or stream."""
    return Envelope(FAIL, envelope.target, envelope.source, envelope.number, encode(error))


def lost_in_pause(arrived: Iterable[Envelope], leaving: Iterable[Envelope]) -> Iterator[Envelope]:
    """Yield what those are told who wait for something that a pause held, and now never comes.

    ``arrived`` was for the incarnation that has ended, ``leaving`` came from it.
    """
    for envelope in arrived:
        if envelope.kind in (CALL, STREAM):
            yield failure(envelope, ActorCrashed(str(envelope.target)))
    for envelope in leaving:
        if envelope.kind in (REPLY, FAIL, END):
            yield envelope._replace(
                kind=END if envelope.kind == END else FAIL,
                frame=encode(ActorCrashed(str(envelope.source))),
            )
