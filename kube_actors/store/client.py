"""How an actor uses the store: the ``Store`` protocol spoken to the members of a Raft group.

The first member is the home: it is asked whenever it answers, and one that failed is left alone
for a while before it is tried again. A read or the opening of a watch that meets a dead member goes
on to the next one. A write goes on only when it surely was not received; when its fate is unknown
the caller is told so (``OutcomeUnknown``) and decides. ``NoQuorum`` is an answer, not a failure of
the member: it is passed on at once.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from math import inf
from typing import Any, TypeVar

from kube_actors.actor import (
    Actor,
    ActorCrashed,
    ActorError,
    Address,
    DeadlineExceeded,
    Overloaded,
    Unreachable,
)
from kube_actors.store.administration import Administration
from kube_actors.store.config import member_address
from kube_actors.store.messages import (
    AtRevision,
    Compact,
    CurrentRevision,
    GetHash,
    GetSnapshot,
    GetStatus,
    Hashed,
    LeaseGrant,
    LeaseKeepAlive,
    LeaseRevoke,
    LeaseState,
    LeaseTimeToLive,
    ListMembers,
    Members,
    MemberStatus,
    OutcomeUnknown,
    Range,
    Ranged,
    Txn,
    TxnDone,
    Watch,
    Watched,
)
from kube_actors.store.watch_client import WatchSessionClient, open_session

T = TypeVar("T")

AVOID_S = 1.0
"""How long a member that failed is not asked first."""

LEARN_S = 10.0
"""How often a client that learns asks who belongs."""

_UNKNOWN = (ActorCrashed, DeadlineExceeded)
_NOT_RECEIVED = (Unreachable, Overloaded)


class StoreClient(Administration):
    """Implements ``Store``. ``timeout_s`` bounds one attempt at one member.

    One that is told to ``learn`` asks now and then who belongs to the group, and goes on when the
    members that it was given are all gone but its home; the others ask those ``members`` only.
    """

    def __init__(
        self,
        actor: Actor,
        members: Sequence[Address],
        *,
        timeout_s: float = 10.0,
        learn: bool = False,
    ) -> None:
        if not members:
            raise ValueError("a store client needs at least one member")
        self._actor = actor
        self._members = tuple(members)
        self._timeout_s = timeout_s
        self._avoided_until_s: dict[Address, float] = {}
        self._learn_at_s = actor.clock.monotonic() + LEARN_S if learn else inf

    @property
    def known(self) -> tuple[Address, ...]:
        """The members as far as this client knows them, its home first."""
        return self._members

    async def range(self, request: Range) -> Ranged:
        """Read at the first member that answers. Raises what ``Store.range`` does."""
        answer = await self._read(request)
        assert isinstance(answer, Ranged)
        return answer

    async def txn(self, request: Txn) -> TxnDone:
        """Write; a member that surely did not receive it is passed over. Raises OutcomeUnknown."""
        answer = await self._write(request)
        assert isinstance(answer, TxnDone)
        return answer

    async def current_revision(self) -> int:
        """Ask the first member that answers; it asks the leader (ReadIndex)."""
        answer = await self._read(CurrentRevision())
        assert isinstance(answer, AtRevision)
        return answer.revision

    async def compact(self, revision: int) -> int:
        """Forget older revisions. Raises Compacted, FutureRevision, OutcomeUnknown."""
        answer = await self._write(Compact(revision))
        assert isinstance(answer, AtRevision)
        return answer.revision

    async def lease(
        self, request: LeaseGrant | LeaseRevoke | LeaseKeepAlive | LeaseTimeToLive
    ) -> LeaseState:
        """Ask about a lease; to keep one alive and to inspect it is repeated at other members."""
        repeatable = isinstance(request, LeaseKeepAlive | LeaseTimeToLive)
        answer = await (self._read(request) if repeatable else self._write(request))
        assert isinstance(answer, LeaseState)
        return answer

    async def status(self) -> MemberStatus:
        """Return how the first member that answers sees the group."""
        answer = await self._read(GetStatus())
        assert isinstance(answer, MemberStatus)
        return answer

    async def hash(self, revision: int = 0) -> Hashed:
        """Return the preferred member's hash of everything up to a revision."""
        answer = await self._read(GetHash(revision))
        assert isinstance(answer, Hashed)
        return answer

    def watch(self, request: Watch) -> AbstractAsyncContextManager[AsyncIterator[Watched]]:
        """Open a watch at the first member that answers; what breaks later ends it."""
        return self._anywhere(lambda member: self._watching(member, request))

    def watch_session(self) -> AbstractAsyncContextManager[WatchSessionClient]:
        """Open many watches on one stream, at the first member that answers.

        Raises what ``watch`` does when no member answers; when that member goes away the
        iteration does, and a new session is needed.
        """

        def session(member: Address) -> AbstractAsyncContextManager[WatchSessionClient]:
            number = self._actor.random.getrandbits(62)
            return open_session(self._actor, member, number, timeout_s=self._timeout_s)

        return self._anywhere(session)

    def snapshot(self) -> AbstractAsyncContextManager[AsyncIterator[Any]]:
        """Open one member's state, the first one's that answers, as ``SnapshotPart``s."""
        return self._anywhere(lambda member: self._actor.stream(member, GetSnapshot(), credit=8))

    @asynccontextmanager
    async def _watching(
        self, member: Address, request: Watch
    ) -> AsyncGenerator[AsyncIterator[Watched], None]:
        async with self._actor.stream(member, request) as items:
            first = await anext(items)
            yield _Watching(first, items)

    @asynccontextmanager
    async def _anywhere(
        self, opening: Callable[[Address], AbstractAsyncContextManager[T]]
    ) -> AsyncGenerator[T, None]:
        """Open something at the first member that answers; what breaks later is not mended."""
        order = self._order()
        for member in order:
            opened = False
            try:
                async with opening(member) as found:
                    opened = True
                    yield found
                    return
            except (*_NOT_RECEIVED, *_UNKNOWN) as error:
                self._avoid(member, error)
                if opened or member == order[-1]:
                    raise

    async def _read(self, request: Any) -> Any:
        failure: ActorError | None = None
        for member in self._order():
            try:
                return await self._call(member, request)
            except (*_NOT_RECEIVED, *_UNKNOWN) as error:
                self._avoid(member, error)
                failure = error
        assert failure is not None
        raise failure

    async def _write(self, request: Any) -> Any:
        failure: ActorError | None = None
        for member in self._order():
            try:
                return await self._call(member, request)
            except _NOT_RECEIVED as error:
                self._avoid(member, error)
                failure = error
            except _UNKNOWN as error:
                self._avoid(member, error)
                raise OutcomeUnknown(f"{member}: {error}") from error
        assert failure is not None
        raise failure

    def _order(self) -> Sequence[Address]:
        """Return all members, those that failed lately last."""
        if not self._avoided_until_s:
            return self._members
        now_s = self._actor.clock.monotonic()
        self._avoided_until_s = {
            one: until_s for one, until_s in self._avoided_until_s.items() if until_s > now_s
        }
        return sorted(self._members, key=self._avoided_until_s.__contains__)

    def _avoid(self, member: Address, error: ActorError) -> None:
        if member == self._members[0] and isinstance(error, Unreachable | ActorCrashed):
            # That nobody is at home is known at once, so asking there first costs nothing. Cut off
            # from the others together with its home, this client would wait for them in vain.
            return
        self._avoided_until_s[member] = self._actor.clock.monotonic() + AVOID_S

    async def _call(self, member: Address, request: Any) -> Any:
        answer = await self._actor.call(member, request, timeout_s=self._timeout_s)
        if self._learn_at_s < inf and self._actor.clock.monotonic() >= self._learn_at_s:
            await self._learn(member)
        return answer

    async def _learn(self, member: Address) -> None:
        """Ask a member that has just answered who belongs; the home stays the home."""
        self._learn_at_s = self._actor.clock.monotonic() + LEARN_S
        try:
            found = await self._actor.call(
                member, ListMembers(serializable=True), timeout_s=AVOID_S
            )
        except ActorError:
            return
        assert isinstance(found, Members)
        if found.members:
            belong = [Address(one.address) or member_address(one.id) for one in found.members]
            home = self._members[0]
            self._members = (home, *(one for one in belong if one != home))
            self._avoided_until_s = {
                one: until_s for one, until_s in self._avoided_until_s.items() if one in belong
            }


class _Watching:
    """The stream with its first item put back in front."""

    def __init__(self, first: Watched, items: AsyncIterator[Watched]) -> None:
        self._first: Watched | None = first
        self._items = items

    def __aiter__(self) -> "_Watching":
        return self

    async def __anext__(self) -> Watched:
        if self._first is not None:
            first, self._first = self._first, None
            return first
        return await anext(self._items)
