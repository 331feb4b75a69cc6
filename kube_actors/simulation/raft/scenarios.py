"""The scenarios of a Raft group: which runs a seed may draw, and with which faults.

Each is a draw of the weather and a choice of verbs. ``raft-bench`` is what speed is measured by.
"""

import traceback
from collections.abc import Callable
from hashlib import sha256
from random import Random
from typing import Final

from attrs import evolve, frozen

from kube_actors.simulation.raft.faults import (
    CLOCK,
    LEADERSHIP,
    MEMBERSHIP,
    NETWORK,
    OPERATIONS,
    PROCESS,
    RESIDUAL,
    RULES,
    STORAGE,
    crossing_changes,
    draw_fault,
    draw_schedule,
    forgotten,
    handed_over,
    late_answers,
    reboots,
    silenced,
    targets_of,
    unknown_change,
)
from kube_actors.simulation.raft.judges import InvariantViolation
from kube_actors.simulation.raft.member import SimulatedMember
from kube_actors.simulation.raft.recorder import Recorder
from kube_actors.simulation.raft.weather import (
    Weather,
    draw,
    draw_bench,
    draw_crossing,
    draw_membership,
    draw_options,
    draw_reads,
)
from kube_actors.simulation.raft.world import RaftWorld
from kube_actors.simulation.recording import Recording
from kube_actors.simulation.scenario import Finding, Run, register
from kube_actors.simulation.schedule import Fault, FaultSchedule

DrawSchedule = Callable[[Random, Weather], FaultSchedule]


@frozen
class RaftScenario:
    """``draw`` and ``draw_faults`` are given the same source of luck, one after the other.

    ``member_type`` lets a test plant a careless caller.
    """

    name: str
    summary: str
    draw: Callable[[Random], Weather]
    draw_faults: DrawSchedule
    member_type: type[SimulatedMember] = SimulatedMember

    def prepare(self, seed: int) -> tuple[Weather, FaultSchedule]:
        """Return what the seed draws."""
        random = Random(f"{self.name}/{seed}")
        weather = self.draw(random)
        return weather, self.draw_faults(random, weather)

    def run(
        self,
        seed: int,
        *,
        schedule: FaultSchedule | None = None,
        recording: Recording | None = None,
    ) -> Run:
        """Run one seed. Raises ScheduleError if the schedule given is impossible."""
        weather, drawn = self.prepare(seed)
        if schedule is None:
            schedule = drawn
        else:
            schedule.check(RULES, targets_of(weather), end_s=weather.faults_s)
        recorder = Recorder(recording) if recording is not None else None
        world = RaftWorld(seed, weather, schedule, member_type=self.member_type, recorder=recorder)
        finding: Finding | None = None
        try:
            world.run()
        except InvariantViolation as error:
            finding = self._finding(seed, world, error.rule, error.text)
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            text = f"{type(error).__name__}: {error} (in {where.name}, line {where.lineno})"
            finding = self._finding(seed, world, "crash", text)
        if recorder is not None:
            recorder.finish(world.group.clients.history)
            if finding is not None:
                recorder.recording.violation(
                    finding.step, finding.time_s, "", finding.property, finding.text
                )
        return self._run(seed, world, finding, schedule)

    def _finding(self, seed: int, world: RaftWorld, rule: str, text: str) -> Finding:
        events = world.group.events
        return Finding(self.name, seed, rule, text, events.step, events.now_s)

    def _run(
        self, seed: int, world: RaftWorld, finding: Finding | None, schedule: FaultSchedule
    ) -> Run:
        findings = (finding,) if finding is not None else ()
        outcome = world.outcome()
        digest = sha256(repr((outcome, findings)).encode()).hexdigest()[:16]
        return Run(
            self.name,
            seed,
            findings,
            outcome.steps,
            outcome.simulated_us / 1e6,
            digest,
            schedule,
            world.group.budget.describe(),
        )


def _swarm(*verbs: str, share: float = 0.35, most: int = 4) -> DrawSchedule:
    def draw_it(random: Random, weather: Weather) -> FaultSchedule:
        return draw_schedule(random, weather, verbs, share=share, most=most)

    return draw_it


def _bench_faults(random: Random, weather: Weather) -> FaultSchedule:
    """Three partitions; in half of the runs, torn disks too."""
    faults = [Fault(0.0, OPERATIONS, amount=float(weather.operations))]
    for part in range(3):
        at_s = round(0.1 + 0.35 * part + random.uniform(0, 0.1), 3)
        drawn = draw_fault(random, weather, "partition")
        faults.append(evolve(drawn, at_s=at_s, until_s=round(at_s + random.uniform(0.1, 0.3), 3)))
    if random.random() < 0.5:
        faults += [draw_fault(random, weather, "torn") for _ in range(2)]
    return FaultSchedule.of(faults)


