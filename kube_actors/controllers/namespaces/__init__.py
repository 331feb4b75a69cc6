"""Controllers of namespaces: what each must hold, and emptying one that is being deleted.

A namespace that stays has its ServiceAccount and the cluster's root certificate; what somebody
takes away is put back. One being deleted is let go only when every kind in it is listed empty.
"""

from kube_actors.controllers.namespaces.deletion import namespace_controller
from kube_actors.controllers.namespaces.root_ca import root_ca_publisher
from kube_actors.controllers.namespaces.serviceaccount import SERVICE_ACCOUNT

__all__ = ["SERVICE_ACCOUNT", "namespace_controller", "root_ca_publisher"]
