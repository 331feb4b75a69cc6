"""A group of simulated members with all that surrounds them: links, disks, clients, a budget.

It keeps members going: they tick, write, are given what arrives, crash and start again. What goes
wrong and when is not its business, and neither is how a run begins and ends.
"""

from heapq import heappush
from random import Random
from typing import Any

from kube_actors.raft import SnapshotChunk, SnapshotChunkReply, has_ready
from kube_actors.simulation.raft.admin import Administrator
from kube_actors.simulation.raft.budget import Budget
from kube_actors.simulation.raft.clients import Clients
from kube_actors.simulation.raft.disk import CorruptDisk, Disk, DiskFailure
from kube_actors.simulation.raft.events import Events
from kube_actors.simulation.raft.judges import Ledger
from kube_actors.simulation.raft.member import SimulatedMember
from kube_actors.simulation.raft.network import Network
from kube_actors.simulation.raft.recorder import Recorder
from kube_actors.simulation.raft.registers import Operation, Registers
from kube_actors.simulation.raft.weather import TICK_US, Weather

RETRY_START_US = 50_000
CHUNKS = (SnapshotChunk, SnapshotChunkReply)


class SimulatedGroup:
    """Members and their surroundings, driven by one heap of events.

    ``requests`` is how many requests clients make; ``remember`` keeps messages for a replay.
    """

    def __init__(
        self,
        random: Random,
        weather: Weather,
        *,
        requests: int,
        remember: bool,
        member_type: type[SimulatedMember],
        recorder: Recorder | None,
    ) -> None:
        self.random = random
        self.weather = weather
        self.recorder = recorder
        self.healed = False
        self.final_disk_us = 1_000
        self.events = Events()
        self.network = Network(weather, random, self.events, self.deliver, remember=remember)
        operations: dict[bytes, Operation] = {}
        snapshots: dict[tuple[int, int], Registers] = {}
        self.disks = {number: Disk() for number in weather.every_id}
        self.ledger = Ledger(operations, self.disks)
        self.members = {
            number: member_type(
                number,
                weather,
                self.ledger,
                disk,
                snapshots,
                random,
                send=self.network.send,
                time_write=self.time_write,
                answer=self.answer,
            )
            for number, disk in self.disks.items()
        }
        self.budget = Budget(self.members, self.ledger, lambda: self.events.now_s)
        self.administrator = Administrator(self.members, self.budget, self.start, self.settle)
        self.clients = Clients(
            weather,
            random,
            self.events,
            self.ledger,
            operations,
            self.members,
            self.settle,
            limit=requests,
        )

    # -- members -------------------------------------------------------------------------

    def start(self, member: SimulatedMember, _: Any = None) -> None:
        """Start a member; one whose disk is damaged stays down, and may be replaced."""
        if member.gone or member.raft is not None:
            return
        try:
            member.start()
        except CorruptDisk as error:
            member.started = True
            self.note(member, "note", f"refuses to start: {error}")
            if member.disk.damage:
                self.lose(member)
            else:
                self.events.after(RETRY_START_US, self.start, member)
            return
        if self.recorder is not None:
            self.recorder.restarted(member)
        drift = 0.0 if self.weather.aligned else self.weather.drift
        luck = self.random.uniform(-drift, drift)
        if self.weather.slow:
            luck = drift if member.id == self.weather.slow else -drift
        member.period_us = int(TICK_US * (1 + luck))
        first_us = 1 + int(self.random.random() * member.period_us)
        if self.weather.aligned:
            first_us = TICK_US - self.events.now_us % TICK_US
        self.events.after(first_us, self._tick, member, member.incarnation)
        self.settle(member)

    def lose(self, member: SimulatedMember) -> None:
        """Give up a member whose disk cannot be used any more."""
        self.budget.lost.setdefault(member.id, "damaged")
        member.gone = True
        if self.weather.rebuild:
            self.administrator.replace(member.id)

    def crash(
        self, member: SimulatedMember, until_us: int, luck: float, *, torn: bool = False
    ) -> None:
        """Stop a member at once and plan its restart."""
        if member.raft is not None:
            member.crash(luck, torn=torn)
            self.note(member, "crash")
        delay_us = until_us - self.events.now_us
        if member.started and until_us and not member.gone:
            self.events.after(max(delay_us, 1), self.start, member)

    def resume(self, member: SimulatedMember) -> None:
        """Let a paused member go on with what has arrived meanwhile."""
        member.paused = False
        self.note(member, "resume")
        inbox, member.inbox = member.inbox, []
        missed, member.missed_ticks = member.missed_ticks, 0
        if self.weather.keeps_time and member.raft is not None:
            for _ in range(missed):
                member.raft.tick()
                self.settle(member)
        if member.flush_due:
            member.flush_due = False
            self._flush(member, member.incarnation)
        for message in inbox:
            self.deliver(message, None)

    def _tick(self, member: SimulatedMember, incarnation: int) -> None:
        raft = member.raft
        if raft is None or member.incarnation != incarnation:
            return
        if member.paused:
            member.missed_ticks += 1
        else:
            member.taken = 0
            if not member.clock_stopped:
                raft.tick()
                if member.chunks is not None:
                    member.chunks.tick()
                if has_ready(member.state):
                    self.ledger.check_limits(member.state)
                    self._let_out(member)
        period_us = member.period_us
        if member.rate != 1.0:
            period_us = int(period_us / member.rate)
        events = self.events
        events.sequence = sequence = events.sequence + 1
        event = (events.now_us + period_us, sequence, self._tick, member, incarnation)
        heappush(events.heap, event)

    def settle(self, member: SimulatedMember) -> None:
        """Check a member after a step and let out what the step left to do."""
        if has_ready(member.state):  # Else it was looked at after its last Ready, and is the same.
            self._let_out(member)

    def _let_out(self, member: SimulatedMember) -> None:
        state = member.state
        observe = self.ledger.observe
        observe(state)
        if member.pump():
            observe(state)
        if self.recorder is not None:
            self.recorder.look(member)

    def time_write(self, member: SimulatedMember) -> None:
        """Plan when a member's oldest write reaches its disk, unless it crashes before."""
        low_us, high_us = (50, self.final_disk_us) if self.healed else self.weather.disk_us
        delay_us = low_us + int(self.random.random() * (high_us - low_us)) + member.disk.slow_us
        self.events.after(delay_us, self._flush, member, member.incarnation)

    def _flush(self, member: SimulatedMember, incarnation: int) -> None:
        if member.incarnation != incarnation or member.raft is None:
            return
        if member.paused:
            member.flush_due = True
            return
        if member.crash_in_write:
            luck, torn = member.crash_in_write, member.tears
            self.crash(member, member.down_until_us, luck, torn=torn)
            return
        try:
            member.flush()
        except DiskFailure as error:
            luck = self.random.random() if str(error) == "io-error" else 0.0
            self.crash(member, member.down_until_us + 1, luck)
            return
        still_writing = bool(member.writing)
        state = member.state
        if has_ready(state):
            self._let_out(member)
        else:
            self.ledger.observe(state)
        if still_writing:
            self.time_write(member)

    def answer(self, member: SimulatedMember, operation: Operation) -> None:
        """Tell the clients what became of a request that this member was asked."""
        self.clients.answered(member, operation)

    # -- network -------------------------------------------------------------------------

    def deliver(self, message: Any, _: None) -> None:
        """Let a message arrive, at whichever incarnation is there."""
        member = self.members[message.target]
        raft = member.raft
        if raft is None:
            return
        cuts = self.network.cuts
        if cuts and (message.source, message.target) in cuts:
            return
        if member.paused:
            if len(member.inbox) < member.inbox_max:
                member.inbox.append(message)
            return
        if member.narrow is not None:
            member.taken += 1
            if member.taken > member.narrow:
                return
        if member.chunks is not None and type(message) in CHUNKS:
            member.chunks.receive(message)
        else:
            raft.step(message)
        if has_ready(member.state):
            self._let_out(member)

    def note(self, member: SimulatedMember, kind: str, text: str = "") -> None:
        """Write down something that happened to a member, if anybody records."""
        if self.recorder is not None:
            self.recorder.note(member, kind, text)
