"""Whether the leader's process still lives, known at once and not an election timeout later.

A follower keeps a call open at its leader, which never answers it. The network ends such a call
when the other end goes away: a process that was killed, an actor that ended. Then the follower
takes its leader for gone and soon stands for election. Silence says nothing here: who is cut off
hears of it, as ever, from Raft's clock. If only this member lost its connection the others still
hear the leader and refuse it their votes beforehand, so nothing happens; and where leases are
trusted (``ReadOnly.LEASE``) Raft forgets nobody.
"""

from typing import TYPE_CHECKING

import anyio

from kube_actors.actor import ActorCrashed, ActorError, DeadlineExceeded, message

if TYPE_CHECKING:
    from kube_actors.store.member import Member

VIGIL_S = 3600.0
"""How long one call is kept open; then comes the next."""

HASTE = 0.25
"""The longest wait before standing for election, in election timeouts: drawn by each, lest two
followers who learn of it in the same moment divide the votes."""


@message("store.vigil")
class Vigil:
    """``member`` wants to know when its leader ends. Called, and never answered."""

    member: int


class LeaderVigil:
    """The call that one member keeps open at its leader."""

    def __init__(self, member: "Member") -> None:
        self._member = member
        self._scope: anyio.CancelScope | None = None

    def follow(self) -> None:
        """Watch over the leader of the day, and no longer over the one before."""
        scope, self._scope = self._scope, None
        if scope is not None:
            scope.cancel()
        member = self._member
        leader = member.raft.leader
        if leader not in (0, member.config.member):
            self._scope = anyio.CancelScope()
            member.tasks.start_soon(self._hold, leader, self._scope)

    async def _hold(self, leader: int, scope: anyio.CancelScope) -> None:
        member = self._member
        vigil = Vigil(member.config.member)
        with scope:
            while True:
                try:
                    await member.actor.call(member.address(leader), vigil, timeout_s=VIGIL_S)
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
        member = self._member
        machine, config = member.raft, member.config
        if machine.leader != leader or not machine.forget_leader():
            return
        term = machine.term
        member.pump()
        await anyio.sleep(
            member.actor.random.random() * HASTE * config.election_ticks * config.tick_s
        )
        if (machine.leader, machine.term) == (0, term):
            machine.campaign()
            member.pump()
