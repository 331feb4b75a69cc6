"""One of many leads, by a Lease; the others hold nothing but a poll of it.

What a candidate may conclude from a Lease is pure and decided on its own clock alone.
"""

from kube_actors.client.election.leader_elector import ElectionTimes, LeaderElector

__all__ = ["ElectionTimes", "LeaderElector"]
