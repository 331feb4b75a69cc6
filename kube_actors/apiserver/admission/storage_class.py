"""A claim that names no storage class gets the default one (DefaultStorageClass)."""

from kube_actors.api import Object
from kube_actors.apiserver.cache import WatchCache

_DEFAULT = "storageclass.kubernetes.io/is-default-class"


def admit(cache: WatchCache, claim: Object) -> None:
    """Name the class that is annotated as the default, the first by name; a claim that names one,
    also "", keeps it.
    """
    spec = claim.setdefault("spec", {})
    if "storageClassName" in spec:
        return
    for entry in cache.resource("storage.k8s.io", "storageclasses").entries():
        annotations = entry.decode()["metadata"].get("annotations") or {}
        if annotations.get(_DEFAULT) == "true":
            spec["storageClassName"] = entry.name
            return
