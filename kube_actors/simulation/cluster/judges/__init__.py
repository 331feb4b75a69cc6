"""What a cluster owes its users, checked while it runs and once the faults have stopped.

Each judge sees the store's history and nothing else; a broken promise is a breach, never an
exception.
"""

from kube_actors.simulation.cluster.judges.collector import OwnersKeep
from kube_actors.simulation.cluster.judges.convergence import unfinished
from kube_actors.simulation.cluster.judges.invariants import BoundOnce, RolloutAvailability
from kube_actors.simulation.cluster.judges.leases import LeaseExclusive
from kube_actors.simulation.cluster.judges.limits import (
    JobParallelism,
    NodeLoad,
    RolloutSurge,
    ServiceAddresses,
)
from kube_actors.simulation.cluster.judges.watching import WatchJudge

__all__ = [
    "BoundOnce",
    "JobParallelism",
    "LeaseExclusive",
    "NodeLoad",
    "OwnersKeep",
    "RolloutAvailability",
    "RolloutSurge",
    "ServiceAddresses",
    "WatchJudge",
    "unfinished",
]
