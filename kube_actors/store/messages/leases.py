"""Leases: what clients ask about them, and what a leader writes into the log for its successor.

Names and meanings are those of etcd's Lease API (https://etcd.io/docs/v3.5/learning/api/). Times
are whole seconds; a lease that is gone is an answer, not an error, to whoever keeps it alive.
"""

from typing import NewType

from kube_actors.actor import ActorError, message

LeaseId = NewType("LeaseId", int)


@message("store.lease_grant")
class LeaseGrant:
    """``id`` 0 lets the store choose. ``ttl_s`` is in seconds, at least 1."""

    ttl_s: int
    id: int = 0


@message("store.lease_revoke")
class LeaseRevoke:
    """End a lease and delete its keys in one revision. Raises LeaseNotFound."""

    id: int


@message("store.lease_keep_alive")
class LeaseKeepAlive:
    """Give a lease its whole time again; one that is gone is answered with ttl_s -1."""

    id: int


@message("store.lease_time_to_live")
class LeaseTimeToLive:
    """Ask what remains of a lease, with its ``keys`` in order if wanted; linearizable."""

    id: int
    keys: bool = False


@message("store.lease_state")
class LeaseState:
    """The answer to every lease request; ``ttl_s`` is what remains, -1 when it is gone."""

    id: int
    ttl_s: int
    granted_ttl_s: int = 0
    keys: tuple[bytes, ...] = ()


@message("store.list_leases")
class ListLeases:
    """Ask for all leases; linearizable. Answered by ``Leases``."""


@message("store.leases")
class Leases:
    """The ids of all leases, in the order of their granting."""

    ids: tuple[int, ...]


@message("store.lease_checkpoint")
class LeaseCheckpoint:
    """What was left of some leases, in whole seconds rounded up; 0: renewed, all of it again.

    Proposed by members only (etcd's LeaseCheckpoint). Answered by the ``LeaseState`` of the first.
    """

    leases: tuple[int, ...]
    remaining_s: tuple[int, ...]


@message("store.lease_not_found")
class LeaseNotFound(ActorError):
    """There is no lease ``id``, or none any more. Nothing was written."""

    id: int
