"""Checks of pods and of everything inside them, in the words of ``pkg/apis/core/validation``.

Containers, volumes, references and scheduling each have a file; ``updates`` says what may change
in a pod that exists. Workloads check their templates by the same functions.
"""

from kube_actors.api.validation.pods import pods, updates
from kube_actors.api.validation.pods.containers import PROTOCOLS
from kube_actors.api.validation.pods.pods import template
from kube_actors.api.validation.pods.scheduling import node_selector, taints
from kube_actors.api.validation.pods.updates import differences
from kube_actors.api.validation.pods.volumes import REQUIRED, host_path

__all__ = [
    "PROTOCOLS",
    "REQUIRED",
    "differences",
    "host_path",
    "node_selector",
    "pods",
    "taints",
    "template",
    "updates",
]
