"""An open call: the place where its answer arrives, and its own deadline.

As it is itself the timer of its deadline, a call costs one object and one push on the heap.
"""

import math
from typing import Protocol

from kube_actors.actor.address import Address
from kube_actors.actor.loop import Library, Timer, Timers


class Caller(Protocol):
    """What a call needs of the port that it was made through."""

    library: Library
    timers: Timers

    def expire(self, call: "Call") -> None:
        """Give up a call whose deadline has passed."""


class Call(Timer):
    """``number`` names the conversation; ``timeout_s`` may be infinite, then it never fires."""

    __slots__ = ("number", "port", "slot", "target", "timeout_s")

    def __init__(self, port: Caller, target: Address, number: int, timeout_s: float) -> None:
        self.timers = port.timers
        self.live = timeout_s != math.inf
        self.port = port
        self.target = target
        self.number = number
        self.timeout_s = timeout_s
        self.slot = port.library.slot()

    def fire(self) -> None:
        """Let the port give it up."""
        self.port.expire(self)
