"""Controllers of nodes: who fell silent, what is tainted, and whose pods go.

``health`` decides that a node is dead; ``lifecycle`` says so on the node and marks its pods.
"""

from kube_actors.controllers.nodes.lifecycle import Grace, node_lifecycle
from kube_actors.controllers.nodes.pod_garbage import pod_garbage_collector
from kube_actors.controllers.nodes.taint_eviction import TAINT_EVICTION

__all__ = ["Grace", "TAINT_EVICTION", "node_lifecycle", "pod_garbage_collector"]
