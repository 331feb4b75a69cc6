"""How traffic reaches pods: pod addresses, service virtual IPs, load balancing.

``make_routes`` and ``Balancer`` are pure; ``run_proxy`` is the actor ``proxy/<node>``. Nothing else
of ours imports this package but the wiring.
"""

from kube_actors.proxy.actor import ProxyConfig, run_proxy
from kube_actors.proxy.addresses import AddressesExhausted, PodAddresses
from kube_actors.proxy.balancer import Balancer
from kube_actors.proxy.limits import Limits
from kube_actors.proxy.routing import Frontend, Route, make_routes, project_service, project_slice

__all__ = [
    "AddressesExhausted",
    "Balancer",
    "Frontend",
    "Limits",
    "PodAddresses",
    "ProxyConfig",
    "Route",
    "make_routes",
    "project_service",
    "project_slice",
    "run_proxy",
]
