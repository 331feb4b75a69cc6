"""What one node is: its name, capacity, addresses and how patient its kubelet is.

Defaults are Kubernetes' own times; a test or a demonstration shortens them here and nowhere else.
The runtime belongs to whoever made it and outlives the kubelet that borrows it.
"""

from collections.abc import Mapping
from ipaddress import ip_network
from typing import Any

from attrs import Factory, field, frozen

from kube_actors.actor import Address
from kube_actors.node.runtimes import ContainerRuntime

KUBELET_VERSION = "v1.36.0-kube-actors"
DEFAULT_CAPACITY: Mapping[str, str] = {
    "cpu": "4",
    "ephemeral-storage": "100Gi",
    "memory": "8Gi",
    "pods": "110",
}


@frozen
class KubeletConfig:
    """``proxy`` None: the kubelet itself gives pods their addresses from ``pod_cidr``.

    ``lease_*`` and ``status_report_s`` are the heartbeats; ``restart_*`` delay a crashing
    container's next start, doubling from the first to the second; ``image_*`` the next pull.
    ``record_normal_events`` False keeps only warnings; that is the default of runtimes without
    files, where Pulled, Created and Started would be most of what a large cluster writes.
    """

    node_name: str
    runtime: ContainerRuntime
    apiservers: tuple[Address, ...]
    proxy: Address | None = field(
        default=Factory(lambda self: Address(f"proxy/{self.node_name}"), takes_self=True)
    )
    pod_cidr: str = "10.244.0.0/24"
    node_ip: str = "127.0.0.1"
    labels: Mapping[str, str] = field(factory=dict)
    taints: tuple[Mapping[str, Any], ...] = ()
    capacity: Mapping[str, str] = field(factory=lambda: dict(DEFAULT_CAPACITY))
    lease_duration_s: float = 40.0
    lease_renew_s: float = 10.0
    status_report_s: float = 300.0
    restart_backoff_s: float = 10.0
    restart_backoff_max_s: float = 300.0
    image_backoff_s: float = 10.0
    image_backoff_max_s: float = 300.0
    retry_s: float = 5.0
    record_normal_events: bool = field(
        default=Factory(lambda self: self.runtime.uses_files, takes_self=True)
    )

    def __attrs_post_init__(self) -> None:
        ip_network(self.pod_cidr)
        if not self.apiservers:
            raise ValueError("a kubelet needs at least one apiserver")
        if self.lease_renew_s >= self.lease_duration_s:
            raise ValueError("the node lease must be renewed before it expires")
        if self.restart_backoff_s > self.restart_backoff_max_s:
            raise ValueError("restart_backoff_s is above restart_backoff_max_s")
        if self.runtime.uses_files and self.runtime.root_dir is None:
            raise ValueError("a runtime that uses files needs a root_dir")
