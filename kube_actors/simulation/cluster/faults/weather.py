"""What goes wrong in a simulated cluster, drawn from the seed before the run begins.

Pure. Swarm options (Groce et al. 2012) choose which verbs a seed knows and how often they come, for
bugs hide behind faults that happen all the time. The budget: disks forget nothing that was synced,
whatever is down at the end is a minority of the masters and less than half of the nodes.
"""

from collections.abc import Collection
from random import Random
from typing import Final

from attrs import frozen

from kube_actors.simulation.schedule import Fault, FaultSchedule, VerbRule

VERBS: Final[dict[str, VerbRule]] = {
    "kill": VerbRule("power off a machine or an actor until until_s", (1, 1), True),
    "crash": VerbRule(
        "end an actor by an exception; its supervisor starts it again", (1, 1), False
    ),
    "pause": VerbRule("hold all that an actor receives and sends, as SIGSTOP does", (1, 1), True),
    "partition": VerbRule("cut two machines or actors from each other", (2, 2), True),
    "isolate": VerbRule("cut a machine or an actor from all others", (1, 1), True),
    "cut": VerbRule("cut the way from the first to the second, not back", (2, 2), True),
    "delay": VerbRule("delay each envelope by up to amount seconds", (2, 2), True, (0, 10)),
    "drop": VerbRule("lose envelopes with probability amount", (2, 2), True, (0, 1)),
    "duplicate": VerbRule("repeat envelopes with probability amount", (2, 2), True, (0, 1)),
    "reorder": VerbRule("let envelopes overtake with probability amount", (2, 2), True, (0, 1)),
    "corrupt": VerbRule("flip a bit of envelopes with probability amount", (2, 2), True, (0, 1)),
    "disk-slow": VerbRule("each sync of a member's disk takes amount s", (1, 1), True, (0, 10)),
    "disk-full": VerbRule(
        "a member's disk takes nothing more, and keeps what it has", (1, 1), True
    ),
    "disk-fail": VerbRule("the next sync of a member's disk fails for good", (1, 1), True),
    "disk-rot": VerbRule(
        "a master's log is damaged, which its restart meets; rebuilt at until_s", (1, 1), True
    ),
    "disk-misdirected": VerbRule(
        "a master's next write lands on older ones; met by a restart, rebuilt at until_s",
        (1, 1),
        True,
    ),
    "disk-lost": VerbRule(
        "a master comes back with an empty disk; rebuilt at until_s", (1, 1), True
    ),
    "clock-ahead": VerbRule(
        "a machine is without power until until_s, then its clock is amount s further ahead",
        (1, 1),
        True,
        (0, 3600),
    ),
    "clock-behind": VerbRule("the same, further behind", (1, 1), True, (0, 3600)),
    "clock-drift": VerbRule(
        "a machine's clock runs at amount times the speed", (1, 1), True, (0.5, 2.0)
    ),
    "dead": VerbRule("power off a machine for ever", (1, 1), False),
}
"""Every verb. Members' disks are named ``store/N``, machines ``master/N`` and ``node/node-N``."""

_LINKS = ("partition", "cut", "delay", "drop", "duplicate", "reorder", "corrupt")
_AMOUNTS = {"delay": (0.01, 1.5), "drop": (0.05, 0.5), "duplicate": (0.05, 0.5)}
_OTHER_AMOUNTS = {"reorder": (0.05, 0.5), "corrupt": (0.02, 0.3), "disk-slow": (0.02, 1.0)}
_CLOCK_AMOUNTS = {
    "clock-behind": (1.0, 20.0),
    "clock-ahead": (1.0, 20.0),
    "clock-drift": (0.8, 1.25),
}
"""A lease of 3 s that is renewed within 2 s allows clocks to differ by half, as Kubernetes' do."""


