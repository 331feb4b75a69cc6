"""What runs a node's containers: one protocol, and the runtimes that keep it."""

from kube_actors.node.runtimes.process.runtime import ProcessRuntime
from kube_actors.node.runtimes.protocol import ContainerRuntime
from kube_actors.node.runtimes.simulated.runtime import SimulatedRuntime
from kube_actors.node.runtimes.simulated.script import Script, Stage

__all__ = ["ContainerRuntime", "ProcessRuntime", "Script", "SimulatedRuntime", "Stage"]
