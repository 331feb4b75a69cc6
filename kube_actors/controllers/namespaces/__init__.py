"""Controllers of namespaces: what each must hold, and emptying one that goes away."""

from kube_actors.controllers.namespaces.emptying import namespace_controller
from kube_actors.controllers.namespaces.root_ca import root_ca_publisher
from kube_actors.controllers.namespaces.serviceaccount import SERVICE_ACCOUNT

__all__ = ["SERVICE_ACCOUNT", "namespace_controller", "root_ca_publisher"]
