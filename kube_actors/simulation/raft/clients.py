"""Clients of a simulated group: each asks, waits for the answer, thinks, and asks again.

A client retries a refused request at another member with the same number, so it may reach the log
twice; after a timeout its outcome is unknown and the client goes on under another name, as its
session may not be used for anything newer. Everything asked and answered is kept as the history
that is judged at the end.
"""

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Final

from kube_actors.raft import ProposalDropped, ReadDropped
from kube_actors.simulation.raft.events import Events
from kube_actors.simulation.raft.judges import Ledger
from kube_actors.simulation.raft.member import SimulatedMember
from kube_actors.simulation.raft.registers import CAS, READ, WRITE, Operation
from kube_actors.simulation.raft.weather import Weather

RETRY_US: Final = 30_000
TRIES_MAX: Final = 4


class Clients:
    """``operations`` is by data, shared with the members; ``history`` is in order of asking."""

    def __init__(
        self,
        weather: Weather,
        random: Random,
        events: Events,
        ledger: Ledger,
        operations: dict[bytes, Operation],
        members: Mapping[int, SimulatedMember],
        settle: Callable[[SimulatedMember], None],
        *,
        limit: int,
    ) -> None:
        self.weather = weather
        self.random = random.random
        self.events = events
        self.ledger = ledger
        self.operations = operations
        self.members: Sequence[SimulatedMember] = list(members.values())
        self.settle = settle
        self.limit = limit
        self.look_us = weather.patience_us // 4
        self.history: list[Operation] = []
        self.names = 0
        self.leader = 0
        self.stopped = False

    def start(self) -> None:
        """Give every client its first request, after a moment of its own to think."""
        for _ in range(min(self.weather.clients, self.limit)):
            self.names += 1
            self.events.after(
                1 + int(self.random() * self.weather.think_us), self._next, self.names
            )

    def _next(self, client: int, _: None) -> None:
        if self.stopped or len(self.history) >= self.limit:
            return
        random, weather = self.random, self.weather
        number = len(self.history) + 1
        draw = random()
        key = int(random() * weather.keys)
        kind, expected = WRITE, 0
        if draw < weather.read_share:
            kind = READ
        elif draw < weather.read_share + weather.cas_share:
            kind = CAS
            expected = self.ledger.values.get(key, 0)
        operation = Operation(number, client, kind, key, number, expected, 8 + int(random() * 40))
        target = self.members[int(random() * len(self.members))]
        if self.leader and random() >= weather.wander:
            target = self.members[self.leader - 1]
        self.ask(operation, target)

    def ask(self, operation: Operation, member: SimulatedMember) -> None:
        """Begin a request and the wait for its answer."""
        events = self.events
        operation.invoked_us = events.now_us
        self.history.append(operation)
        self.operations[operation.data] = operation
        events.after(self.look_us, self._look, operation)
        self._try(operation, member)

    def _try(self, operation: Operation, member: SimulatedMember) -> None:
        if operation.outcome:
            return
        raft = member.raft
        if raft is not None and not member.paused:
            operation.asked = member.id
            operation.incarnation = member.incarnation
            try:
                if operation.kind == READ:
                    # A read has no effect, so it may be asked again.
                    context = member.new_context()
                    floor = self.ledger.last_chosen
                    raft.read_index(context)
                    member.reads[context] = (operation, floor)
                else:
                    raft.propose(operation.data)
            except (ProposalDropped, ReadDropped):
                pass
            else:
                operation.tries += 1
                self.settle(member)
                return
        self.events.after(RETRY_US + int(self.random() * RETRY_US), self._retry, operation)

    def _retry(self, operation: Operation, _: None) -> None:
        if not operation.outcome:
            member = self.members[int(self.random() * len(self.members))]
            if member.raft is not None and member.raft.leader:
                member = self.members[member.raft.leader - 1]
            self._try(operation, member)

    def _look(self, operation: Operation, _: None) -> None:
        """Ask again if no answer came, and at last give up."""
        if operation.outcome:
            return
        if self.events.now_us - operation.invoked_us < self.weather.patience_us:
            if 0 < operation.tries < TRIES_MAX:
                self._retry(operation, None)
            self.events.after(self.look_us, self._look, operation)
        else:
            self._give_up(operation)

    def _give_up(self, operation: Operation) -> None:
        no_effect = operation.kind == READ or not operation.tries
        operation.outcome = "fail" if no_effect else "unknown"
        operation.returned_us = self.events.now_us
        self.names += 1
        self.leader = 0
        self._think(self.names)

    def answered(self, member: SimulatedMember, operation: Operation) -> None:
        """Take in an answer, and go on after a while."""
        operation.outcome = "ok"
        operation.returned_us = self.events.now_us
        if operation.kind != READ:
            operation.position = member.state.log.delivered
        if member.raft is not None:
            self.leader = int(member.raft.leader)
        self._think(operation.client)

    def _think(self, client: int) -> None:
        if client > 0:
            self.events.after(1 + int(self.random() * self.weather.think_us), self._next, client)
