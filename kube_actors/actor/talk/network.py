"""The promise of every network: envelopes go to addresses, perhaps.

A network carries envelopes between the ports attached to it. It may lose, delay, repeat or swap
them when it is ``lossy``; then the ends of streams keep each other informed. A call or stream to
an address that nobody has is answered with ``Unreachable``, unless the link is silent.
"""

from collections.abc import Callable
from typing import Protocol

from kube_actors.actor.address import Address
from kube_actors.actor.loop import Timers
from kube_actors.actor.talk.envelope import Envelope


class Network(Protocol):
    """What carries envelopes; ports use nothing else of it."""

    @property
    def lossy(self) -> bool:
        """Whether envelopes may be lost, so that silence must be told from absence."""

    def attach(self, address: Address, deliver: Callable[[Envelope], None], timers: Timers) -> None:
        """Give an address to a port; ValueError when it is taken."""

    def detach(self, address: Address) -> None:
        """Take the address back; no-op when nobody has it."""

    def send(self, envelope: Envelope) -> None:
        """Carry an envelope; never waits, never raises."""

    def flush(self) -> None:
        """Let what was sent leave now, where it is gathered for a turn of the loop: for who is
        going to keep the loop busy while others wait for it. Never waits, never raises."""
