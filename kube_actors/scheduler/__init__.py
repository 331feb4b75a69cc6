"""Where pods run: queue, filters, scores, preemption, and the actor that binds.

``schedule`` and its parts are pure; ``run_scheduler`` is the actor ``scheduler/N``. A filter or a
scorer is one function in its file's table; adding a rule is adding a function.
"""

from kube_actors.scheduler.actor import SchedulerConfig, run_scheduler
from kube_actors.scheduler.cycle import Placement, Unschedulable, schedule
from kube_actors.scheduler.node import NodeState, project_node
from kube_actors.scheduler.pod import project_pod
from kube_actors.scheduler.queue import QueueTimes, SchedulingQueue
from kube_actors.scheduler.snapshot import Snapshot

__all__ = [
    "NodeState",
    "Placement",
    "QueueTimes",
    "SchedulerConfig",
    "SchedulingQueue",
    "Snapshot",
    "Unschedulable",
    "project_node",
    "project_pod",
    "run_scheduler",
    "schedule",
]
