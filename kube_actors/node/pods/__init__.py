"""The pods of one node: what is known of each, what is done next, and what is reported.

``lifecycle``, ``assessment`` and ``status`` decide, purely, on an ``Observation``; the worker
carries it out for one pod at a time. A kubelet lends them what they use of it and no more.
"""

from kube_actors.node.pods.admission import admit, requests_of
from kube_actors.node.pods.assessment import Patience
from kube_actors.node.pods.entry import PodEntry, Probe, Reported
from kube_actors.node.pods.lifecycle import TERMINAL
from kube_actors.node.pods.sources import PodSources
from kube_actors.node.pods.worker import PodWorker

__all__ = [
    "Patience",
    "PodEntry",
    "PodSources",
    "PodWorker",
    "Probe",
    "Reported",
    "TERMINAL",
    "admit",
    "requests_of",
]
