"""The machinery of controllers: what one is, and the one loop that serves them all.

Events become keys, keys wait in a queue, a pure ``reconcile`` sees a ``Round`` and returns
effects, and these are carried out in order. A key rests until the view shows what its last
decision wrote.
"""

from kube_actors.controllers.loop.controller import (
    Controller,
    Failure,
    Key,
    Round,
    View,
    Watch,
    key_of,
    own_key,
    split_key,
)
from kube_actors.controllers.loop.effects import (
    Announce,
    Create,
    Delete,
    DeleteAll,
    Effect,
    Emit,
    Look,
    Patch,
    Reference,
    RequeueAfter,
    Survey,
    Together,
    Update,
    reference_to,
)
from kube_actors.controllers.loop.loop import run_controller
from kube_actors.controllers.loop.records import (
    OwnerReference,
    Record,
    Whole,
    attribute_index,
    controller_uid,
    identity,
    labels_of,
    owners_of,
    seconds,
    whole,
)

__all__ = [
    "Announce",
    "Controller",
    "Create",
    "Delete",
    "DeleteAll",
    "Effect",
    "Emit",
    "Failure",
    "Key",
    "Look",
    "OwnerReference",
    "Patch",
    "Record",
    "Reference",
    "RequeueAfter",
    "Round",
    "Survey",
    "Together",
    "Update",
    "View",
    "Watch",
    "Whole",
    "attribute_index",
    "controller_uid",
    "identity",
    "key_of",
    "labels_of",
    "own_key",
    "owners_of",
    "reference_to",
    "run_controller",
    "seconds",
    "split_key",
    "whole",
]
