"""The nodes: a kubelet per node that makes pods happen, and the runtimes that run them.

``run_kubelet`` is the actor ``kubelet/<node>``. ``lifecycle`` decides, purely, what is done for a
pod and what is reported of it; ``pods`` carries that out for one pod at a time on a runtime of
``runtimes``: real processes, or simulated ones. What runs outlives the kubelet, and is adopted by
the next one.
"""

from kube_actors.node.config import DEFAULT_CAPACITY, KubeletConfig
from kube_actors.node.images import BUILTIN_IMAGES, Catalogue, Image
from kube_actors.node.kubelet import run_kubelet
from kube_actors.node.runtimes import (
    ContainerRuntime,
    ProcessRuntime,
    Script,
    SimulatedRuntime,
    Stage,
)

__all__ = [
    "BUILTIN_IMAGES",
    "Catalogue",
    "ContainerRuntime",
    "DEFAULT_CAPACITY",
    "Image",
    "KubeletConfig",
    "ProcessRuntime",
    "Script",
    "SimulatedRuntime",
    "Stage",
    "run_kubelet",
]
