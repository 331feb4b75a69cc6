"""Builds a cluster from a config: the embedding API.

``Cluster`` is the public door; masters, nodes, the front door, health and faults are its parts.
"""

from kube_actors.cluster.cluster import Cluster, NotReady
from kube_actors.cluster.config import ClusterConfig, InvalidConfig, NodeSpec, Timings
from kube_actors.cluster.faults import Faults, UnknownTarget

__all__ = [
    "Cluster",
    "ClusterConfig",
    "Faults",
    "InvalidConfig",
    "NodeSpec",
    "NotReady",
    "Timings",
    "UnknownTarget",
]
