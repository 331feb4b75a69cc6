"""From Services and EndpointSlices to routes: which address and port leads to which pods. Pure.

Rules are kube-proxy's: only ready endpoints take traffic; when a service has none, those that are
terminating but still serve do (KEP-1669); a ``Local`` traffic policy keeps to this node's pods;
headless and ExternalName services have no route.
"""

from collections.abc import Iterable

import attrs

from kube_actors.api import Object


@attrs.frozen
class ServicePort:
    """One port of a Service; ``node_port`` 0 means none, ``name`` "" the only one."""

    name: str
    protocol: str
    port: int
    node_port: int


@attrs.frozen
class ServiceInfo:
    """A Service as far as routes read it.

    ``cluster_ips`` is empty for headless and ExternalName services. ``affinity_s`` is how long a
    client keeps its backend while idle, 0 without affinity. ``internal_local`` and
    ``external_local`` keep traffic to this node's pods.
    """

    namespace: str
    name: str
    uid: str
    cluster_ips: tuple[str, ...]
    external_ips: tuple[str, ...]
    ports: tuple[ServicePort, ...]
    affinity_s: float
    internal_local: bool
    external_local: bool


@attrs.frozen
class EndpointInfo:
    """One address of an endpoint and its conditions; ``node`` is "" when it is not known."""

    address: str
    node: str
    ready: bool
    serving: bool
    terminating: bool


@attrs.frozen
class SliceInfo:
    """An EndpointSlice; ``ports`` are (name, protocol, number), ``service`` is its label's."""

    namespace: str
    name: str
    service: str
    ports: tuple[tuple[str, str, int], ...]
    endpoints: tuple[EndpointInfo, ...]


@attrs.frozen(order=True)
class Frontend:
    """Where clients connect: one bound socket."""

    address: str
    port: int
    protocol: str


@attrs.frozen
class Route:
    """Where a frontend leads; ``affinity_s`` 0 means every connection is balanced alone."""

    service: str
    port_name: str
    backends: tuple[tuple[str, int], ...]
    affinity_s: float = 0.0


def project_service(service: Object) -> ServiceInfo:
    """Keep of a core/v1 Service what routes need."""
    metadata, spec = service["metadata"], service.get("spec") or {}
    addresses = spec.get("clusterIPs") or [spec.get("clusterIP") or ""]
    routed = spec.get("type") != "ExternalName"
    config = (spec.get("sessionAffinityConfig") or {}).get("clientIP") or {}
    sticky = spec.get("sessionAffinity") == "ClientIP"
    return ServiceInfo(
        namespace=metadata["namespace"],
        name=metadata["name"],
        uid=metadata.get("uid", ""),
        cluster_ips=tuple(a for a in addresses if routed and a and a != "None"),
        external_ips=tuple(spec.get("externalIPs") or ()),
        ports=tuple(
            ServicePort(
                p.get("name") or "", p.get("protocol") or "TCP", p["port"], p.get("nodePort") or 0
            )
            for p in spec.get("ports") or ()
        ),
        affinity_s=float(config.get("timeoutSeconds", 10800)) if sticky else 0.0,
        internal_local=spec.get("internalTrafficPolicy") == "Local",
        external_local=spec.get("externalTrafficPolicy") == "Local",
    )


def project_slice(endpoint_slice: Object) -> SliceInfo:
    """Keep of a discovery.k8s.io/v1 EndpointSlice what routes need."""
    metadata = endpoint_slice["metadata"]
    endpoints: list[EndpointInfo] = []
    for endpoint in endpoint_slice.get("endpoints") or ():
        conditions = endpoint.get("conditions") or {}
        # A nil condition reads as ready, as the API says.
        ready = conditions.get("ready", True) is not False
        endpoints.extend(
            EndpointInfo(
                address,
                endpoint.get("nodeName") or "",
                ready,
                conditions.get("serving", ready) is not False,
                bool(conditions.get("terminating")),
            )
            for address in endpoint.get("addresses") or ()
        )
    return SliceInfo(
        namespace=metadata["namespace"],
        name=metadata["name"],
        service=(metadata.get("labels") or {}).get("kubernetes.io/service-name", ""),
        ports=tuple(
            (p.get("name") or "", p.get("protocol") or "TCP", p["port"])
            for p in endpoint_slice.get("ports") or ()
            if p.get("port")
        ),
        endpoints=tuple(endpoints),
    )


def _backends(
    port: ServicePort, slices: Iterable[SliceInfo], node: str, *, local: bool
) -> tuple[tuple[str, int], ...]:
    ready: dict[tuple[str, int], None] = {}
    leaving: dict[tuple[str, int], None] = {}
    for endpoint_slice in slices:
        for name, protocol, number in endpoint_slice.ports:
            if (name, protocol) != (port.name, port.protocol):
                continue
            for endpoint in endpoint_slice.endpoints:
                if local and endpoint.node != node:
                    continue
                if endpoint.ready:
                    ready[(endpoint.address, number)] = None
                elif endpoint.serving and endpoint.terminating:
                    leaving[(endpoint.address, number)] = None
    return tuple(ready or leaving)


def make_routes(
    services: Iterable[ServiceInfo],
    slices_of: "dict[tuple[str, str], list[SliceInfo]]",
    *,
    node: str,
    node_address: str,
) -> dict[Frontend, Route]:
    """Build this node's whole table; the first service by name wins a disputed frontend.

    ``slices_of`` maps (namespace, service name) to its slices. ``node_address`` "" means that no
    node ports are opened.
    """
    routes: dict[Frontend, Route] = {}
    for service in sorted(services, key=lambda s: (s.namespace, s.name)):
        slices = slices_of.get((service.namespace, service.name), [])
        key = f"{service.namespace}/{service.name}"
        for port in service.ports:
            if port.protocol not in ("TCP", "UDP"):
                continue
            inner = Route(
                key,
                port.name,
                _backends(port, slices, node, local=service.internal_local),
                service.affinity_s,
            )
            for address in service.cluster_ips:
                routes.setdefault(Frontend(address, port.port, port.protocol), inner)
            outer = Route(
                key,
                port.name,
                _backends(port, slices, node, local=service.external_local),
                service.affinity_s,
            )
            for address in service.external_ips:
                routes.setdefault(Frontend(address, port.port, port.protocol), outer)
            if port.node_port and node_address:
                frontend = Frontend(node_address, port.node_port, port.protocol)
                routes.setdefault(frontend, outer)
    return routes
