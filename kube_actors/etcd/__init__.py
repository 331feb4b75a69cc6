"""etcd v3 on the wire: our store served over gRPC, and a real etcd as the store's other engine.

Needs the extra ``etcd``: without it the import says how to get it.
"""

try:
    import google.protobuf  # noqa: F401
    import h2  # noqa: F401
except ImportError as error:
    raise ImportError(
        f"etcd's API needs {error.name}: pip install 'kube-actors[etcd]'", name=error.name
    ) from error

from kube_actors.etcd.addresses import InvalidAddress
from kube_actors.etcd.etcd_store import EtcdStore, engine
from kube_actors.etcd.serving import serve_etcd, tls_context

__all__ = ["EtcdStore", "InvalidAddress", "engine", "serve_etcd", "tls_context"]
