"""What goes wrong in a simulated cluster: drawn before the run, carried out, and undone."""

from kube_actors.simulation.cluster.faults.chaos import Chaos
from kube_actors.simulation.cluster.faults.clocks import MachineClocks
from kube_actors.simulation.cluster.faults.disk import SimulatedDisk
from kube_actors.simulation.cluster.faults.weather import VERBS, Shape, draw_schedule

__all__ = ["Chaos", "MachineClocks", "Shape", "SimulatedDisk", "VERBS", "draw_schedule"]