def _membership_faults(random: Random, weather: Weather) -> FaultSchedule:
    """Very many changes are asked for, as most are refused; a few disks are lost."""
    others = _swarm(*PROCESS, *LEADERSHIP, "partition", "lose", "cut", share=0.5, most=6)
    faults = [*others(random, weather).faults]
    for name in MEMBERSHIP:
        if random.random() < 0.6:
            count = random.randint(1, 2 if name == "lose-disk" else 30)
            faults += [draw_fault(random, weather, name) for _ in range(count)]
    for _ in range(random.choice((0, 12, 30))):
        faults += unknown_change(random, weather)
    return FaultSchedule.of(faults)


def _elections_faults(random: Random, weather: Weather) -> FaultSchedule:
    """Somebody campaigns all the time."""
    others = _swarm("partition", "crash", "cut", "isolate-leader", share=0.7, most=12)
    count = random.choice((10, 40, 120))
    campaigns = [draw_fault(random, weather, "campaign") for _ in range(count)]
    return FaultSchedule.of([*others(random, weather).faults, *campaigns])


def _reads_faults(random: Random, weather: Weather) -> FaultSchedule:
    """What a leader may believe for too long: one of the ways, as others would hide it."""
    others = _swarm(*NETWORK, *PROCESS, *LEADERSHIP, share=0.3, most=3)
    ways = ((handed_over, 12), (silenced, 2), (late_answers, 3), (reboots, 3), (forgotten, 5))
    faults = [Fault(0.0, OPERATIONS, amount=float(weather.operations))]
    if random.random() < 0.25:
        faults = [*others(random, weather).faults]
    draw_one, most = random.choice(ways)
    for _ in range(most):
        faults += draw_one(random, weather)
    return FaultSchedule.of(faults)


def only(trouble: Callable[[Random, Weather], list[Fault]], times: int) -> DrawSchedule:
    """Draw one story of faults some times over, and nothing else."""

    def draw_it(random: Random, weather: Weather) -> FaultSchedule:
        faults = [Fault(0.0, OPERATIONS, amount=float(weather.operations))]
        for _ in range(times):
            faults += trouble(random, weather)
        return FaultSchedule.of(faults)

    return draw_it


def _figure_8(random: Random) -> Weather:
    """Leaders that come and go before they have replicated anything (paper, figure 8)."""
    options = draw_options(random)
    options |= {"pre_vote": False, "check_quorum": False}
    options |= {"message_bytes_max": 1, "inflight_messages_max": 1}
    return evolve(
        draw(random, 5), loss=0.05, disk_us=(50, 500), delay_us=(200, 20_000), options=options
    )


_EVERYWHERE: Final = (*NETWORK, *PROCESS, *LEADERSHIP, *CLOCK)

register(
    RaftScenario(
        "raft-3",
        "three members: network, process and clock faults",
        lambda random: draw(random, 3),
        _swarm(*_EVERYWHERE),
    )
)
register(
    RaftScenario(
        "raft-5",
        "five members, or one: network, process and clock faults",
        lambda random: draw(random, random.choice((5, 5, 5, 5, 1))),
        _swarm(*_EVERYWHERE),
    )
)
register(
    RaftScenario(
        "raft-storage",
        "disks that tear, rot, misdirect, fill up and fail",
        lambda random: evolve(
            draw(random, random.choice((3, 5))), spare=2, rebuild=random.random() < 0.5
        ),
        _swarm(*STORAGE, *PROCESS, "partition", "cut", "lose", share=0.5),
    )
)
register(
    RaftScenario(
        "raft-membership",
        "members come, go, learn, are promoted and replaced",
        draw_membership,
        _membership_faults,
    )
)
register(
    RaftScenario(
        "raft-crossing",
        "two leaders each change who votes, and neither knows of the other's change",
        draw_crossing,
        only(crossing_changes, 3),
    )
)
register(
    RaftScenario(
        "raft-elections",
        "leaders that come and go before they have replicated anything",
        _figure_8,
        _elections_faults,
    )
)
register(
    RaftScenario(
        "raft-reads",
        "mostly reads, by leases with drifting clocks or by read index",
        draw_reads,
        _reads_faults,
    )
)
register(
    RaftScenario(
        "raft-bench",
        "what speed is measured by: 5 members, 3 partitions, 300 requests, torn disks in half",
        draw_bench,
        _bench_faults,
    )
)

ALL_VERBS: Final = tuple(name for name in RULES if name not in RESIDUAL)
