"""A disk that lives in memory: it survives its member's crash and misbehaves on demand.

What was saved and not yet synced can be lost as a power cut would lose it, and the sync can be
made to fail or to take time. It spawns no thread and copies nothing, so a run on virtual time is
the same every time; it holds no entry that its snapshot covers.
"""

from collections.abc import Sequence

import anyio

from kube_actors.raft import Entry, HardState
from kube_actors.store.disk.identity import Identity
from kube_actors.store.disk.protocol import (
    CorruptLog,
    DiskFailed,
    DiskInUse,
    Recovered,
    StateSnapshot,
)


class MemoryDisk:
    """Implements ``Disk``. ``sync_s`` is how long one sync takes on the loop's clock.

    ``snapshot`` and ``hard_state`` are what it holds to begin with.
    """

    def __init__(
        self,
        *,
        sync_s: float = 0.0,
        snapshot: StateSnapshot | None = None,
        hard_state: HardState | None = None,
    ) -> None:
        self.sync_s = sync_s
        self.syncs = 0
        self._boots = 0
        self._open = False
        self._failing = False
        self._failed = False
        self._hard_state = hard_state or HardState()
        self._snapshot = snapshot
        self._entries: list[Entry] = []
        self._bytes = 0
        self._unsynced: list[tuple[HardState | None, Sequence[Entry]]] = []
        self._identity = Identity()
        self._corrupt = False

    @property
    def identity(self) -> "MemoryDisk":
        """It keeps its identity itself."""
        return self

    def load(self) -> Identity:
        """Return what was kept last."""
        return self._identity

    def keep(self, identity: Identity) -> None:
        """Remember it; this needs no sync and survives ``wipe``."""
        self._identity = identity

    def set_aside(self) -> None:
        """Forget the log: nobody looks for it in memory."""
        self.wipe()

    def wipe(self) -> None:
        """Forget everything but the identity, as if the directory had been emptied."""
        self._boots = 0
        self._hard_state = HardState()
        self._snapshot = None
        self._entries = []
        self._bytes = 0
        self._unsynced.clear()
        self._corrupt = self._failing = self._failed = False

    def damage(self) -> None:
        """Let the next opening find a damaged record."""
        self._corrupt = True

    @property
    def size_bytes(self) -> int:
        """Bytes of the entries that the snapshot does not cover."""
        return self._bytes

    def fail_syncs(self) -> None:
        """Make the next sync fail, and with it everything after it until ``repair``."""
        self._failing = True

    def repair(self) -> None:
        """Let it work again, with what was durable before it failed."""
        self._failing = self._failed = False

    async def open(self) -> Recovered:
        """Return what was synced. Raises DiskInUse, DiskFailed (until repaired), CorruptLog."""
        if self._open:
            raise DiskInUse("this memory disk is open already")
        if self._failed:
            raise DiskFailed("this memory disk has failed")
        if self._corrupt:
            raise CorruptLog("memory", 0, "this memory disk was damaged on purpose")
        self._open = True
        self._unsynced.clear()
        self._boots += 1
        return Recovered(self._boots, self._hard_state, self._snapshot, tuple(self._entries))

    async def save(self, hard_state: HardState | None, entries: Sequence[Entry]) -> None:
        """Keep it once ``sync_s`` have passed; a crash before loses it. Raises DiskFailed."""
        self._check()
        self._unsynced.append((hard_state, entries))
        await self._sync()
        for durable_state, durable_entries in self._unsynced:
            if durable_state is not None:
                self._hard_state = durable_state
            self._append(durable_entries)
        self._unsynced.clear()

    async def save_snapshot(self, snapshot: StateSnapshot) -> None:
        """Keep a snapshot after a sync, unless there is a newer one. Raises DiskFailed."""
        self._check()
        await self._sync()
        metadata = snapshot.metadata
        if self._snapshot is not None and metadata.index < self._snapshot.metadata.index:
            return
        self._snapshot = snapshot
        kept = [entry for entry in self._entries if entry.index > metadata.index]
        at = next((entry for entry in self._entries if entry.index == metadata.index), None)
        if at is None or at.term != metadata.term:
            kept = []
        self._entries = kept
        self._bytes = sum(len(entry.data) for entry in kept)

    async def close(self) -> None:
        """Allow another opening; what was not synced is lost."""
        self._open = False
        self._unsynced.clear()

    def _check(self) -> None:
        if self._failed or not self._open:
            raise DiskFailed("this memory disk has failed" if self._failed else "it is not open")

    async def _sync(self) -> None:
        if self.sync_s:
            await anyio.sleep(self.sync_s)
        else:
            await anyio.lowlevel.checkpoint()
        self.syncs += 1
        if self._failing:
            self._failing = False
            self._failed = True
            raise DiskFailed("the sync was made to fail")

    def _append(self, entries: Sequence[Entry]) -> None:
        if not entries:
            return
        stored = self._entries
        if stored and entries[0].index <= stored[-1].index:
            keep = max(0, entries[0].index - stored[0].index)
            self._bytes -= sum(len(entry.data) for entry in stored[keep:])
            del stored[keep:]
        stored.extend(entries)
        self._bytes += sum(len(entry.data) for entry in entries)
