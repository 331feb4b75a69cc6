"""Nothing is created in a namespace that is absent or going away."""

from kube_actors.api import Kind, Object, errors
from kube_actors.apiserver.cache import WatchCache

_NAMESPACES = errors.Resource("", "namespaces", "Namespace")
IMMORTAL = ("default", "kube-system", "kube-public")


def admit(cache: WatchCache, kind: Kind, namespace: str, obj: Object) -> None:
    """Raise ``StatusError`` 404 without the namespace, 403 while it terminates."""
    entry = cache.resource("", "namespaces").get("", namespace)
    if entry is None:
        raise errors.not_found(_NAMESPACES, namespace)
    if entry.fields["status.phase"] != "Terminating":
        return
    name = obj["metadata"].get("name") or obj["metadata"].get("generateName", "")
    detail = f"unable to create new content in namespace {namespace} because it is being terminated"
    error = errors.forbidden(kind, name, detail)
    cause = {
        "reason": "NamespaceTerminating",
        "message": f"namespace {namespace} is being terminated",
        "field": "metadata.namespace",
    }
    details = {**(error.details or {}), "causes": [cause]}
    raise errors.StatusError(error.code, error.reason, error.message, details)


def refuse_immortal(name: str) -> None:
    """Raise ``StatusError`` 403 for the namespaces that may never be deleted."""
    if name in IMMORTAL:
        raise errors.forbidden(_NAMESPACES, name, "this namespace may not be deleted")
