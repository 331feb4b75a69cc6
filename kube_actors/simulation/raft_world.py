"""A Raft group in a world of faults, decided by one seed and run from one plain heap of events.

There is no event loop here and no clock: time is an integer of microseconds. The seed first draws
the weather (how many members, how lossy, how slow a disk, how often they crash, which options of
Raft are on), then every event. Invariants are checked at every step; at the end the faults stop,
except that a minority may stay dead, and the rest must elect, commit, read and agree.
"""

from collections.abc import Callable
from functools import partial
from heapq import heappop, heappush
from random import Random

from attrs import frozen

from kube_actors.raft import (
    LEAVE_JOINT,
    ChangeType,
    ConfigChange,
    InvalidChange,
    MemberChange,
    Message,
    ProposalDropped,
    RaftConfig,
    ReadDropped,
    TransferRefused,
    Transition,
)
from kube_actors.simulation.raft_invariants import Durable, InvariantViolation, Ledger
from kube_actors.simulation.raft_member import SimulatedMember
from kube_actors.simulation.raft_weather import Weather

__all__ = ["Outcome", "RaftWorld", "Weather"]

TICK_US = 10_000
HEAL_TICKS = 400


@frozen
class Outcome:
    """What a run did; two runs of one seed are equal."""

    seed: int
    events: int
    terms: int
    chosen: int
    reads: int
    crashes: int
    digest: int


