"""The objects of a new cluster: namespaces, priority classes, addresses of the API itself. Pure."""

import ipaddress

from kube_actors.api import Object
from kube_actors.apiserver.bootstrap.policy import policy_objects
from kube_actors.apiserver.config import ApiServerConfig

NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")
_IP_LABELS = {
    "ipaddress.kubernetes.io/ip-family": "IPv4",
    "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io",
}


def initial_objects(config: ApiServerConfig) -> list[Object]:
    """Return everything, each with its type and name, to be created where it is missing."""
    found = [*_namespaces(), *_priority_classes(), *policy_objects(), _service_cidr(config)]
    if config.advertise_address:
        found.extend(kubernetes_service(config))
    return found


def _namespaces() -> list[Object]:
    return [
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name}},
            "spec": {"finalizers": ["kubernetes"]},
            "status": {"phase": "Active"},
        }
        for name in NAMESPACES
    ]


def _priority_classes() -> list[Object]:
    critical = (
        ("system-node-critical", 2000001000, "node"),
        ("system-cluster-critical", 2000000000, "cluster"),
    )
    return [
        {
            "apiVersion": "scheduling.k8s.io/v1",
            "kind": "PriorityClass",
            "metadata": {"name": name},
            "value": value,
            "description": f"Used for pods that the {what} cannot do without.",
            "preemptionPolicy": "PreemptLowerPriority",
        }
        for name, value, what in critical
    ]


def _service_cidr(config: ApiServerConfig) -> Object:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "ServiceCIDR",
        "metadata": {"name": "kubernetes"},
        "spec": {"cidrs": [config.service_cidr]},
    }


def first_service_ip(config: ApiServerConfig) -> str:
    """Return the address of the ``kubernetes`` Service: the first of the service CIDR."""
    return str(ipaddress.ip_network(config.service_cidr)[1])


def kubernetes_service(config: ApiServerConfig) -> list[Object]:
    """Return the Service that leads to the API, its endpoints and its address."""
    ip = first_service_ip(config)
    parent = {"group": "", "resource": "services", "namespace": "default", "name": "kubernetes"}
    return [
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {
                "name": "kubernetes",
                "namespace": "default",
                "labels": {"component": "apiserver", "provider": "kubernetes"},
            },
            "spec": {
                "clusterIP": ip,
                "clusterIPs": [ip],
                "ipFamilies": ["IPv4"],
                "ipFamilyPolicy": "SingleStack",
                "ports": [
                    {
                        "name": "https",
                        "port": 443,
                        "protocol": "TCP",
                        "targetPort": config.advertise_port,
                    }
                ],
                "type": "ClusterIP",
            },
        },
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "IPAddress",
            "metadata": {"name": ip, "labels": _IP_LABELS},
            "spec": {"parentRef": parent},
        },
        {
            "apiVersion": "v1",
            "kind": "Endpoints",
            "metadata": {
                "name": "kubernetes",
                "namespace": "default",
                "labels": {"endpointslice.kubernetes.io/skip-mirror": "true"},
            },
            "subsets": [
                {
                    "addresses": [{"ip": config.advertise_address}],
                    "ports": [{"name": "https", "port": config.advertise_port, "protocol": "TCP"}],
                }
            ],
        },
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {
                "name": "kubernetes",
                "namespace": "default",
                "labels": {"kubernetes.io/service-name": "kubernetes"},
            },
            "addressType": "IPv4",
            "endpoints": [{"addresses": [config.advertise_address], "conditions": {"ready": True}}],
            "ports": [{"name": "https", "port": config.advertise_port, "protocol": "TCP"}],
        },
    ]
