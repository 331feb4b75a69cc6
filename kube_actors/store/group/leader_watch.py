"""Whether the leader's process still lives, known at once and not an election timeout later.

A follower keeps a call open at its leader, which never answers it. The network ends such a call
when the other end goes away: a process that was killed, an actor that ended. Then the follower
takes its leader for gone and soon stands for election. Silence says nothing here: who is cut off
hears of it, as ever, from Raft's clock. If only this member lost its connection the others still
hear the leader and refuse it their votes beforehand, so nothing happens; and where leases are
trusted (``ReadOnly.LEASE``) Raft forgets nobody.
"""

from collections.abc import Callable

import anyio

from kube_actors.actor import ActorCrashed, ActorError, DeadlineExceeded, message
from kube_actors.store.group.address_book import AddressBook
from kube_actors.store.group.replica import Replica

CALL_S = 3600.0
"""How long one call is kept open; then comes the next."""

HASTE = 0.25
"""The longest wait before standing for election, in election timeouts: drawn by each, lest two
followers who learn of it in the same moment divide the votes."""


@message("store.vigil")
class WatchLeader:
    """``member`` wants to know when its leader ends. Called, and never answered."""

    member: int


class LeaderWatch:
    """The call that one member keeps open at its leader; ``pump`` carries out what follows."""

    def __init__(self, replica: Replica, addresses: AddressBook, pump: Callable[[], None]) -> None:
        self._replica = replica
        self._addresses = addresses
        self._pump = pump
        self._scope: anyio.CancelScope | None = None

    def follow(self) -> None:
        """Watch over the leader of the day, and no longer over the one before."""
        scope, self._scope = self._scope, None
        if scope is not None:
            scope.cancel()
        leader = self._replica.raft.leader
        if leader not in (0, self._replica.number):
            self._scope = anyio.CancelScope()
            self._replica.spawn(self._hold, leader, self._scope)

    async def _hold(self, leader: int, scope: anyio.CancelScope) -> None:
        actor, request = self._replica.actor, WatchLeader(self._replica.number)
        with scope:
            while True:
                try:
                    address = self._addresses.address(leader)
                    await actor.call(address, request, timeout_s=CALL_S)
                except DeadlineExceeded:
                    continue
                except ActorCrashed:
                    break
                except ActorError:
                    return
        if self._scope is scope:
            self._scope = None
            await self._succeed(leader)

    async def _succeed(self, leader: int) -> None:
        """Forget a leader that is gone, and after a moment try to take its place."""
        raft, config = self._replica.raft, self._replica.config
        if raft.leader != leader or not raft.forget_leader():
            return
        term = raft.term
        self._pump()
        part = self._replica.actor.random.random() * HASTE
        await anyio.sleep(part * config.election_ticks * config.tick_s)
        if (raft.leader, raft.term) == (0, term):
            raft.campaign()
            self._pump()
