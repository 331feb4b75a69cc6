"""Every controller there is, in the order they are started."""

from typing import Any

from kube_actors.controllers.config import ControllersConfig
from kube_actors.controllers.controller import Controller
from kube_actors.controllers.cronjob import CRONJOB
from kube_actors.controllers.daemonset import DAEMONSET
from kube_actors.controllers.deployment import DEPLOYMENT
from kube_actors.controllers.disruption import DISRUPTION
from kube_actors.controllers.endpoints import ENDPOINTS
from kube_actors.controllers.endpointslice import ENDPOINTSLICE
from kube_actors.controllers.garbage import garbage_collector
from kube_actors.controllers.job import JOB
from kube_actors.controllers.namespace import namespace_controller
from kube_actors.controllers.node_lifecycle import Grace, node_lifecycle
from kube_actors.controllers.pod_garbage import pod_garbage_collector
from kube_actors.controllers.replicaset import REPLICASET
from kube_actors.controllers.root_ca import root_ca_publisher
from kube_actors.controllers.serviceaccount import SERVICE_ACCOUNT
from kube_actors.controllers.statefulset import STATEFULSET
from kube_actors.controllers.taint_eviction import TAINT_EVICTION


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
