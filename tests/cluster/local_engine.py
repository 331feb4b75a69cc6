"""A store engine without a group: the store's own state machine in one place, for one process.

It shows that apiservers ask nothing of the Raft group that the ``Store`` protocol does not say.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import anyio

from kube_actors.actor import Actor, ActorError
from kube_actors.store import (
    AtRevision,
    Compact,
    LeaseGrant,
    LeaseRevoke,
    LeaseState,
    MemberStatus,
    Range,
    Ranged,
    Txn,
    TxnDone,
    Watch,
    Watched,
)
from kube_actors.store.messages import Command
from kube_actors.store.state import State, read_range
from kube_actors.store.watch.watches import Interest


class LocalEngine:
    """Give it to ``Cluster(engine=…)``: every actor gets the same store."""

    def __init__(self) -> None:
        self._state = State()
        self._numbers = count(1)
        self._changed = anyio.Event()
        self.writes = 0

    def __call__(self, actor: Actor) -> "LocalEngine":
        return self

    def _apply(self, request: Txn | LeaseGrant | LeaseRevoke | Compact) -> Any:
        number = next(self._numbers)
        answer = self._state.apply(Command(1, 1, number, number, request))
        if isinstance(answer, ActorError):
            raise answer
        self.writes += 1
        self._changed.set()
        self._changed = anyio.Event()
        return answer

    async def range(self, request: Range) -> Ranged:
        return read_range(self._state.keyspace, request)

    async def txn(self, request: Txn) -> TxnDone:
        done = self._apply(request)
        assert isinstance(done, TxnDone)
        return done

    async def current_revision(self) -> int:
        return self._state.keyspace.revision

    async def compact(self, revision: int) -> int:
        done = self._apply(Compact(revision))
        assert isinstance(done, AtRevision)
        return done.revision

    async def lease(self, request: Any) -> LeaseState:
        done = self._apply(request)
        assert isinstance(done, LeaseState)
        return done

    async def status(self) -> MemberStatus:
        revision = self._state.keyspace.revision
        return MemberStatus(
            member=1,
            members=1,
            leader=1,
            term=1,
            commit_index=revision,
            applied_index=revision,
            revision=revision,
            compact_revision=self._state.keyspace.compact_revision,
            answering=1,
            read_only=False,
        )

    @asynccontextmanager
    async def watch(self, request: Watch) -> AsyncGenerator[AsyncIterator[Watched], None]:
        events = self._events(request)
        try:
            yield events
        finally:
            await events.aclose()

    async def _events(self, request: Watch) -> AsyncGenerator[Watched, None]:
        keyspace, interest = self._state.keyspace, Interest.of(request)
        seen = request.start_revision - 1 if request.start_revision else keyspace.revision
        yield Watched(seen)
        while True:
            changed = self._changed
            while seen < keyspace.revision:
                seen += 1
                yield Watched(seen, tuple(interest.choose(keyspace.changes(seen))))
            await changed.wait()
