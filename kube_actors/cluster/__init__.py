"""Builds a cluster from a config: the embedding API.

``Cluster`` is the public door; masters, nodes, the front door, health and faults are its parts.
"""

from kube_actors.cluster.address_plan import NoFreeBlock, claim_block
from kube_actors.cluster.cluster import Cluster
from kube_actors.cluster.config import ClusterConfig, InvalidConfig, NodeSpec, Timings
from kube_actors.cluster.directory import DirectoryRefused, keep_masters, sweep_scratch
from kube_actors.cluster.faults import Faults, UnknownTarget
from kube_actors.cluster.keys import ADMIN_GROUP, ADMIN_USER, cluster_number, write_kubeconfig
from kube_actors.cluster.master import Engine
from kube_actors.cluster.readiness import NotReady

__all__ = [
    "ADMIN_GROUP",
    "ADMIN_USER",
    "Cluster",
    "ClusterConfig",
    "DirectoryRefused",
    "Engine",
    "Faults",
    "InvalidConfig",
    "NoFreeBlock",
    "NodeSpec",
    "NotReady",
    "Timings",
    "UnknownTarget",
    "claim_block",
    "cluster_number",
    "keep_masters",
    "sweep_scratch",
    "write_kubeconfig",
]
