"""Rolls a Deployment's pods from one template to the next through ReplicaSets.

How large each ReplicaSet should be, which has which revision, and what the status says are
decided apart from each other.
"""

from kube_actors.controllers.workloads.deployment.deployment import DEPLOYMENT

__all__ = ["DEPLOYMENT"]
