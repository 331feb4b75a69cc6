"""How objects lie in the store and what is done to them on the way there. Pure.

Keys and values, the versions of a kind, generated names, defaults and validation as one step
each, and whether an update was made from the stored state.
"""

from kube_actors.apiserver.objects import rules
from kube_actors.apiserver.objects.conversion import to_served, to_stored
from kube_actors.apiserver.objects.names import generate_name
from kube_actors.apiserver.objects.preparation import check_versions, may_create_on_update
from kube_actors.apiserver.objects.rules import created
from kube_actors.apiserver.objects.storage import (
    PREFIX,
    decode_value,
    encode_value,
    namespace_prefix,
    object_key,
    prefix_end,
    resource_prefix,
    splice,
    split_key,
)

__all__ = [
    "PREFIX",
    "check_versions",
    "created",
    "decode_value",
    "encode_value",
    "generate_name",
    "may_create_on_update",
    "namespace_prefix",
    "object_key",
    "prefix_end",
    "resource_prefix",
    "rules",
    "splice",
    "split_key",
    "to_served",
    "to_stored",
]
