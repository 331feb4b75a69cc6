"""Leases and the keys attached to them: the replicated half, without any clock.

Every member knows which leases exist, what they grant and which keys they hold. When one is over
is decided by the leader alone (``expiry.py``), which proposes a revoke like any other request, so
that all members delete the keys in the same revision.
"""

from collections.abc import Iterable

from kube_actors.store.frozen import FrozenLease
from kube_actors.store.messages import InvalidRequest, KeyValue, LeaseNotFound

TTL_S_MAX = 9_000_000_000


class Lease:
    """A mutable record; ``keys`` keeps the order in which they were attached."""

    __slots__ = ("id", "keys", "ttl_s")

    def __init__(self, lease: int, ttl_s: int) -> None:
        self.id = lease
        self.ttl_s = ttl_s
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

    def attach(self, lease: int, key: bytes) -> None:
        if lease:
            self._leases[lease].keys[key] = None

    def detach(self, previous: KeyValue) -> None:
        """Let go of a key that is replaced or deleted."""
        if previous.lease:
            found = self._leases.get(previous.lease)
            if found is not None:
                found.keys.pop(previous.key, None)

    def freeze(self) -> tuple[FrozenLease, ...]:
        return tuple(FrozenLease(lease.id, lease.ttl_s) for lease in self._leases.values())

    @classmethod
    def restore(cls, frozen: Iterable[FrozenLease], attached: Iterable[KeyValue]) -> "Leases":
        """Rebuild from a snapshot; ``attached`` are the newest versions of keys with a lease."""
        self = cls()
        for lease in frozen:
            self.grant(lease.id, lease.ttl_s)
        for kv in attached:
            self.attach(kv.lease, kv.key)
        return self
