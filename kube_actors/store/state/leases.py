"""Leases and the keys attached to them: the replicated half, without any clock.

Every member knows which leases exist, what they grant and which keys they hold. When one is over
is decided by the leader alone (``member/lease_keeper.py``), which proposes a revoke like any other
request, so that all members delete the keys in the same revision.
"""

from collections.abc import Iterable

from kube_actors.store.messages import (
    InvalidRequest,
    KeyValue,
    LeaseCheckpoint,
    LeaseNotFound,
    LeaseState,
)
from kube_actors.store.state.frozen import FrozenLease

TTL_S_MAX = 9_000_000_000


class Lease:
    """A mutable record; ``keys`` keeps the order in which they were attached.

    ``remaining_s`` is what was left of it at the last checkpoint since it was renewed, else 0.
    """

    __slots__ = ("id", "keys", "remaining_s", "ttl_s")

    def __init__(self, lease: int, ttl_s: int) -> None:
        self.id = lease
        self.ttl_s = ttl_s
        self.remaining_s = 0
        self.keys: dict[bytes, None] = {}


class Leases:
    """All leases by id."""

    def __init__(self) -> None:
        self._leases: dict[int, Lease] = {}

    def __contains__(self, lease: int) -> bool:
        return lease in self._leases

    def get(self, lease: int) -> Lease:
        """Raises LeaseNotFound."""
        try:
            return self._leases[lease]
        except KeyError:
            raise LeaseNotFound(lease) from None

    def all(self) -> Iterable[Lease]:
        """Return the leases in the order in which they were granted."""
        return self._leases.values()

    def grant(self, lease: int, ttl_s: int) -> Lease:
        """Raises InvalidRequest if the id is taken."""
        if lease in self._leases:
            raise InvalidRequest("lease already exists")
        granted = self._leases[lease] = Lease(lease, ttl_s)
        return granted

    def remove(self, lease: int) -> Lease:
        """Forget a lease; the caller deletes its keys. Raises LeaseNotFound."""
        found = self.get(lease)
        del self._leases[lease]
        return found

    def checkpoint(self, request: LeaseCheckpoint) -> LeaseState:
        """Note what is left of leases; those that are gone are passed over.

        Raises InvalidRequest.
        """
        if not request.leases or len(request.leases) != len(request.remaining_s):
            raise InvalidRequest("a lease checkpoint whose parts do not match")
        for lease, remaining_s in zip(request.leases, request.remaining_s, strict=True):
            if lease in self._leases:
                self._leases[lease].remaining_s = remaining_s
        first = self._leases.get(request.leases[0])
        if first is None:
            return LeaseState(request.leases[0], -1)
        return LeaseState(first.id, first.remaining_s or first.ttl_s, first.ttl_s)

    def attach(self, lease: int, key: bytes) -> None:
        """Let a key end with a lease, which must exist; 0 is none."""
        if lease:
            self._leases[lease].keys[key] = None

    def detach(self, previous: KeyValue) -> None:
        """Let go of a key that is replaced or deleted."""
        if previous.lease:
            found = self._leases.get(previous.lease)
            if found is not None:
                found.keys.pop(previous.key, None)

    def freeze(self) -> tuple[FrozenLease, ...]:
        """Return the leases in the order of their granting, without their keys."""
        return tuple(
            FrozenLease(lease.id, lease.ttl_s, lease.remaining_s) for lease in self._leases.values()
        )

    @classmethod
    def restore(cls, frozen: Iterable[FrozenLease], attached: Iterable[KeyValue]) -> "Leases":
        """Rebuild from a snapshot; ``attached`` are the newest versions of keys with a lease."""
        self = cls()
        for lease in frozen:
            self.grant(lease.id, lease.ttl_s).remaining_s = lease.remaining_s
        for kv in attached:
            self.attach(kv.lease, kv.key)
        return self
