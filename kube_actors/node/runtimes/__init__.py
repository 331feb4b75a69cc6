"""What runs a node's containers: one protocol, and the runtimes that keep it."""

from kube_actors.node.runtimes.process import ProcessRuntime
from kube_actors.node.runtimes.protocol import (
    ContainerConfig,
    ContainerRuntime,
    ContainerState,
    ContainerStatus,
    ImageSpec,
    ImageState,
    ImageStatus,
    LogQuery,
    Mount,
    ProbeKind,
    RuntimeRefused,
    SandboxConfig,
    SandboxState,
    SandboxStatus,
)
from kube_actors.node.runtimes.simulated import Script, SimulatedRuntime, Stage

__all__ = [
    "ContainerConfig",
    "ContainerRuntime",
    "ContainerState",
    "ContainerStatus",
    "ImageSpec",
    "ImageState",
    "ImageStatus",
    "LogQuery",
    "Mount",
    "ProbeKind",
    "ProcessRuntime",
    "RuntimeRefused",
    "SandboxConfig",
    "SandboxState",
    "SandboxStatus",
    "Script",
    "SimulatedRuntime",
    "Stage",
]
