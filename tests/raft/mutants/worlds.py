"""Small worlds in which one broken rule shows soon: a story of faults, and little else."""

from random import Random

from attrs import evolve

from kube_actors.simulation import Fault, FaultSchedule, register
from kube_actors.simulation.raft.faults import draw_fault
from kube_actors.simulation.raft.faults import troubles as raft_troubles
from kube_actors.simulation.raft.scenarios import RaftScenario, only
from kube_actors.simulation.raft.weather import Weather, draw_reads


def _same_timeouts(random: Random) -> Weather:
    return Weather(
        members=random.choice((3, 5)),
        aligned=True,
        delay_us=(200, 500),
        disk_us=(50, 200),
        operations=20,
        faults_s=0.5,
        options={"pre_vote": False},
    )


def _leader_dies(random: Random, weather: Weather) -> FaultSchedule:
    return FaultSchedule((Fault(weather.faults_s, "dead-leader"),))


def _churn(random: Random) -> Weather:
    return Weather(
        members=random.choice((2, 3, 4)),
        spare=2,
        rebuild=True,
        delay_us=(200, 20_000),
        operations=60,
        think_us=100_000,
    )


def _churning(random: Random, weather: Weather) -> FaultSchedule:
    """Members come and go all the time, and whoever leads then is cut off or gone."""
    faults = []
    for _ in range(60):
        verb = random.choice(("joint", "joint", "remove", "add", "promote"))
        change = draw_fault(random, weather, verb)
        at_s = round(change.at_s + random.choice((0.0, 0.002, 0.01)), 3)
        until_s = min(at_s + 0.2, weather.faults_s)
        what = random.choice(("isolate-leader", "partition", "crash", ""))
        faults.append(evolve(change, amount=0.0))
        if what:
            faults.append(evolve(draw_fault(random, weather, what), at_s=at_s, until_s=until_s))
    return FaultSchedule.of(faults)


def _pair(random: Random) -> Weather:
    return Weather(members=2, delay_us=(2_000, 20_000), operations=20, faults_s=1.0)


def _dropping(random: Random, weather: Weather) -> FaultSchedule:
    """A leader that drops itself is cut off or gone before the other one knows."""
    faults = []
    for at_s in (0.4, 0.8):
        number = random.choice("12")
        at_s += random.choice((0.0, 0.1))
        gone_s = round(at_s + random.choice((0.0, 0.001, 0.002)), 3)
        faults.append(Fault(at_s, "remove", (number,)))
        faults.append(Fault(gone_s, "isolate-leader", (), gone_s + 0.1))
    return FaultSchedule.of(faults)


def _transfer_to_the_dead(random: Random, weather: Weather) -> FaultSchedule:
    """A leader is asked to hand over to somebody who has just died."""
    dead = (str(random.choice(weather.ids)),)
    return FaultSchedule(
        (Fault(0.7, "crash", dead, 1.0), Fault(0.95, "transfer", dead), Fault(1.0, "dead", dead))
    )


def _calm(random: Random) -> Weather:
    return Weather(members=3, operations=20, faults_s=1.0)


def _repeating(random: Random) -> Weather:
    """A network that repeats much and late, and clients that ask again soon."""
    return Weather(
        members=3,
        duplicate=0.3,
        delay_us=(200, 60_000),
        disk_us=(50, 500),
        sessions=True,
        wander=0.7,
        operations=120,
        think_us=5_000,
        patience_us=300_000,
        read_share=0.0,
        faults_s=1.5,
    )


register(RaftScenario("repeating", "requests come again", _repeating, lambda *_: FaultSchedule()))
register(RaftScenario("dropping", "a leader drops itself", _pair, _dropping))
register(RaftScenario("same-timeouts", "the leader dies", _same_timeouts, _leader_dies))
register(RaftScenario("churn", "members come and go all the time", _churn, _churning))
register(RaftScenario("dead-heir", "a transfer to the dead", _calm, _transfer_to_the_dead))
for _name, _trouble, _times in (
    ("handed-over", raft_troubles.handed_over, 12),
    ("silenced", raft_troubles.silenced, 2),
    ("late-answers", raft_troubles.late_answers, 3),
    ("reboots", raft_troubles.reboots, 3),
    ("forgotten", raft_troubles.forgotten, 5),
):
    register(RaftScenario(_name, "reads, and one trouble", draw_reads, only(_trouble, _times)))
