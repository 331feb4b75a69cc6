"""Tier 1: a Raft group on one plain heap of events, without an event loop.

``RaftWorld`` drives a ``SimulatedGroup`` from one seed in one ``Weather``; a ``RaftScenario`` draws
both and the faults, and importing this package registers those that ship. A careless caller is a
subclass of ``SimulatedMember``. ``judges`` say what must hold after every step, ``faults`` what
goes wrong. Knows nothing of the cluster world.
"""

from kube_actors.simulation.raft.group import SimulatedGroup
from kube_actors.simulation.raft.member import SimulatedMember
from kube_actors.simulation.raft.scenarios import RaftScenario
from kube_actors.simulation.raft.weather import Weather
from kube_actors.simulation.raft.world import Outcome, RaftWorld

__all__ = [
    "Outcome",
    "RaftScenario",
    "RaftWorld",
    "SimulatedGroup",
    "SimulatedMember",
    "Weather",
]
