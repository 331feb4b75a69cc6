"""The order of the rules."""

import attrs

from kube_actors.api import Kind, Object
from kube_actors.apiserver.admission import (
    namespace_lifecycle,
    priority,
    requestor,
    service_account,
    storage_class,
    tolerations,
)
from kube_actors.apiserver.cache import WatchCache
from kube_actors.apiserver.config import ApiServerConfig
from kube_actors.apiserver.request import User


@attrs.frozen
class Admission:
    """What rules may look at."""

    cache: WatchCache
    config: ApiServerConfig
    user: User


def admit_create(admission: Admission, kind: Kind, namespace: str, obj: Object) -> None:
    """Change ``obj`` as the rules demand; raises ``StatusError`` 403 or 404."""
    cache = admission.cache
    if kind.namespaced:
        namespace_lifecycle.admit(cache, kind, namespace, obj)
    if kind.plural == "pods" and not kind.group:
        service_account.admit(cache, namespace, obj)
        priority.admit(cache, obj)
        tolerations.admit(obj, admission.config.toleration_s)
    elif kind.plural == "persistentvolumeclaims" and not kind.group:
        storage_class.admit(cache, obj)
    elif kind.plural == "certificatesigningrequests":
        requestor.admit(admission.user, obj)
    elif kind.plural == "priorityclasses":
        priority.admit_class(cache, kind, obj)


def admit_update(admission: Admission, kind: Kind, obj: Object) -> None:
    """Change an updated ``obj`` as the rules demand."""
    if kind.plural == "pods" and not kind.group:
        tolerations.admit(obj, admission.config.toleration_s)
