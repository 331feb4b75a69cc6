"""The network between simulated members: links that delay, lose, repeat, cut, hold and clog.

A link is one direction between two members. Messages are handed over as they are, never encoded:
members promise not to change what they sent. While no fault of a link is in force, sending costs
one draw for its fate and one for its delay.
"""

from collections import deque
from collections.abc import Callable
from heapq import heappush
from random import Random
from typing import TYPE_CHECKING, Any, Final

from kube_actors.raft import InstallSnapshot, Message
from kube_actors.simulation.raft.weather import Weather

if TYPE_CHECKING:
    from kube_actors.simulation.raft.events import Events

Link = tuple[int, int]
REMEMBERED: Final = 64


class Network:
    """``deliver`` is called when a message arrives; ``now_us`` is read from ``events``."""

    def __init__(
        self,
        weather: Weather,
        random: Random,
        events: "Events",
        deliver: Callable[[Any, None], None],
        *,
        remember: bool,
    ) -> None:
        self.events = events
        self.random = random.random
        self.deliver = deliver
        self.loss = weather.loss
        self.duplicate_from = 1.0 - weather.duplicate
        self.delay_us = weather.delay_us[0]
        self.delay_span_us = weather.delay_us[1] - weather.delay_us[0]
        self.cuts: dict[Link, int] = {}
        self.holds: dict[Link, list[Message]] = {}
        self.clogs: dict[Link, int] = {}
        self.lose_snapshots = 0.0
        self.reorder_us = 0
        self.remembered: deque[Message] | None = deque(maxlen=REMEMBERED) if remember else None
        self.troubled = remember
        self.on_fate: Callable[[Message, str, int], None] | None = None

    def settle(self) -> None:
        """Take the short way again if no fault of a link is in force."""
        self.troubled = bool(
            self.cuts
            or self.holds
            or self.clogs
            or self.lose_snapshots
            or self.reorder_us
            or self.remembered is not None
            or self.on_fate is not None
        )

    def send(self, message: Message) -> None:
        """Let a message begin its way."""
        fate = self.random()
        if self.troubled:
            self._send_in_trouble(message, fate)
        elif fate >= self.loss:
            # ``Events.after`` written out: this is the most frequent of all.
            events = self.events
            events.sequence = sequence = events.sequence + 1
            at_us = events.now_us + self.delay_us + int(self.random() * self.delay_span_us)
            heappush(events.heap, (at_us, sequence, self.deliver, message, None))
            if fate >= self.duplicate_from:
                delay_us = self.delay_us + int(self.random() * self.delay_span_us)
                events.after(delay_us, self.deliver, message, None)

    def _send_in_trouble(self, message: Message, fate: float) -> None:
        link = (message.source, message.target)
        if self.remembered is not None:
            self.remembered.append(message)
        if link in self.cuts:
            self._tell(message, "cut", 0)
            return
        if fate < self.loss:
            self._tell(message, "lost", 0)
            return
        if self.lose_snapshots and is_snapshot(message) and self.random() < self.lose_snapshots:
            self._tell(message, "lost", 0)
            return
        if link in self.holds:
            self.holds[link].append(message)
            return
        self.post(message, "delivered")
        if fate >= self.duplicate_from:
            self.post(message, "duplicate")

    def post(self, message: Message, fate: str) -> None:
        """Let a message surely arrive, unless its link is cut by then."""
        span_us = self.delay_span_us + self.reorder_us
        delay_us = self.delay_us + int(self.random() * span_us)
        if self.clogs:
            delay_us += self.clogs.get((message.source, message.target), 0)
        self.events.after(delay_us, self.deliver, message, None)
        if self.on_fate is not None:
            self.on_fate(message, fate, delay_us)

    def _tell(self, message: Message, fate: str, delay_us: int) -> None:
        if self.on_fate is not None:
            self.on_fate(message, fate, delay_us)

    # -- faults --------------------------------------------------------------------------

    def cut(self, links: list[Link]) -> None:
        """Cut links; a link that is cut twice must be mended twice."""
        for link in links:
            self.cuts[link] = self.cuts.get(link, 0) + 1
        self.troubled = True

    def mend(self, links: list[Link]) -> None:
        """Undo one cut of each link."""
        for link in links:
            count = self.cuts.get(link, 0) - 1
            if count > 0:
                self.cuts[link] = count
            else:
                self.cuts.pop(link, None)
        self.settle()

    def hold(self, link: Link) -> None:
        """Keep what is sent over a link until it is released."""
        self.holds.setdefault(link, [])
        self.troubled = True

    def release(self, link: Link) -> None:
        """Send everything that was held, all at once."""
        for message in self.holds.pop(link, ()):
            self.post(message, "delivered")
        self.settle()

    def replay(self, target: int, count: int) -> None:
        """Deliver old messages to a member once more."""
        old = [message for message in self.remembered or () if message.target == target]
        for message in old[-count:]:
            self.post(message, "duplicate")


def is_snapshot(message: Message) -> bool:
    """Say whether a message carries a snapshot, or a part of one."""
    return isinstance(message, InstallSnapshot) or "Snapshot" in type(message).__name__
