"""How the controllers of one master are run: where the API is, and every time that matters."""

from typing import Any

from attrs import field, frozen

from kube_actors.client import ElectionTimes

USER = "system:kube-controller-manager"
GROUPS = ("system:masters",)

NODE_MONITOR_GRACE_S = 40.0
"""How long a node may be silent before it counts as dead: ``--node-monitor-grace-period``.

The one place of this number. kube-controller-manager had 40 s up to v1.31; since v1.32 it has 50 s,
more than an HTTP/2 client takes to notice a dead connection (kubernetes/kubernetes#126287). Here it
still is 40 s.
"""
NODE_STARTUP_GRACE_S = 60.0
"""How long a new node may take until it is first heard of: ``--node-startup-grace-period``."""
NODE_MONITOR_PERIOD_S = 5.0
"""How often a node that is not well is looked at anyway: ``--node-monitor-period``."""
NODE_QUARANTINE_S = 40.0
"""How long a node that disappeared may come back (quarantineTime in pkg/controller/podgc)."""
TERMINATED_PODS_MAX = 12500
"""How many finished pods may stay: ``--terminated-pod-gc-threshold``."""


def _positive(_instance: Any, attribute: Any, value: float) -> None:
    if value <= 0:
        raise ValueError(f"{attribute.name} must be positive, not {value}")


@frozen
class ControllersConfig:
    """Times are Kubernetes' unless said otherwise.

    ``apiservers``: the nearest first. ``root_certificate``: the cluster's CA as PEM, published in
    every namespace ("" publishes nothing). ``node_monitor_s`` is how often a node that is not well
    is looked at even if nothing happens; ``patience_s`` how long a key waits at most until its view
    shows what it wrote. ``only``: names of controllers to run, empty for all.
    """

    master: int
    apiservers: tuple[str, ...]
    root_certificate: str = ""
    election: ElectionTimes = field(factory=ElectionTimes)
    node_grace_s: float = field(default=NODE_MONITOR_GRACE_S, validator=_positive)
    node_startup_grace_s: float = field(default=NODE_STARTUP_GRACE_S, validator=_positive)
    node_monitor_s: float = field(default=NODE_MONITOR_PERIOD_S, validator=_positive)
    node_quarantine_s: float = field(default=NODE_QUARANTINE_S, validator=_positive)
    terminated_pods_max: int = field(default=TERMINATED_PODS_MAX, validator=_positive)
    patience_s: float = field(default=5.0, validator=_positive)
    only: tuple[str, ...] = ()

    def __attrs_post_init__(self) -> None:
        if not self.apiservers:
            raise ValueError("apiservers must name at least one address")

    @property
    def identity(self) -> str:
        """Who holds the Lease when this master leads."""
        return f"master-{self.master}"
