"""Masters and nodes in processes of their own: how they know each other, and what runs in each.

The same actors as in one process, over TCP with certificates from one directory.
"""

from kube_actors.cluster.processes.join import parse_endpoint, parse_join
from kube_actors.cluster.processes.master import MasterOptions, MasterProcess
from kube_actors.cluster.processes.node import NodeOptions, NodeProcess
from kube_actors.cluster.processes.pki_directory import PkiDirectory, PkiRefused

__all__ = [
    "MasterOptions",
    "MasterProcess",
    "NodeOptions",
    "NodeProcess",
    "PkiDirectory",
    "PkiRefused",
    "parse_endpoint",
    "parse_join",
]
