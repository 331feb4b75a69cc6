"""Containers that are only told about: any image, no process, times and failures by script."""

from kube_actors.node.runtimes.simulated.runtime import SimulatedRuntime
from kube_actors.node.runtimes.simulated.script import ANNOTATION_PREFIX, Script, Stage

__all__ = ["ANNOTATION_PREFIX", "Script", "SimulatedRuntime", "Stage"]
