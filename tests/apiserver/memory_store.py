"""A ``Store`` without a group: the real keyspace and transactions, in the test's own task."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import anyio.lowlevel

from kube_actors.store.messages import (
    Compacted,
    LeaseState,
    MemberStatus,
    NoQuorum,
    Range,
    Ranged,
    Txn,
    TxnDone,
    Watch,
    Watched,
)
from kube_actors.store.state import Keyspace, Leases, read_range
from kube_actors.store.state.txn import apply_txn


class MemoryStore:
    """``read_only`` refuses writes and linearizable reads, ``breaks`` ends every open watch."""

    def __init__(self) -> None:
        self.keyspace = Keyspace()
        self.leases = Leases()
        self.read_only = False
        self.watches_broken = 0
        self._changed = anyio.Event()

    def _quorum(self) -> None:
        if self.read_only:
            raise NoQuorum(1, 3)

    async def range(self, request: Range) -> Ranged:
        await anyio.lowlevel.checkpoint()
        if not request.serializable:
            self._quorum()
        return read_range(self.keyspace, request)

    async def txn(self, request: Txn) -> TxnDone:
        await anyio.lowlevel.checkpoint()
        self._quorum()
        done = apply_txn(self.keyspace, self.leases, request)
        self._wake()
        return done

    def _wake(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()

    def break_watches(self) -> None:
        self.watches_broken += 1
        self._wake()

    @asynccontextmanager
    async def watch(self, request: Watch) -> AsyncIterator[AsyncIterator[Watched]]:
        stream = self._follow(request.start_revision, self.watches_broken)
        try:
            yield stream
        finally:
            await stream.aclose()

    async def _follow(self, start: int, broken: int) -> Any:
        if start and start <= self.keyspace.compact_revision:
            raise Compacted(self.keyspace.compact_revision)
        at = start - 1 if start else self.keyspace.revision
        yield Watched(at)
        while self.watches_broken == broken:
            events: list[Any] = []
            while at < self.keyspace.revision:
                at += 1
                events.extend(self.keyspace.changes(at))
            if events:
                yield Watched(at, tuple(events))
            else:
                await self._changed.wait()

    async def current_revision(self) -> int:
        await anyio.lowlevel.checkpoint()
        self._quorum()
        return self.keyspace.revision

    async def compact(self, revision: int) -> int:
        self._quorum()
        self.keyspace.compact(revision)
        self.keyspace.trim()
        return revision

    async def lease(self, request: Any) -> LeaseState:
        raise NotImplementedError

    async def status(self) -> MemberStatus:
        revision = self.keyspace.revision
        compacted = self.keyspace.compact_revision
        answering = 1 if self.read_only else 3
        return MemberStatus(
            1, 3, 1, 1, revision, revision, revision, compacted, answering, self.read_only
        )
