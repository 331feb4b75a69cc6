"""etcd's services over the store: KV, Watch, Lease, Cluster, Maintenance, Auth, and gRPC's health.

Each method checks what etcd checks, asks the store, and answers in etcd's words.
"""

from kube_actors.etcd.services.administration import Administration
from kube_actors.etcd.services.auth import AuthService
from kube_actors.etcd.services.cluster import ClusterService
from kube_actors.etcd.services.health import HealthService
from kube_actors.etcd.services.kv import KvService
from kube_actors.etcd.services.leader_guard import LeaderGuard
from kube_actors.etcd.services.lease import LeaseService
from kube_actors.etcd.services.maintenance import MaintenanceService
from kube_actors.etcd.services.origin import CLUSTER_ID, Origin
from kube_actors.etcd.services.watch import WatchService

__all__ = [
    "AuthService",
    "CLUSTER_ID",
    "ClusterService",
    "HealthService",
    "KvService",
    "LeaderGuard",
    "LeaseService",
    "MaintenanceService",
    "Origin",
    "Administration",
    "WatchService",
]
