"""Every pod runs as a service account: ``default`` unless it says another.

No token volume is added: a process pod has nowhere to mount it unless its node projects tokens.
"""

from kube_actors.api import Object, errors
from kube_actors.apiserver.cache import WatchCache

_PODS = errors.Resource("", "pods", "Pod")
DEFAULT = "default"


def admit(cache: WatchCache, namespace: str, pod: Object) -> None:
    """Name the account; raises ``StatusError`` 403 when a named one does not exist."""
    spec = pod.setdefault("spec", {})
    name = spec.get("serviceAccountName") or spec.get("serviceAccount") or DEFAULT
    spec["serviceAccountName"] = spec["serviceAccount"] = name
    # The default account is made by a controller; a pod need not lose the race against it.
    if name != DEFAULT and cache.resource("", "serviceaccounts").get(namespace, name) is None:
        detail = (
            f'error looking up service account {namespace}/{name}: serviceaccount "{name}" '
            "not found"
        )
        raise errors.forbidden(_PODS, pod["metadata"].get("name", ""), detail)
