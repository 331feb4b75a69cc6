"""Every controller there is, in the order they are started."""

from typing import Any

from kube_actors.controllers.config import ControllersConfig
from kube_actors.controllers.garbage import garbage_collector
from kube_actors.controllers.loop import Controller
from kube_actors.controllers.namespaces import (
    SERVICE_ACCOUNT,
    namespace_controller,
    root_ca_publisher,
)
from kube_actors.controllers.nodes import (
    TAINT_EVICTION,
    Grace,
    node_lifecycle,
    pod_garbage_collector,
)
from kube_actors.controllers.services import ENDPOINTS, ENDPOINTSLICE
from kube_actors.controllers.workloads import (
    CRONJOB,
    DAEMONSET,
    DISRUPTION,
    JOB,
    REPLICASET,
    STATEFULSET,
)
from kube_actors.controllers.workloads.deployment import DEPLOYMENT


def controllers(config: ControllersConfig) -> tuple[Controller[Any], ...]:
    """Make the controllers of a cluster; raises ValueError for an unknown name in ``only``."""
    grace = Grace(config.node_grace_s, config.node_startup_grace_s, config.node_monitor_s)
    everything: tuple[Controller[Any], ...] = (
        SERVICE_ACCOUNT,
        root_ca_publisher(config.root_certificate),
        namespace_controller(),
        DEPLOYMENT,
        REPLICASET,
        ENDPOINTSLICE,
        ENDPOINTS,
        node_lifecycle(grace),
        TAINT_EVICTION,
        pod_garbage_collector(config.terminated_pods_max, config.node_quarantine_s),
        STATEFULSET,
        DAEMONSET,
        JOB,
        CRONJOB,
        DISRUPTION,
        garbage_collector(),
    )
    if not config.only:
        return everything
    known = {controller.name: controller for controller in everything}
    unknown = [name for name in config.only if name not in known]
    if unknown:
        raise ValueError(f"no such controller: {', '.join(unknown)}; there are {', '.join(known)}")
    return tuple(known[name] for name in config.only)
