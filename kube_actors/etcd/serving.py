"""The store as an etcd server on a listener."""

import ssl
from collections.abc import Sequence
from typing import Any

from anyio.abc import Listener

from kube_actors.actor import Actor, Address
from kube_actors.etcd.failures import to_grpc
from kube_actors.etcd.grpc import GrpcServer
from kube_actors.etcd.services import (
    CLUSTER_ID,
    Administration,
    AuthService,
    ClusterService,
    HealthService,
    KvService,
    LeaderGuard,
    LeaseService,
    MaintenanceService,
    Origin,
    WatchService,
)
from kube_actors.store import StoreClient


async def serve_etcd(
    actor: Actor,
    members: Sequence[Address],
    listener: Listener[Any],
    *,
    tls: ssl.SSLContext | None = None,
    cluster_id: int = CLUSTER_ID,
) -> None:
    """Serve the group as etcd v3 to every connection of ``listener``, until cancelled.

    The first of ``members`` is the one that an etcd client takes the endpoint for: its status and
    its maintenance are asked of it alone; keys are read and written through another while it is
    away. ``tls`` is made by ``tls_context``.
    """
    await etcd_server(actor, members, cluster_id).serve(listener, tls=tls)


def etcd_server(
    actor: Actor, members: Sequence[Address], cluster_id: int = CLUSTER_ID
) -> GrpcServer:
    """Put the services together."""
    store = StoreClient(actor, members, learn=True)
    administration = Administration(actor, store)
    origin = Origin(store, actor.clock, cluster_id)
    methods = {
        **KvService(store, origin).methods(),
        **WatchService(store, origin).methods(),
        **LeaseService(store, administration, origin).methods(),
        **ClusterService(administration, origin).methods(),
        **MaintenanceService(administration, origin).methods(),
        **AuthService(origin).methods(),
        **HealthService(origin).methods(),
    }
    return GrpcServer(methods, to_grpc, guard=LeaderGuard(origin).run)


def tls_context(certificate_chain: str, key: str, client_authority: str | None) -> ssl.SSLContext:
    """Make a server's TLS from PEM files; with ``client_authority`` a client must show a
    certificate that it signed.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["h2"])
    context.load_cert_chain(certificate_chain, key)
    if client_authority is not None:
        context.load_verify_locations(client_authority)
        context.verify_mode = ssl.CERT_REQUIRED
    return context
