"""A network inside one process, with faults on demand and a seed that decides them.

Without faults, sending is a function call into the receiver's mailbox. The verbs cut, hold,
delay, lose, repeat, swap and damage what goes from one group of addresses to another; every link
draws from its own randomness, so what happens on one does not depend on the traffic of another.
An envelope under way is lost when its link is cut before it arrives.
"""

import random
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial

import attrs

from kube_actors.actor.address import Address, prefixes
from kube_actors.actor.errors import MalformedMessage
from kube_actors.actor.link_rules import NO_FAULT, Fault, Rules
from kube_actors.actor.loop import Timers
from kube_actors.actor.talk import Envelope, Frame, undeliverable

HELD_MAX = 65_536
"""Envelopes a held link keeps; the oldest are lost beyond that."""


@attrs.define
class NetworkStatistics:
    """Envelopes that met a fault, by what happened to them."""

    cut: int = 0
    dropped: int = 0
    delayed: int = 0
    duplicated: int = 0
    reordered: int = 0
    corrupted: int = 0
    held: int = 0
    overflowed: int = 0
    unreachable: int = 0


class _Link:
    """One direction between two addresses, as the rules have it now."""

    __slots__ = ("cut", "fault", "free_s", "held", "queue", "random")

    def __init__(self, rng: random.Random) -> None:
        self.random = rng
        self.cut = False
        self.held = False
        self.fault = NO_FAULT
        self.free_s = 0.0
        self.queue: deque[Envelope] = deque()


