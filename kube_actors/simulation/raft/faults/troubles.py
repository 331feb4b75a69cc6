"""Faults that only find something together: each function draws one story of a few of them.

Alone and at random they almost never come in the one order that a broken rule does not survive.
Every story here is how a rule of Raft came to be, and finds out when that rule is gone.
"""

from random import Random

from attrs import evolve

from kube_actors.simulation.raft.faults.verbs import draw_fault
from kube_actors.simulation.raft.weather import TICK_US, Weather
from kube_actors.simulation.schedule import Fault


def handed_over(random: Random, weather: Weather) -> list[Fault]:
    """Leadership goes elsewhere, and at that moment the old leader is cut off."""
    lead = draw_fault(random, weather, random.choice(("transfer", "transfer", "campaign")))
    at_s = round(lead.at_s + random.choice((0.001, 0.002, 0.005)), 4)
    until_s = round(min(at_s + random.uniform(0.05, 0.3), weather.faults_s), 3)
    return [lead, Fault(at_s, "isolate-leader", (), until_s)]


def silenced(random: Random, weather: Weather) -> list[Fault]:
    """Somebody leads whose clock is as slow as may be, and is cut off."""
    at_s = round(random.uniform(0.15, weather.faults_s - 0.6), 3)
    cut_s = round(at_s + 0.15, 3)
    return [
        Fault(at_s, "transfer", (str(weather.slow or random.choice(weather.ids)),)),
        Fault(cut_s, "isolate-leader", (), round(cut_s + random.uniform(0.3, 0.4), 3)),
    ]


def late_answers(random: Random, weather: Weather) -> list[Fault]:
    """A leader that nobody hears any more still gets answers to what it sent before.

    They grow late step by step, or it would take the silence at first for a lost quorum.
    """
    late_s = round(0.8 * weather.election_ticks * TICK_US / 1e6, 3)
    steps = random.choice((1, 2, 3, 3))
    at_s = round(random.uniform(0.15, weather.faults_s - 0.9), 3)
    mute_s = round(at_s + late_s * (steps + random.uniform(0.2, 1)), 3)
    until_s = round(min(mute_s + late_s * (steps + random.uniform(1, 3)), weather.faults_s), 3)
    late = [
        Fault(round(at_s + late_s * step, 3), "clog-leader", (), until_s, late_s * (step + 1))
        for step in range(steps)
    ]
    return [*late, Fault(min(mute_s, until_s), "mute-leader", (), until_s)]


def reboots(random: Random, weather: Weather) -> list[Fault]:
    """A member dies again and again, and each time finds answers to what it asked before."""
    one = random.choice(weather.ids)
    at_s = round(random.uniform(0.1, weather.faults_s - 1), 3)
    late_s = random.choice((0.04, 0.08))
    faults = [
        Fault(at_s, "clog", (f"{other}>{one}",), round(at_s + 0.8, 3), late_s)
        for other in weather.every_id
        if other != one
    ]
    for turn in range(6):
        dies_s = round(at_s + 0.1 + 0.1 * turn + random.uniform(0, 0.03), 3)
        faults.append(Fault(dies_s, "crash", (str(one),), round(dies_s + 0.005, 3)))
    return faults


def forgotten(random: Random, weather: Weather) -> list[Fault]:
    """Everybody takes a leader for gone that leads on."""
    at_s = round(random.uniform(0.1, weather.faults_s - 0.5), 3)
    faults = [Fault(at_s, "isolate-leader", (), round(at_s + random.uniform(0.1, 0.3), 3))]
    faults += [Fault(at_s, "forget", (str(member),)) for member in weather.ids]
    return [*faults, Fault(round(at_s + 0.002, 3), "campaign", (str(random.choice(weather.ids)),))]


def unknown_change(random: Random, weather: Weather) -> list[Fault]:
    """A leader drops somebody, perhaps itself, and is gone before anybody knows."""
    change = draw_fault(random, weather, random.choice(("remove", "remove", "demote", "joint")))
    at_s = round(change.at_s + random.choice((0.0, 0.001, 0.005)), 4)
    until_s = round(min(at_s + random.uniform(0.05, 0.3), weather.faults_s), 3)
    how = random.random()
    if how < 0.4:
        return [change, Fault(at_s, "crash", change.targets[:1], until_s, 1.0)]
    if how < 0.7:
        gone = draw_fault(random, weather, "partition")
        return [change, evolve(gone, at_s=at_s, until_s=until_s)]
    return [change, Fault(at_s, "isolate-leader", (), until_s)]


def crossing_changes(random: Random, weather: Weather) -> list[Fault]:
    """Two leaders change one voter each, and neither learns of the other's change.

    The second is asked as soon as it leads; then the group falls apart into two that are each
    a majority of what they know (Ongaro, raft-dev, July 2015). It takes an even group.
    """
    at_s = round(random.uniform(0.3, weather.faults_s - 1), 3)
    ids = random.sample(weather.ids, len(weather.ids))
    half = len(ids) // 2
    side, others = ids[:half], ids[half:]
    apart_s = round(at_s + random.uniform(0.15, 0.23), 3)
    together_s = round(apart_s + 0.6, 3)
    first = Fault(at_s, "remove", (str(others[0]),))
    alone = Fault(at_s, "isolate-leader", (), apart_s)
    second = [
        Fault(round(at_s + 0.1 + 0.005 * turn, 3), "remove", (str(side[0]),)) for turn in range(50)
    ]
    apart = Fault(apart_s, "partition", tuple(map(str, sorted(side))), together_s)
    return [first, alone, *second, apart]
