"""What is done for a pod next, and what is reported of it: decided from what is known, purely.

Everything a kubelet knows of a pod beside its object is one ``Observed``. ``decide`` turns it into
a ``Plan``, ``compute_status`` into the pod's status, ``admit`` refuses what does not fit the node.
Nothing here waits, keeps a state or knows an event loop, so every rule is tested as a table.
"""

from kube_actors.node.lifecycle.actions import (
    TERMINAL,
    Action,
    Finish,
    Plan,
    Pull,
    RunSandbox,
    Start,
    Stop,
    StopSandbox,
    decide,
    grace_period_s,
)
from kube_actors.node.lifecycle.admission import Requests, admit, requests_of
from kube_actors.node.lifecycle.assessment import Patience, image_of
from kube_actors.node.lifecycle.observation import Observed, Problem, Rejection, recover_runs
from kube_actors.node.lifecycle.status import compute_status

__all__ = [
    "Action",
    "Finish",
    "Observed",
    "Patience",
    "Plan",
    "Problem",
    "Pull",
    "Rejection",
    "Requests",
    "RunSandbox",
    "Start",
    "Stop",
    "StopSandbox",
    "TERMINAL",
    "admit",
    "compute_status",
    "decide",
    "grace_period_s",
    "image_of",
    "recover_runs",
    "requests_of",
]
