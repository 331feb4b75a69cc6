"""Who answers: the header of every response."""

from typing import Any

from kube_actors.actor import Clock
from kube_actors.store import StoreClient
from kube_actors.store.messages import MemberStatus

CLUSTER_ID = 0x6B7562652D616374
"""The id of a group that nobody gave another: "kube-act" in ASCII."""
FRESH_S = 0.5
"""How old the known member and term may be."""


class Origin:
    """Fills headers; asks the member for its number and term now and then.

    A group that was restored from a snapshot is another than the one that was saved, and so is its
    id, though all else that tells clusters apart may be the same.
    """

    def __init__(self, store: StoreClient, clock: Clock, cluster_id: int = CLUSTER_ID) -> None:
        self._store = store
        self._clock = clock
        self._cluster_id = cluster_id
        self._status: MemberStatus | None = None
        self._asked_s = 0.0

    async def status(self) -> MemberStatus:
        """Ask the member how it is."""
        self._status = await self._store.status()
        self._asked_s = self._clock.monotonic()
        return self._status

    async def recent(self) -> MemberStatus:
        """Say how the member was within the last ``FRESH_S``."""
        if self._status is None or self._clock.monotonic() - self._asked_s > FRESH_S:
            return await self.status()
        return self._status

    async def fill(self, answer: Any, revision: int | None = None) -> Any:
        """Fill in the header; without ``revision`` the member's own. Returns the answer."""
        status = self._status
        late = self._clock.monotonic() - self._asked_s > FRESH_S
        if status is None or revision is None or late:
            status = await self.status()
        self.stamp(answer.header, status, status.revision if revision is None else revision)
        return answer

    def stamp(self, header: Any, status: MemberStatus, revision: int) -> None:
        """Fill a header: cluster and member ids, ``revision``, and the Raft term."""
        header.cluster_id = self._cluster_id ^ status.group
        header.member_id = status.member
        header.revision = revision
        header.raft_term = status.term

    @property
    def known(self) -> MemberStatus:
        """What was last heard; ``status`` must have been awaited before."""
        assert self._status is not None
        return self._status
