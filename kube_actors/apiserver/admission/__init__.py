"""What the cluster adds to or refuses of an object, one file per rule, from the watch cache.

Rules are plain functions over the object and what the cache holds now. They run in a fixed
order; a rule that refuses raises the ``StatusError`` Kubernetes gives.
"""

from kube_actors.apiserver.admission.chain import Admission, admit_create, admit_update
from kube_actors.apiserver.admission.namespace_lifecycle import refuse_immortal

__all__ = ["Admission", "admit_create", "admit_update", "refuse_immortal"]
