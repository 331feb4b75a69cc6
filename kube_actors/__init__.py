"""Kubernetes as a Python library: independent async actors on a Raft store.

The map: ``cluster`` builds a cluster inside your async program; ``actor`` is how actors live and
talk; ``raft`` how a value is agreed (usable alone); ``api`` what may be said; ``store`` what is
remembered; ``client`` how components see the cluster; ``apiserver``, ``controllers``,
``scheduler``, ``node`` and ``proxy`` are its components; ``etcd`` is the store on etcd's wire;
``simulation`` finds the seed that breaks a promise, ``testing`` is its pytest fixture; ``boundary``
reads data at rest; ``cli`` is the command line.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kube_actors.cluster import Cluster, InvalidConfig, NodeSpec, NotReady, Timings

__all__ = ["Cluster", "InvalidConfig", "NodeSpec", "NotReady", "Timings"]


def __getattr__(name: str) -> Any:
    # Lazily: kube_actors.raft must be importable without an event loop or the rest of the house.
    if name in __all__:
        from kube_actors import cluster

        return getattr(cluster, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
