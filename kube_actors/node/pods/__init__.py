"""The pods of one node: what is known of each, and making happen what ``lifecycle`` decides.

The worker carries out one plan for one pod at a time and reports what became of it, with the help
of starter, mounter and prober; the queue says whose turn it is. All of them share a ``NodeContext``
and none knows the kubelet, which gives them its pods and drives them.
"""

from kube_actors.node.pods.context import NodeContext
from kube_actors.node.pods.entry import PodEntry
from kube_actors.node.pods.events import Events
from kube_actors.node.pods.queue import PodQueue
from kube_actors.node.pods.worker import PodWorker

__all__ = ["Events", "NodeContext", "PodEntry", "PodQueue", "PodWorker"]
