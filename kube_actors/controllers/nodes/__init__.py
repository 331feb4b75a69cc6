"""Controllers of nodes: which of them are dead, what is tainted, and which pods go.

``liveness`` decides that a node is dead; ``lifecycle`` says so on the node, taints it and marks its
pods not ready; ``taint_eviction`` deletes them when their tolerations end. ``pod_garbage`` takes
away what is left when the node itself is gone.
"""

from kube_actors.controllers.nodes.lifecycle import node_lifecycle
from kube_actors.controllers.nodes.liveness import Grace
from kube_actors.controllers.nodes.pod_garbage import pod_garbage_collector
from kube_actors.controllers.nodes.taint_eviction import TAINT_EVICTION

__all__ = ["Grace", "TAINT_EVICTION", "node_lifecycle", "pod_garbage_collector"]
