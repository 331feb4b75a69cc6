"""Tier 2: a whole cluster on virtual time, from one seed: its users, its weather and its judges.

A ``ClusterWorld`` lives through one ``Plan``; a ``ClusterScenario`` is a plan with a name, and
importing this package registers those that ship. A ``Part`` is something of a test's own that takes
part. Every component is the real one; only time, chance, links, disks and containers are simulated.
What breaks one of the ``PROMISES`` is noted, never raised. Knows nothing of the Raft world.
"""

from kube_actors.simulation.cluster.history import Change
from kube_actors.simulation.cluster.promises import PROMISES
from kube_actors.simulation.cluster.scenarios import ClusterScenario
from kube_actors.simulation.cluster.world import ClusterWorld, Part, Plan

__all__ = ["Change", "ClusterScenario", "ClusterWorld", "PROMISES", "Part", "Plan"]
