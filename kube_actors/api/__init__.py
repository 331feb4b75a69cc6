"""What may be said: kinds, schemas, defaults, validation, selectors, quantities, patches, errors.

Everything here is pure: data in, data out, no waiting, no clock, no randomness, no disk (the
schema data, read once when first needed, is the one exception). Objects are plain JSON
dictionaries and are never changed in place: what comes out shares what did not change.
"""

from kube_actors.api import discovery, errors
from kube_actors.api.causes import Cause, quote
from kube_actors.api.discovery import paths
from kube_actors.api.errors import StatusError, forbidden, from_status, service_unavailable
from kube_actors.api.kinds import BUILTIN, Group, Kind, Kinds, Object, Subresource, UnknownKind
from kube_actors.api.quantities import MalformedQuantity, parse_quantity
from kube_actors.api.shared_labels import shared_condition, shared_labels
from kube_actors.api.taints import (
    NOT_READY,
    UNREACHABLE,
    UNSCHEDULABLE,
    Taint,
    Toleration,
    repelled,
    taints_of,
    tolerations_of,
)

__all__ = [
    "BUILTIN",
    "Cause",
    "Group",
    "Kind",
    "Kinds",
    "MalformedQuantity",
    "NOT_READY",
    "Object",
    "StatusError",
    "Subresource",
    "Taint",
    "Toleration",
    "UNREACHABLE",
    "UNSCHEDULABLE",
    "UnknownKind",
    "discovery",
    "errors",
    "forbidden",
    "from_status",
    "parse_quantity",
    "paths",
    "quote",
    "repelled",
    "service_unavailable",
    "shared_condition",
    "shared_labels",
    "taints_of",
    "tolerations_of",
]
