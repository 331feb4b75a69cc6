"""What an engine of the store offers, whether it is our Raft group or a real etcd.

Requests and answers are those of ``messages``. Every method raises only ``ActorError``s:
Compacted, FutureRevision, NoQuorum, OutcomeUnknown, InvalidRequest and LeaseNotFound, or, when no
member answers at all, what the channel says (Unreachable, DeadlineExceeded).
"""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from kube_actors.store.messages import (
    LeaseGrant,
    LeaseKeepAlive,
    LeaseRevoke,
    LeaseState,
    LeaseTimeToLive,
    MemberStatus,
    Range,
    Ranged,
    Txn,
    TxnDone,
    Watch,
    Watched,
)


class Store(Protocol):
    """One linearizable key-value store with revisions, watches and leases."""

    async def range(self, request: Range) -> Ranged:
        """Read keys; linearizable unless ``request.serializable``."""

    async def txn(self, request: Txn) -> TxnDone:
        """Apply one transaction, at most once. OutcomeUnknown if its fate was not learned."""

    def watch(self, request: Watch) -> AbstractAsyncContextManager[AsyncIterator[Watched]]:
        """Open a stream of whole revisions; its first item is empty: the watch is established.

        It ends with an error when the server goes away or the reader is too slow: open another
        one from the last ``Watched.revision`` + 1. Compacted means: list again.
        """

    async def current_revision(self) -> int:
        """Return a revision at least as new as any acknowledged before this call."""

    async def compact(self, revision: int) -> int:
        """Forget what is older than ``revision``; return it."""

    async def lease(
        self, request: LeaseGrant | LeaseRevoke | LeaseKeepAlive | LeaseTimeToLive
    ) -> LeaseState:
        """Grant, end, prolong or inspect a lease."""

    async def status(self) -> MemberStatus:
        """Say how the member that is asked sees the group; answered even without a quorum."""
