"""What runs a node's containers: one protocol, and the runtimes that keep it."""

from kube_actors.node.runtimes.process import ProcessRuntime
from kube_actors.node.runtimes.protocol import ContainerRuntime
from kube_actors.node.runtimes.script import Script, Stage
from kube_actors.node.runtimes.simulated import SimulatedRuntime

__all__ = ["ContainerRuntime", "ProcessRuntime", "Script", "SimulatedRuntime", "Stage"]
