"""The faults of a Raft group: every verb, what it takes, and how a seed draws a schedule of them.

Drawing is by swarm: a run enables a random few of the verbs and uses those often, because faults
that are always all on hide each other.
"""

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Final

from attrs import frozen

from kube_actors.simulation.raft.weather import Weather
from kube_actors.simulation.schedule import Fault, FaultSchedule, VerbRule

MEMBER: Final = "member"
SIDE: Final = "side"
LINK: Final = "link"
SPARE: Final = "spare"
MANY: Final = "many"
NONE: Final = "none"
_COUNTS: Final = {
    MEMBER: (1, 1),
    SIDE: (1, 8),
    LINK: (1, 1),
    SPARE: (1, 1),
    MANY: (1, 3),
    NONE: (0, 0),
}


@frozen
class Verb:
    """How a verb is drawn: at whom, for how long (seconds; None: at once), by how much."""

    text: str
    at: str
    duration_s: tuple[float, float] | None = None
    amounts: tuple[float, ...] = (0.0,)
    most: float = 0.0

    @property
    def rule(self) -> VerbRule:
        """What a schedule may say of the verb.

        Only a verb that is drawn with a duration may have ``until_s``; amounts go from 0 to the
        largest of ``amounts`` and ``most``.
        """
        window = None if self.duration_s else False
        highest = max(self.most, *self.amounts) if len(self.amounts) > 1 else self.most
        amount = (0.0, max(highest, self.amounts[0]))
        return VerbRule(self.text, _COUNTS[self.at], window, amount, self.at == LINK)


