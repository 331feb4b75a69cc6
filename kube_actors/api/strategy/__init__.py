"""What the server itself decides about an object before it is validated and stored.

Generation, status, and the fields that an update may not touch are settled here, kind by kind,
as upstream's registry strategies do. Pure: time and identity are arguments.
"""

from kube_actors.api.strategy.preparation import (
    counts_generation,
    graceful_deletion_s,
    prepare_for_create,
    prepare_for_update,
)

__all__ = ["counts_generation", "graceful_deletion_s", "prepare_for_create", "prepare_for_update"]
