"""A Raft group in a world of faults, decided by one seed and run from one plain heap of events.

There is no event loop here and no clock: time is an integer of microseconds. The seed draws the
weather (how many members, how slow, which options) and the schedule of faults before anything
runs, then every delay and every choice of a client. Properties are checked at every step; at the
end the faults stop, but for a minority's, and the rest must elect, commit, read and agree.
"""

from random import Random

from attrs import frozen

from kube_actors.simulation.raft.faults import OPERATIONS, RESIDUAL, Injector
from kube_actors.simulation.raft.group import SimulatedGroup
from kube_actors.simulation.raft.judges import check_history, judge
from kube_actors.simulation.raft.liveness import run_liveness
from kube_actors.simulation.raft.member import SimulatedMember
from kube_actors.simulation.raft.recorder import Recorder
from kube_actors.simulation.raft.weather import TICK_US, Weather
from kube_actors.simulation.schedule import FaultSchedule

JUDGED_EVERY = 16  # seeds: the general checker costs as much as the run


@frozen
class Outcome:
    """What a run did; two runs of one seed are equal."""

    steps: int
    simulated_us: int
    terms: int
    chosen: int
    answered: int
    withheld: int
    digest: int


class RaftWorld:
    """One run. ``member_type`` plants another driving loop; ``recorder`` writes everything down."""

    def __init__(
        self,
        seed: int,
        weather: Weather,
        schedule: FaultSchedule,
        *,
        member_type: type[SimulatedMember] = SimulatedMember,
        recorder: Recorder | None = None,
    ) -> None:
        self.seed = seed
        self.weather = weather
        self.recorder = recorder
        self.group = SimulatedGroup(
            Random(seed),
            weather,
            requests=requests_of(schedule, weather),
            remember="replay" in schedule.verbs,
            member_type=member_type,
            recorder=recorder,
        )
        self.injector = Injector(self.group, schedule)
        if recorder is not None:
            faults = [
                (fault, fault.verb in RESIDUAL)
                for fault in schedule.faults
                if fault.verb != OPERATIONS
            ]
            recorder.watch(self.group.events, self.group.network, self.group.members, faults)

    def run(self) -> Outcome:
        """Run the faulty phase and then the healed one. Raises InvariantViolation."""
        group = self.group
        for number in self.weather.ids:
            group.start(group.members[number])
        self.injector.plan()
        group.clients.start()
        if self.weather.rebuild:
            group.events.after(5 * TICK_US, self._administrate)
        group.events.run_until(int(self.weather.faults_s * 1e6))
        self.heal()
        run_liveness(group)
        check_history(group.ledger, group.clients.history)
        if self.recorder is not None or self.seed % JUDGED_EVERY == 0:
            judge(group.clients.history)
        return self.outcome()

    def outcome(self) -> Outcome:
        """Say what the run has done so far."""
        group, ledger = self.group, self.group.ledger
        return Outcome(
            steps=group.events.step,
            simulated_us=group.events.now_us,
            terms=max(ledger.leaders, default=0),
            chosen=ledger.last_chosen,
            answered=sum(operation.outcome == "ok" for operation in group.clients.history),
            withheld=sum(count for count, _ in group.budget.withheld.values()),
            digest=hash((group.events.digest, ledger.digests[-1], ledger.last_chosen)),
        )

    def heal(self) -> None:
        """Stop the faults; start everyone who can."""
        group = self.group
        group.clients.stopped = True
        self.injector.heal()
        group.healed = True
        for member in group.members.values():
            if member.raft is None and member.started and not member.gone:
                group.start(member)

    def _administrate(self, _: None, __: None) -> None:
        group = self.group
        group.administrator.tells_leave = group.healed
        group.administrator.work()
        group.events.after(5 * TICK_US, self._administrate)


def requests_of(schedule: FaultSchedule, weather: Weather) -> int:
    """Return how many requests clients make: what the schedule says, else the weather."""
    for fault in schedule.faults:
        if fault.verb == OPERATIONS:
            return int(fault.amount)
    return weather.operations
