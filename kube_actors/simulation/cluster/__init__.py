"""Tier 2: a whole cluster on virtual time, from one seed: its users, its weather and its judges.

Every component is the real one; only time, chance, links, disks and containers are simulated.
"""

from kube_actors.simulation.cluster.history import Change
from kube_actors.simulation.cluster.promises import PROMISES
from kube_actors.simulation.cluster.world import ClusterWorld, Part, Plan

__all__ = ["Change", "ClusterWorld", "PROMISES", "Part", "Plan"]