@frozen
class Shape:
    """What the weather is drawn for. ``verbs`` are those a scenario allows.

    ``majority_losses``: how often a majority of the masters loses its power for a while.
    """

    masters: int = 3
    nodes: int = 5
    faults_s: float = 30.0
    majority_losses: int = 0
    verbs: tuple[str, ...] = tuple(VERBS)

    @property
    def machines(self) -> tuple[str, ...]:
        """The machines that can lose power: the masters, then the nodes."""
        masters = (f"master/{n}" for n in range(1, self.masters + 1))
        return (*masters, *(f"node/node-{n}" for n in range(1, self.nodes + 1)))

    @property
    def actors(self) -> tuple[str, ...]:
        """The addresses of the actors that faults may strike: the masters', then the nodes'."""
        parts = ("store", "apiserver", "controllers", "scheduler")
        masters = (f"{part}/{n}" for n in range(1, self.masters + 1) for part in parts)
        nodes = (
            f"{part}/node-{n}" for n in range(1, self.nodes + 1) for part in ("kubelet", "proxy")
        )
        return (*masters, *nodes)

    @property
    def disks(self) -> tuple[str, ...]:
        """The disks of the store's members, one a master."""
        return tuple(f"store/{n}" for n in range(1, self.masters + 1))

    @property
    def targets(self) -> Collection[str]:
        """What a schedule may aim at: machines and actors. A disk is named as its store's actor."""
        return (*self.machines, *self.actors)


def draw_schedule(seed: int, shape: Shape) -> FaultSchedule:
    """Choose which faults this seed knows, and when they come."""
    draw = Random(f"{seed}/weather")
    known = [verb for verb in shape.verbs if verb != "dead" and draw.random() < 0.35]
    if not known:
        known = [draw.choice([verb for verb in shape.verbs if verb != "dead"])]
    lasting_s = draw.choice((1.0, 3.0, 8.0))
    # How many faults are in force at a time: too many, and nothing is ever decided.
    gap_s = max(0.5, lasting_s / draw.choice((0.5, 1.0, 2.0)))
    masters_only = draw.random() < 0.5
    faults: list[Fault] = []
    at_s = draw.uniform(0, gap_s)
    while at_s < shape.faults_s:
        verb = draw.choice(known)
        until_s = round(min(at_s + draw.expovariate(1 / lasting_s), shape.faults_s), 3)
        targets = _targets(draw, verb, shape, masters_only)
        amount = _amount(draw, verb)
        at = round(at_s, 3)
        ends = max(until_s, at) if VERBS[verb].window else None
        faults.append(Fault(at, verb, targets, ends, amount))
        at_s += draw.uniform(0, 2 * gap_s)
    faults.extend(_majority_losses(draw, shape))
    if "dead" in shape.verbs:
        faults.extend(_residual(draw, shape))
    return FaultSchedule.of(faults)


def _majority_losses(draw: Random, shape: Shape) -> list[Fault]:
    found = []
    for turn in range(shape.majority_losses):
        share_s = shape.faults_s / shape.majority_losses
        at_s = round(turn * share_s + draw.uniform(0, share_s / 4), 3)
        until_s = round(at_s + draw.uniform(share_s / 2, share_s * 0.7), 3)
        for number in draw.sample(range(1, shape.masters + 1), shape.masters // 2 + 1):
            # One goes a little after the other.
            begin_s = round(at_s + draw.uniform(0, 1), 3)
            found.append(Fault(begin_s, "kill", (f"master/{number}",), until_s))
    return found


def _residual(draw: Random, shape: Shape) -> list[Fault]:
    """Choose what never comes back: less than half of everything."""
    found = []
    if draw.random() < 0.3:
        number = draw.randint(1, shape.masters)
        found.append(f"master/{number}")
    if shape.nodes > 2 and draw.random() < 0.3:
        found.append(f"node/node-{draw.randint(1, shape.nodes)}")
    return [Fault(round(draw.uniform(0, shape.faults_s), 3), "dead", (name,)) for name in found]


def _targets(draw: Random, verb: str, shape: Shape, masters_only: bool) -> tuple[str, ...]:
    if verb.startswith("disk-"):
        return (draw.choice(shape.disks),)
    actors = shape.actors[: 4 * shape.masters] if masters_only else shape.actors
    machines = shape.machines[: shape.masters] if masters_only else shape.machines
    if verb in ("crash", "pause"):
        return (draw.choice(actors),)
    if verb.startswith("clock-"):
        return (draw.choice(machines),)
    if verb == "kill":
        return (draw.choice((*machines, *actors)),)
    if verb in _LINKS:
        # Machines more often than actors: links between machines are what breaks.
        ends = machines if draw.random() < 0.7 else actors
        first, second = draw.sample(ends, 2)
        return (first, second)
    return (draw.choice(machines if draw.random() < 0.7 else actors),)


def _amount(draw: Random, verb: str) -> float:
    span = {**_AMOUNTS, **_OTHER_AMOUNTS, **_CLOCK_AMOUNTS}.get(verb)
    return round(draw.uniform(*span), 3) if span else 0.0
