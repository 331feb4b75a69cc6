"""The verbs of the API, one file each: from an admitted call to an answer."""

from kube_actors.apiserver.verbs.changing import (
    APPLY,
    PATCH_TYPES,
    decode_patch,
    patch,
    plan_update,
    update,
)
from kube_actors.apiserver.verbs.components import get_component, list_components
from kube_actors.apiserver.verbs.creation import create
from kube_actors.apiserver.verbs.deletion import delete, delete_collection, delete_object
from kube_actors.apiserver.verbs.options import options_from
from kube_actors.apiserver.verbs.reading import get, list_objects
from kube_actors.apiserver.verbs.watching import watch

__all__ = [
    "APPLY",
    "PATCH_TYPES",
    "create",
    "decode_patch",
    "delete",
    "delete_collection",
    "delete_object",
    "get",
    "get_component",
    "list_components",
    "list_objects",
    "options_from",
    "patch",
    "plan_update",
    "update",
    "watch",
]