NETWORK: Final[dict[str, Verb]] = {
    "partition": Verb("targets hear nobody else and are heard by nobody else", SIDE, (0.1, 1.0)),
    "cut-inward": Verb("targets hear nobody else", SIDE, (0.1, 0.8)),
    "cut-outward": Verb("targets are heard by nobody else", SIDE, (0.1, 0.8)),
    "isolate-leader": Verb("whoever leads then is cut off from everybody", NONE, (0.1, 0.5)),
    "mute-leader": Verb("whoever leads then is heard by nobody else", NONE, (0.1, 0.5)),
    "clog-leader": Verb(
        "what is sent to whoever leads then is late by amount seconds",
        NONE,
        (0.1, 0.8),
        (0.03, 0.09, 0.3),
        10.0,
    ),
    "cut": Verb("one link is cut in one direction", LINK, (0.1, 1.0)),
    "hold": Verb("a link keeps everything, then delivers it at once", LINK, (0.05, 0.6)),
    "clog": Verb("a link is late by amount seconds", LINK, (0.1, 0.8), (0.02, 0.1, 0.4), 10.0),
    "lose": Verb("each message is lost with probability amount", NONE, (0.1, 0.6), (0.2, 0.5), 1.0),
    "reorder": Verb(
        "messages are late by up to amount seconds", NONE, (0.1, 0.8), (0.05, 0.3), 10.0
    ),
    "replay": Verb("the last amount messages to it come again", MEMBER, None, (1, 5, 30), 64),
    "full": Verb("its inbox takes amount messages", MEMBER, (0.1, 0.5), (0, 1, 3), 1000),
    "lose-snapshots": Verb(
        "snapshots are lost with probability amount", NONE, (0.3, 2.0), (0.5, 1.0), 1.0
    ),
}
PROCESS: Final[dict[str, Verb]] = {
    "crash": Verb(
        "it stops, amount of its unsynced writes survive", MEMBER, (0.01, 0.8), (0, 0.5, 1.0), 1.0
    ),
    "crash-writing": Verb(
        "it stops in its next write, between two parts", MEMBER, (0.05, 0.5), (0.3, 0.6, 1.0), 1.0
    ),
    "pause": Verb("it stands still, its inbox fills", MEMBER, (0.05, 0.6)),
}
STORAGE: Final[dict[str, Verb]] = {
    "torn": Verb(
        "it stops, and its last write is there in part", MEMBER, (0.01, 0.5), (0, 0.5), 1.0
    ),
    "rot": Verb(
        "a frame at amount (0 to 1) of its log is damaged", MEMBER, None, (0.0, 0.5, 1.0), 1.0
    ),
    "rot-on-write": Verb("its next frame is damaged as it is written", MEMBER),
    "rot-on-read": Verb("its next start reads a damaged frame, once", MEMBER),
    "misdirected": Verb(
        "its next frame lands at amount (0 to 1) of its log", MEMBER, None, (0.3, 0.9), 1.0
    ),
    "slow-disk": Verb(
        "its writes are late by amount seconds", MEMBER, (0.1, 0.8), (0.02, 0.2), 10.0
    ),
    "io-error": Verb("its next write fails; it stops until then", MEMBER, (0.05, 0.4)),
    "no-space": Verb("its writes fail until then", MEMBER, (0.05, 0.4)),
    "fsync-failure": Verb("its next flush fails and loses what was unsynced", MEMBER, (0.05, 0.4)),
}
CLOCK: Final[dict[str, Verb]] = {
    "clock-step": Verb("its clock jumps ahead by amount ticks", MEMBER, None, (3, 10, 30), 1000),
    "clock-back": Verb("its clock stands still, having been set back", MEMBER, (0.05, 0.4)),
    "drift": Verb(
        "its clock runs at amount times the speed", MEMBER, (0.2, 1.5), (0.5, 0.8, 1.25, 2.0), 10.0
    ),
}
LEADERSHIP: Final[dict[str, Verb]] = {
    "transfer": Verb("the leader is asked to hand over to it", MEMBER),
    "campaign": Verb("it campaigns at once", MEMBER),
    "forget": Verb("it takes its leader for gone", MEMBER),
    "unreachable": Verb("the leader is told that it cannot be reached", MEMBER),
}
MEMBERSHIP: Final[dict[str, Verb]] = {
    "add": Verb("a spare member is added as a voter", SPARE),
    "add-learner": Verb("a spare member is added as a learner", SPARE),
    "promote": Verb("it is made a voter", MEMBER),
    "demote": Verb("it is made a learner", MEMBER),
    "remove": Verb("it is removed", MEMBER),
    "joint": Verb(
        "each target that votes is removed, each other is added, at once", MANY, None, (0, 1, 2), 2
    ),
    "leave-joint": Verb("the joint configuration is left", NONE),
    "lose-disk": Verb("it loses its disk and is replaced by a spare member", MEMBER),
}
RESIDUAL: Final[dict[str, Verb]] = {
    "dead": Verb("when the other faults stop, it goes and never comes back", MEMBER),
    "dead-leader": Verb("whoever leads when the other faults stop never comes back", NONE),
    "slow-link": Verb(
        "from then on, a link is late by amount seconds", LINK, None, (0.01, 0.03), 0.03
    ),
    "deaf": Verb("from then on, a link is cut", LINK),
    "slow-network": Verb(
        "from then on, messages and writes take up to amount seconds", NONE, None, (0.02, 0.03)
    ),
}
OPERATIONS: Final = "operations"
VERBS: Final[Mapping[str, Verb]] = {
    **NETWORK,
    **PROCESS,
    **STORAGE,
    **CLOCK,
    **LEADERSHIP,
    **MEMBERSHIP,
    **RESIDUAL,
}
RULES: Final[dict[str, VerbRule]] = {
    **{name: verb.rule for name, verb in VERBS.items()},
    OPERATIONS: VerbRule("how many requests clients make", (0, 0), False, (0.0, 100_000.0)),
}


def targets_of(weather: Weather) -> list[str]:
    """List every target that a schedule may name: members, and links as ``1>2``."""
    ids = weather.every_id
    links = [f"{source}>{target}" for source in ids for target in ids if source != target]
    return [*map(str, ids), *links]