class MemoryNetwork:
    """The network of one process; groups in its verbs are a prefix or several."""

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed
        self._ports: dict[Address, tuple[Callable[[Envelope], None], Timers]] = {}
        self._links: dict[tuple[Address, Address], _Link] = {}
        self._cuts: Rules[bool] = Rules(False)
        self._holds: Rules[bool] = Rules(False)
        self._faults: Rules[Fault] = Rules(NO_FAULT)
        self._under_way = 0
        self._calm = True
        self._lossy = False
        self._counts = NetworkStatistics()

    # What ports ask of it.

    @property
    def lossy(self) -> bool:
        """True from the first fault on: what it took is missing also when it is healed."""
        return self._lossy

    def attach(self, address: Address, deliver: Callable[[Envelope], None], timers: Timers) -> None:
        """Give an address to a port, whose timers bring what is delayed; ValueError when taken."""
        if address in self._ports:
            raise ValueError(f"the address {address} is taken")
        self._ports[address] = (deliver, timers)

    def detach(self, address: Address) -> None:
        """Take the address back; what is under way to it is answered as undeliverable."""
        self._ports.pop(address, None)

    def send(self, envelope: Envelope) -> None:
        """Call the receiver, or do to the envelope what the rules of its link say."""
        if self._calm:
            port = self._ports.get(envelope.target)
            if port is not None:
                port[0](envelope)
                return
        self._carry(envelope)

    def flush(self) -> None:
        """Nothing is gathered here."""

    # What can be done to it.

    def partition(
        self, a: str | Iterable[str], b: str | Iterable[str] = "", *, both: bool = True
    ) -> None:
        """Cut the links from ``a`` to ``b``, and back unless ``both`` is False: silence."""
        self._rule(self._cuts, a, b, True, both)

    def repair(
        self, a: str | Iterable[str], b: str | Iterable[str] = "", *, both: bool = True
    ) -> None:
        """Mend the links that ``partition`` or ``isolate`` cut."""
        self._rule(self._cuts, a, b, False, both)

    def isolate(self, group: str | Iterable[str]) -> None:
        """Cut a group from everybody else, in both directions; inside it nothing changes."""
        self._cuts.put(prefixes(group), None, True)
        self._changed()

    def hold(
        self, a: str | Iterable[str], b: str | Iterable[str] = "", *, both: bool = True
    ) -> None:
        """Keep what is sent between two groups until ``release``."""
        self._rule(self._holds, a, b, True, both)

    def release(
        self, a: str | Iterable[str], b: str | Iterable[str] = "", *, both: bool = True
    ) -> None:
        """Deliver what was held, in its order."""
        self._rule(self._holds, a, b, False, both)

    def set_fault(
        self,
        source: str | Iterable[str],
        target: str | Iterable[str] = "",
        *,
        drop: float = 0.0,
        delay_s: float | tuple[float, float] = 0.0,
        duplicate: float = 0.0,
        reorder: float = 0.0,
        corrupt: float = 0.0,
    ) -> None:
        """Make the links from ``source`` to ``target`` faulty, replacing an earlier fault.

        Probabilities are per envelope; ``delay_s`` is a time or (least, most). Without any, the
        links are sound again.
        """
        span = delay_s if isinstance(delay_s, tuple) else (delay_s, delay_s)
        fault = Fault(drop, span, duplicate, reorder, corrupt)
        self._faults.put(prefixes(source), prefixes(target), fault)
        self._changed()

    def heal(self) -> None:
        """Undo every cut, hold and fault; what is held or under way arrives."""
        self._cuts.clear()
        self._holds.clear()
        self._faults.clear()
        self._changed()

    def statistics(self) -> NetworkStatistics:
        """Count what faults did so far."""
        return attrs.evolve(self._counts)

    # How it does it.

    def _rule(
        self,
        rules: Rules[bool],
        a: str | Iterable[str],
        b: str | Iterable[str],
        verdict: bool,
        both: bool,
    ) -> None:
        left, right = prefixes(a), prefixes(b)
        rules.put(left, right, verdict)
        if both:
            rules.put(right, left, verdict)
        self._changed()

    def _changed(self) -> None:
        """Bring the known links up to date with the rules."""
        ruled = bool(len(self._cuts) or len(self._holds) or len(self._faults))
        self._lossy = self._lossy or ruled
        for ends, link in list(self._links.items()):
            self._apply(ends, link)
        for link in list(self._links.values()):
            while link.queue and not link.held:
                self._pass(link, link.queue.popleft())
        self._settle()

    def _settle(self) -> None:
        ruled = len(self._cuts) or len(self._holds) or len(self._faults)
        self._calm = not ruled and not self._under_way

    def _apply(self, ends: tuple[Address, Address], link: _Link) -> None:
        link.cut = self._cuts.verdict(*ends)
        link.held = self._holds.verdict(*ends)
        link.fault = self._faults.verdict(*ends)

    def _link(self, source: Address, target: Address) -> _Link:
        ends = (source, target)
        link = self._links.get(ends)
        if link is None:
            link = _Link(random.Random(f"{self.seed}/{source}/{target}"))
            self._apply(ends, link)
            self._links[ends] = link
        return link

    def _carry(self, envelope: Envelope) -> None:
        link = self._link(envelope.source, envelope.target)
        if not link.held or link.cut:
            self._pass(link, envelope)
            return
        self._counts.held += 1
        link.queue.append(envelope)
        if len(link.queue) > HELD_MAX:
            link.queue.popleft()
            self._counts.overflowed += 1

    def _pass(self, link: _Link, envelope: Envelope) -> None:
        """Send an envelope over a link that is not held, with what the link does to it."""
        fault, draw = link.fault, link.random.random
        if link.cut:
            self._counts.cut += 1
        elif fault.drop and draw() < fault.drop:
            self._counts.dropped += 1
        elif fault.corrupt and draw() < fault.corrupt and self._damaged(link, envelope):
            self._counts.corrupted += 1
        else:
            self._schedule(link, envelope)
            if fault.duplicate and draw() < fault.duplicate:
                self._counts.duplicated += 1
                self._schedule(link, envelope)

    def _schedule(self, link: _Link, envelope: Envelope) -> None:
        """Let an envelope arrive now or later, after those before it unless it is reordered."""
        port = self._ports.get(envelope.source) or self._ports.get(envelope.target)
        if port is None:
            self._counts.unreachable += 1
            return
        timers, fault, delay_s = port[1], link.fault, 0.0
        now_s = timers.now()
        if fault.delay_s[1]:
            delay_s = link.random.uniform(*fault.delay_s)
        if fault.reorder and link.random.random() < fault.reorder:
            delay_s += link.random.uniform(0, fault.reorder_s)
            self._counts.reordered += 1
        else:
            delay_s = max(delay_s, link.free_s - now_s)
            link.free_s = now_s + delay_s
        if delay_s <= 0:
            self._arrive(envelope)
            return
        self._counts.delayed += 1
        self._under_way += 1
        self._calm = False
        timers.after(delay_s, partial(self._arrive_late, envelope))

    def _arrive_late(self, envelope: Envelope) -> None:
        self._under_way -= 1
        link = self._link(envelope.source, envelope.target)
        if link.cut:
            self._counts.cut += 1
        elif link.held:
            link.queue.append(envelope)
        else:
            self._arrive(envelope)
        self._settle()

    def _arrive(self, envelope: Envelope) -> None:
        port = self._ports.get(envelope.target)
        if port is not None:
            port[0](envelope)
            return
        self._counts.unreachable += 1
        answer = undeliverable(envelope)
        if answer is not None:
            self.send(answer)

    def _damaged(self, link: _Link, envelope: Envelope) -> bool:
        """Flip one bit of the frame as it would cross a socket; say whether it was noticed."""
        data = bytearray(envelope.frame.to_bytes())
        bit = link.random.randrange(len(data) * 8)
        data[bit // 8] ^= 1 << bit % 8
        try:
            Frame.from_bytes(bytes(data))
        except MalformedMessage:
            return True
        return False
