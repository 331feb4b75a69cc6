"""Says what is wrong with an object, in Kubernetes' words, before anything is stored.

Validation never raises and never changes anything: it returns causes, and an empty list means
valid. A kind is one small function in the file of its family; ``objects`` finds it.
"""

from kube_actors.api.validation.numbers import amount_of
from kube_actors.api.validation.objects import validate_create, validate_update

__all__ = ["amount_of", "validate_create", "validate_update"]