class RaftWorld:
    """One run. ``member_type`` plants another driving loop; ``weather`` overrules the draw."""

    def __init__(
        self,
        seed: int,
        *,
        weather: Weather | None = None,
        ticks: int = 600,
        member_type: Callable[..., SimulatedMember] = SimulatedMember,
    ) -> None:
        self.seed = seed
        self.random = Random(seed)
        self.weather = weather or Weather.draw(self.random)
        self.ticks = ticks
        self.ledger = Ledger()
        self.ledger.members_change = self.weather.churn > 0
        self.now_us = 0
        self.events = 0
        self.crashes = 0
        self.healed = False
        self._heap: list[tuple[int, int, Callable[[], None]]] = []
        self._sequence = 0
        self._names = 0
        self._blocked: set[tuple[int, int]] = set()
        ids = tuple(range(1, self.weather.members + 1))
        self.disks = {member: Durable() for member in ids}
        self.members = {
            member: member_type(
                RaftConfig(id=member, **self.weather.options),
                ids,
                self.ledger,
                self.random,
                self._send,
                self.disks,
                ready_max=self.weather.ready_max,
                snapshot_every=self.weather.snapshot_every,
            )
            for member in ids
        }

    # -- running -------------------------------------------------------------------------

    def run(self) -> Outcome:
        """Run the faulty phase and then the healed one. Raises InvariantViolation."""
        for member in self.members.values():
            self._start(member)
        self._at(TICK_US, self._weather_tick)
        self._run_until(self.ticks * TICK_US)
        self._heal()
        self._run_until((self.ticks + HEAL_TICKS) * TICK_US)
        self._check_alive()
        return Outcome(
            seed=self.seed,
            events=self.events,
            terms=max(self.ledger.leaders, default=0),
            chosen=self.ledger.last_chosen,
            reads=sum(member.answered_reads for member in self.members.values()),
            crashes=self.crashes,
            digest=self.ledger.chosen[-1][1],
        )

    def _run_until(self, end_us: int) -> None:
        heap = self._heap
        while heap and heap[0][0] <= end_us:
            self.now_us, _, action = heappop(heap)
            self.events += 1
            action()
        self.now_us = end_us

    def _at(self, delay_us: int, action: Callable[[], None]) -> None:
        self._sequence += 1
        heappush(self._heap, (self.now_us + delay_us, self._sequence, action))

    def _name(self) -> bytes:
        self._names += 1
        return b"%d" % self._names

    # -- members -------------------------------------------------------------------------

    def _start(self, member: SimulatedMember) -> None:
        member.paused = False
        member.start()
        drift = self.weather.clock_drift
        period_us = int(TICK_US * (1 + self.random.uniform(-drift, drift)))
        self._at(
            self.random.randint(1, period_us),
            partial(self._tick, member, member.incarnation, period_us),
        )
        self._pump(member)

    def _tick(self, member: SimulatedMember, incarnation: int, period_us: int) -> None:
        if member.raft is None or member.incarnation != incarnation:
            return
        if not member.paused:
            member.raft.tick()
            self._pump(member)
        self._at(period_us, partial(self._tick, member, incarnation, period_us))

    def _pump(self, member: SimulatedMember) -> None:
        if member.raft is None:
            return
        self.ledger.observe(member.raft)
        if member.pump():
            self._time_write(member)
        self.ledger.observe(member.raft)

    def _time_write(self, member: SimulatedMember) -> None:
        delay_us = self.random.randint(1, 1_000 if self.healed else self.weather.disk_us_max)
        self._at(delay_us, partial(self._flush, member, member.incarnation))

    def _flush(self, member: SimulatedMember, incarnation: int) -> None:
        if member.incarnation != incarnation or member.raft is None:
            return
        if member.paused:
            self._at(TICK_US, partial(self._flush, member, incarnation))
            return
        member.flush()
        still_writing = bool(member.writing)
        self._pump(member)
        if still_writing:
            self._time_write(member)

    # -- network -------------------------------------------------------------------------

    def _send(self, message: Message) -> None:
        random, weather = self.random, self.weather
        loss, duplicate, stale = weather.loss, weather.duplicate, weather.stale
        if self.healed:
            loss = duplicate = stale = 0.0
        elif (message.source, message.target) in self._blocked:
            return
        if loss and random.random() < loss:
            return
        copies = 2 if duplicate and random.random() < duplicate else 1
        for _ in range(copies):
            delay_us = random.randint(1, weather.delay_us_max if not self.healed else 1_000)
            if stale and random.random() < stale:
                delay_us *= 200
            self._at(delay_us, partial(self._deliver, message))

    def _deliver(self, message: Message) -> None:
        member = self.members[message.target]
        if member.raft is None or (message.source, message.target) in self._blocked:
            return
        if member.paused:
            self._at(TICK_US, partial(self._deliver, message))
            return
        member.raft.step(message)
        self._pump(member)

    # -- weather and clients -------------------------------------------------------------

    def _weather_tick(self) -> None:
        random, weather = self.random, self.weather
        if not self.healed:
            if random.random() < weather.crash:
                self._crash(random.choice(list(self.members.values())))
            if random.random() < weather.partition:
                self._partition()
            elif self._blocked and random.random() < 0.02:
                self._blocked.clear()
            if random.random() < weather.pause:
                member = random.choice(list(self.members.values()))
                member.paused = True
                self._at(random.randint(1, 60) * TICK_US, partial(self._resume, member))
            if random.random() < weather.churn:
                self._change_members(random.choice(list(self.members.values())))
            if random.random() < weather.campaign:
                self._campaign(random.choice(list(self.members.values())))
        elif weather.churn:
            self._leave_joint()
        for _ in range(random.randrange(3)):
            self._client(random.choice(list(self.members.values())))
        self._at(TICK_US, self._weather_tick)

    def _crash(self, member: SimulatedMember) -> None:
        if member.raft is not None:
            self.crashes += 1
            member.crash()
            self._at(self.random.randint(1, 100) * TICK_US, partial(self._restart, member))

    def _restart(self, member: SimulatedMember) -> None:
        if member.raft is None:
            self._start(member)

    def _resume(self, member: SimulatedMember) -> None:
        member.paused = False

    def _campaign(self, member: SimulatedMember) -> None:
        if member.raft is not None and not member.paused:
            member.raft.campaign()
            self._pump(member)

    def _change_members(self, member: SimulatedMember) -> None:
        """Propose any change at all: most are refused, some are simple, some are joint."""
        if member.raft is None or member.paused:
            return
        random = self.random
        ids = random.sample(list(self.members), random.randint(0, min(3, len(self.members))))
        changes = tuple(MemberChange(random.choice(list(ChangeType)), other) for other in ids)
        try:
            member.raft.propose_change(ConfigChange(changes, random.choice(list(Transition))))
        except (ProposalDropped, InvalidChange):
            return
        self._pump(member)

    def _leave_joint(self) -> None:
        for member in self.members.values():
            if member.raft is not None and member.raft.is_leader:
                try:
                    member.raft.propose_change(LEAVE_JOINT)
                except (ProposalDropped, InvalidChange):
                    continue
                self._pump(member)

    def _partition(self) -> None:
        """Cut off some members in both directions, in one, or cut single links."""
        random = self.random
        ids = list(self.members)
        side = set(random.sample(ids, random.randint(0, len(ids) - 1)))
        kind = random.choice(("both", "inward", "outward", "links"))
        for source in ids:
            for target in ids:
                cut = {
                    "both": (source in side) != (target in side),
                    "inward": source not in side and target in side,
                    "outward": source in side and target not in side,
                    "links": random.random() < 0.3,
                }[kind]
                if cut and source != target:
                    self._blocked.add((source, target))

    def _client(self, member: SimulatedMember) -> None:
        raft = member.raft
        if raft is None or member.paused:
            return
        what = self.random.random()
        try:
            if what < 0.6:
                raft.propose(self._name().ljust(self.random.randint(1, 60)))
            elif what < 1 - self.weather.transfer or self.healed:
                name = self._name()
                raft.read_index(name)
                member.reads[name] = self.ledger.last_chosen
            else:
                raft.transfer_leadership(self.random.choice(list(self.members)))
        except (ProposalDropped, ReadDropped, TransferRefused):
            return
        self._pump(member)

    # -- the end -------------------------------------------------------------------------

    def _heal(self) -> None:
        self.healed = True
        self._blocked.clear()
        dead = self.random.sample(list(self.members), self.weather.dead_at_end)
        for member in self.members.values():
            member.paused = False
            if member.id in dead:
                if member.raft is not None:
                    member.crash()
                member.incarnation += 1
                self._kill(member)
            elif member.raft is None:
                self._start(member)
        self._chosen_at_heal = self.ledger.last_chosen
        self._reads_at_heal = {m.id: m.answered_reads for m in self.members.values()}
        self._alive = [m for m in self.members.values() if m.id not in dead]

    def _kill(self, member: SimulatedMember) -> None:
        """A member that stays down: a restart that was planned finds it gone."""
        member.start = lambda: None  # type: ignore[method-assign]

    def _check_alive(self) -> None:
        """Require progress of everyone whom the final configuration counts or teaches."""
        leaders = [m.raft for m in self._alive if m.raft is not None and m.raft.is_leader]
        if len(leaders) != 1:
            raise InvariantViolation("liveness", f"{len(leaders)} leaders after healing")
        if self.ledger.last_chosen <= self._chosen_at_heal:
            raise InvariantViolation("liveness", "nothing was committed after healing")
        who = leaders[0].config_state
        if who.voters_outgoing:
            raise InvariantViolation("liveness", f"the joint configuration stays: {who}")
        for member in self._alive:
            if member.raft is None or member.id not in {*who.voters, *who.learners}:
                continue
            behind = self.ledger.last_chosen - member.raft.applied_index
            if behind > 20:
                raise InvariantViolation("liveness", f"{member.id} is {behind} entries behind")
            if member.answered_reads <= self._reads_at_heal[member.id]:
                raise InvariantViolation("liveness", f"{member.id} answered no read")
