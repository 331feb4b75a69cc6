"""What either end of a conversation needs of the port that it speaks through.

``Port`` keeps these promises; deliveries and streams know it by them alone, as it makes them.
"""

from typing import Protocol

from kube_actors.actor.address import Address
from kube_actors.actor.loop import Library
from kube_actors.actor.talk.envelope import Envelope


class Speaker(Protocol):
    """One incarnation's voice; it outlives the conversations that it holds."""

    address: Address
    library: Library

    def time(self) -> float:
        """Read the event loop's clock, in seconds."""

    def send(self, envelope: Envelope) -> None:
        """Carry an envelope in this address's name; lost in silence once the port is closed."""

    async def let_others_run(self, *, always: bool = False) -> None:
        """Let other tasks run once in a while, or now: for what succeeds without waiting."""

    def stream_opened(self) -> None:
        """See to it that both ends of a stream hear of each other from now on."""
