"""The store as an etcd server on a listener."""

import ssl
from typing import Any

from anyio.abc import Listener

from kube_actors.actor import Clock
from kube_actors.etcd.failures import to_grpc
from kube_actors.etcd.grpc.server import GrpcServer
from kube_actors.etcd.kv_service import KvService
from kube_actors.etcd.origin import CLUSTER_ID, Origin
from kube_actors.store import StoreClient


async def serve_etcd(
    store: StoreClient,
    listener: Listener[Any],
    *,
    clock: Clock,
    tls: ssl.SSLContext | None = None,
    cluster_id: int = CLUSTER_ID,
) -> None:
    """Serve ``store`` as etcd v3 to every connection of ``listener``, until cancelled."""
    await etcd_server(store, clock, cluster_id).serve(listener, tls=tls)


def etcd_server(store: StoreClient, clock: Clock, cluster_id: int = CLUSTER_ID) -> GrpcServer:
    """Put the services together."""
    origin = Origin(store, clock, cluster_id)
    methods = {**KvService(store, origin).methods()}
    return GrpcServer(methods, to_grpc)
