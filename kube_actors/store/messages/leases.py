"""What a leader writes into the log about leases, so that its successor knows it."""

from kube_actors.actor import message


@message("store.lease_checkpoint")
class LeaseCheckpoint:
    """What was left of some leases, in whole seconds rounded up; 0: renewed, all of it again.

    Proposed by members only (etcd's LeaseCheckpoint). Answered by the ``LeaseState`` of the first.
    """

    leases: tuple[int, ...]
    remaining_s: tuple[int, ...]
