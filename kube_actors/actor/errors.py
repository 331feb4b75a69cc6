"""What can go wrong between two actors, as values that cross the wire.

Everything a call or stream raises is an ``ActorError``: those below, raised by the runtime, and
those a component declares with ``@message`` and answers with ``Delivery.fail``. They say what is
known, never more: a call that ended with ``DeadlineExceeded`` or ``ActorCrashed`` may have been
done or not, one that ended with ``Unreachable`` or ``Overloaded`` was not.
"""

import attrs

from kube_actors.actor.message import message


class ActorError(Exception):
    """Base of everything that can be raised through a call or a stream."""

    def __str__(self) -> str:
        cls: type = type(self)
        if not attrs.has(cls):
            return super().__str__()
        fields = [field.name for field in attrs.fields(cls)]
        if fields == ["text"]:
            return str(getattr(self, fields[0]))
        return ", ".join(f"{name}={getattr(self, name)!r}" for name in fields)


class OutsideTrouble(Exception):
    """Base of what an actor ends with when its program is not at fault: a full disk, say.

    Its supervisor tells it in one line, without a traceback, and once however often the next
    attempts meet the same.
    """


@message("actor.malformed")
class MalformedMessage(ActorError, ValueError):
    """Bytes that are no known message: unknown tag, wrong fields, wrong types, bad msgpack."""

    text: str


@message("actor.unreachable")
class Unreachable(ActorError):
    """Nobody has this address; the message was not received."""

    address: str

    def __str__(self) -> str:
        return f"nobody answers at {self.address}"


@message("actor.deadline_exceeded")
class DeadlineExceeded(ActorError):
    """No answer came in time; whether the message was acted upon is unknown."""

    text: str


@message("actor.overloaded")
class Overloaded(ActorError):
    """The mailbox of ``address`` is full; the message was not received."""

    address: str

    def __str__(self) -> str:
        return f"{self.address} has too much to do: its mailbox is full"


@message("actor.crashed")
class ActorCrashed(ActorError):
    """``address`` ended, or its link broke, while it held the call or stream."""

    address: str

    def __str__(self) -> str:
        return f"{self.address} ended, or was cut off, before it answered"
