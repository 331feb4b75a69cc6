"""Controllers: each watches some kinds and brings the cluster to what their objects ask for.

A controller is one file with a pure ``reconcile`` and one line in ``registry``; ``loop`` serves
them all. ``run_controllers`` is the actor of one master: it leads, or waits for the Lease.
"""

from kube_actors.controllers.actor import run_controllers
from kube_actors.controllers.config import (
    NODE_MONITOR_GRACE_S,
    NODE_MONITOR_PERIOD_S,
    ControllersConfig,
)
from kube_actors.controllers.loop import Controller, Round, View, Watch
from kube_actors.controllers.registry import controllers

__all__ = [
    "Controller",
    "ControllersConfig",
    "NODE_MONITOR_GRACE_S",
    "NODE_MONITOR_PERIOD_S",
    "Round",
    "View",
    "Watch",
    "controllers",
    "run_controllers",
]
