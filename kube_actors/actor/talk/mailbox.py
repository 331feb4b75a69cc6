"""The bounded queue of messages that an actor has not received yet.

A full mailbox says what happens: ``REJECT`` refuses the newcomer, ``DROP_OLDEST`` gives up what
has waited longest. A call or stream given up fails with ``Overloaded`` at once; a tell is lost
and counted.
"""

from collections import deque
from enum import Enum

from kube_actors.actor.talk.delivery import Delivery


class Overflow(Enum):
    """What a full mailbox does with one more message."""

    REJECT = "reject"
    DROP_OLDEST = "drop_oldest"


class Mailbox:
    """Deliveries in the order of their arrival, at most ``size_max``."""

    __slots__ = ("_items", "_overflow", "accepted", "given_up", "size_max")

    def __init__(self, size_max: int, overflow: Overflow) -> None:
        if size_max < 1:
            raise ValueError(f"a mailbox holds at least 1 message, not {size_max}")
        self.size_max = size_max
        self.accepted = 0
        self.given_up = 0
        self._overflow = overflow
        # Most actors are spoken to seldom or never.
        self._items: deque[Delivery] | None = None

    def __len__(self) -> int:
        return len(self._items) if self._items else 0

    def put(self, delivery: Delivery) -> Delivery | None:
        """Add a delivery; gives back the one that had to be given up, if any."""
        if self._items is None:
            self._items = deque()
        if len(self._items) < self.size_max:
            self._items.append(delivery)
            self.accepted += 1
            return None
        self.given_up += 1
        if self._overflow is Overflow.REJECT:
            return delivery
        self._items.append(delivery)
        self.accepted += 1
        return self._items.popleft()

    def take(self) -> Delivery | None:
        """Remove the oldest delivery."""
        return self._items.popleft() if self._items else None
