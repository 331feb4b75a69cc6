"""Fills in what Kubernetes fills in, where a schema cannot say it: one file a family of kinds.

Every default is a function from an object to an object that shares what did not change.
"""

from kube_actors.api.defaults.pods import addresses
from kube_actors.api.defaults.rules import apply_defaults

__all__ = ["addresses", "apply_defaults"]