def draw_schedule(
    random: Random,
    weather: Weather,
    verbs: Sequence[str],
    *,
    share: float = 0.35,
    most: int = 4,
) -> FaultSchedule:
    """Draw a run's faults from those of ``verbs`` that luck enables."""
    faults = [Fault(0.0, OPERATIONS, amount=float(weather.operations))]
    for name in verbs:
        if random.random() < share:
            count = random.randint(1, most)
            drawn = [draw_fault(random, weather, name) for _ in range(count)]
            faults += [fault for fault in drawn if fault.targets or VERBS[name].at == NONE]
    faults += _residual(random, weather)
    return FaultSchedule.of(faults)


def draw_fault(random: Random, weather: Weather, name: str) -> Fault:
    """Draw one fault of a verb."""
    verb = VERBS[name]
    at_s = round(random.uniform(0.05, weather.faults_s * 0.95), 3)
    until_s = None
    if verb.duration_s is not None:
        until_s = round(min(at_s + random.uniform(*verb.duration_s), weather.faults_s), 3)
    return Fault(
        at_s, name, _TARGETS[verb.at](random, weather), until_s, random.choice(verb.amounts)
    )


def _residual(random: Random, weather: Weather) -> list[Fault]:
    """Draw what stays broken for ever: a minority dead, one link slow, one member hard to reach."""
    at_s = weather.faults_s
    faults = []
    if weather.members > 2 and random.random() < 0.3:
        faults.append(Fault(at_s, "dead-leader"))
    elif weather.members > 2 and random.random() < 0.5:
        count = random.randint(1, (weather.members - 1) // 2)
        dead = random.sample(weather.ids, count)
        faults += [Fault(at_s, "dead", (str(member),)) for member in dead]
        if random.random() < 0.3:
            # Somebody is asked to hand over to it, and must not wait for it for ever.
            before_s = round(at_s - 0.2, 3)
            faults.append(Fault(before_s, "crash", (str(dead[0]),), at_s))
            faults.append(
                Fault(round(at_s - random.uniform(0.01, 0.1), 3), "transfer", (str(dead[0]),))
            )
    elif weather.members > 2 and weather.quiet and random.random() < 0.3:
        faults.append(Fault(at_s, "deaf", _link(random, weather)))
    # One entry at a time over a slow network is right, and takes longer than anybody waits.
    pipelined = weather.options.get("inflight_messages_max", 8) > 1
    if random.random() < 0.15 and pipelined:
        faults.append(Fault(at_s, "slow-network", (), None, random.choice((0.02, 0.03))))
    elif weather.members > 1 and random.random() < 0.3:
        faults.append(Fault(at_s, "slow-link", _link(random, weather), None, 0.01))
    return faults


def _member(random: Random, weather: Weather) -> tuple[str, ...]:
    return (str(random.choice(weather.every_id)),)


def _link(random: Random, weather: Weather) -> tuple[str, ...]:
    ids = weather.every_id
    if len(ids) < 2:
        return ()
    source, target = random.sample(ids, 2)
    return (f"{source}>{target}",)


def _side(random: Random, weather: Weather) -> tuple[str, ...]:
    ids = weather.every_id
    return tuple(map(str, sorted(random.sample(ids, random.randint(1, max(1, len(ids) - 1))))))


def _spare(random: Random, weather: Weather) -> tuple[str, ...]:
    return (str(random.choice(weather.every_id[weather.members :] or weather.ids)),)


def _many(random: Random, weather: Weather) -> tuple[str, ...]:
    ids = weather.every_id
    return tuple(map(str, sorted(random.sample(ids, random.randint(1, min(3, len(ids)))))))


def _none(random: Random, weather: Weather) -> tuple[str, ...]:
    return ()


_TARGETS: Final[dict[str, Callable[[Random, Weather], tuple[str, ...]]]] = {
    MEMBER: _member,
    LINK: _link,
    SIDE: _side,
    SPARE: _spare,
    MANY: _many,
    NONE: _none,
}
