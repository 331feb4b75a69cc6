"""What all that makes a node's pods happen has in common, so that none of it knows the kubelet."""

from anyio.abc import TaskGroup
from attrs import frozen

from kube_actors.actor import Clock
from kube_actors.client import Client
from kube_actors.node.config import KubeletConfig
from kube_actors.node.pods.entry import PodEntry
from kube_actors.node.pods.events import Events
from kube_actors.node.pods.queue import PodQueue
from kube_actors.node.runtimes import ContainerRuntime


@frozen(eq=False)
class NodeContext:
    """``pods`` are the node's by uid; what awaits is started in ``tasks`` and ends with them."""

    config: KubeletConfig
    clock: Clock
    client: Client
    tasks: TaskGroup
    pods: dict[str, PodEntry]
    queue: PodQueue
    events: Events

    @property
    def runtime(self) -> ContainerRuntime:
        """The runtime that the kubelet borrows; it may outlive everything here."""
        return self.config.runtime
