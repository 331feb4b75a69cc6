"""The one task that waits for the disk: it turns Raft's Readys into durable facts, in order.

Here is the sync before a vote, and before every other promise. Whatever promises something (a vote,
the acknowledgement of an append) is among a Ready's ``messages_after_persist``; it is sent only
after ``Disk.save`` of that Ready and of every one before it has returned, which means after the
``fdatasync`` in ``disk/log_files.py``. A save that fails sends nothing and ends the member.

While one save is under way the next Readys gather and are saved together. Their committed entries
are durable already and are applied at once, so that a busy disk delays nobody's answer; only
after an installed snapshot must they wait for it.
"""

from collections.abc import Sequence
from typing import Protocol

import anyio

from kube_actors import raft
from kube_actors.raft import Entry, HardState, Message, Ready
from kube_actors.store.disk import Disk, DiskError, Recovered, SavesAtOnce, StateSnapshot
from kube_actors.store.group import Peers, Replica
from kube_actors.store.member.applying import Applier
from kube_actors.store.member.raft_wire import SnapshotData


class Outlet(Protocol):
    """What follows once something is durable: the member's verbs that the writer calls."""

    def send(self, messages: Sequence[Message]) -> None:
        """Send Raft's messages, whose promises are kept by now."""

    def restored(self) -> None:
        """Follow the state of a snapshot that was just installed."""

    def pump(self) -> None:
        """Carry out what Raft wants after its Readys were acknowledged."""

    def fail(self, error: DiskError) -> None:
        """End the member: its disk cannot be trusted."""


class Writer:
    """Holds the Readys that are not durable yet."""

    def __init__(
        self,
        replica: Replica,
        peers: Peers,
        applier: Applier,
        disk: Disk,
        recovered: Recovered,
        outlet: Outlet,
    ) -> None:
        self._replica = replica
        self._peers = peers
        self._applier = applier
        self._disk = disk
        self._outlet = outlet
        self._at_once = disk if isinstance(disk, SavesAtOnce) else None
        self._flush = replica.actor.flush
        self._waiting: list[tuple[Ready, bool]] = []
        self._writing = False
        self._began_tick = 0
        self._wake = anyio.Event()
        self._hard_state: HardState | None = None
        self._installing = False
        self._saving_snapshot = False
        self._snapshots = anyio.Lock()
        """One snapshot at a time: an older one of this member must not come after the leader's."""
        snapshot = recovered.snapshot
        self._snapshot_index = snapshot.metadata.index if snapshot else 0

    @property
    def busy(self) -> bool:
        """Say whether anything is not durable yet."""
        return self._writing or bool(self._waiting)

    def held_up(self, ticks: int) -> bool:
        """Say whether the disk has been at one write for so long."""
        return self._writing and self._peers.ticks - self._began_tick >= ticks

    def accept(self, ready: Ready) -> None:
        """Apply what may be applied, and see to it that the rest becomes durable.

        What the Ready promises is sent after that; at once if it and all before it need no sync.
        """
        replica, outlet = self._replica, self._outlet
        if ready.snapshot is not None:
            self._installing = True
        apply_later = self._installing
        if ready.committed_entries and not apply_later:
            self._applier.apply(ready.committed_entries)
        if ready.hard_state is not None:
            self._hard_state = ready.hard_state
        if ready.must_sync or self.busy or apply_later:
            if not (self.busy or apply_later) and self._saved_at_once(ready):
                return
            if not self.busy:
                self._wake.set()
            self._waiting.append((ready, apply_later))
        else:
            if ready.messages_after_persist:
                outlet.send(ready.messages_after_persist)
            replica.raft.advance(ready)

    def _saved_at_once(self, ready: Ready) -> bool:
        """Save without waiting for it, where the disk is quick: two changes of task cost more."""
        disk, outlet = self._at_once, self._outlet
        if disk is None:
            return False
        # The others can begin with it while this disk is at it.
        self._flush()
        try:
            saved = disk.save_at_once(self._hard_state, ready.entries)
        except DiskError as error:
            outlet.fail(error)
            return False
        if saved:
            self._hard_state = None
            if ready.messages_after_persist:
                outlet.send(ready.messages_after_persist)
                self._flush()
            self._replica.raft.advance(ready)
        return saved

    async def run(self) -> None:
        """Save what waits, for as long as the member lives."""
        while True:
            if not self._waiting:
                self._wake = anyio.Event()
                await self._wake.wait()
            batch, self._waiting = self._waiting, []
            self._writing = True
            self._began_tick = self._peers.ticks
            hard_state, self._hard_state = self._hard_state, None
            await self._save([ready for ready, _ in batch], hard_state)
            self._writing = False
            for ready, apply_later in batch:
                if apply_later:
                    if ready.snapshot is not None:
                        data = received_data(ready.snapshot)
                        self._applier.restore(received_state(ready.snapshot), data.ready)
                        self._outlet.restored()
                    self._applier.apply(ready.committed_entries)
                if ready.messages_after_persist:
                    self._outlet.send(ready.messages_after_persist)
            self._installing = any(later for _, later in self._waiting)
            self._replica.raft.advance(batch[-1][0])
            self._outlet.pump()

    async def _save(self, readies: list[Ready], hard_state: HardState | None) -> None:
        """Make Readys durable together, in their order; return when they are. Raises DiskError."""
        entries: list[Entry] = []
        must_sync = False
        for ready in readies:
            must_sync = must_sync or ready.must_sync
            if ready.snapshot is not None:
                entries.clear()
                await self._keep_snapshot(received_state(ready.snapshot))
            if ready.entries:
                if entries and ready.entries[0].index <= entries[-1].index:
                    del entries[max(0, ready.entries[0].index - entries[0].index) :]
                entries.extend(ready.entries)
        if must_sync:
            await self._disk.save(hard_state, entries)
        elif self._hard_state is None:
            # A commit index alone is not worth a sync; it goes with the next one.
            self._hard_state = hard_state

    # -- snapshots of this member's own state

    def snapshot_if_due(self) -> None:
        """Begin to save a snapshot when the log has grown enough."""
        replica, config = self._replica, self._replica.config
        applied = replica.applied.index
        if self._saving_snapshot or self._installing or applied <= self._snapshot_index:
            return
        if (
            applied - self._snapshot_index >= config.snapshot_entries
            or self._disk.size_bytes >= config.snapshot_log_bytes
        ):
            if not replica.knows_group:
                return
            self._saving_snapshot = True
            snapshot = replica.snapshot()
            replica.spawn(self._save_snapshot, snapshot)

    async def save_snapshot_now(self) -> None:
        """Replace the log by a snapshot, unless one of them is being written."""
        replica = self._replica
        if not self._saving_snapshot and not self._installing and replica.knows_group:
            self._saving_snapshot = True
            await self._save_snapshot(replica.snapshot())

    async def _save_snapshot(self, snapshot: StateSnapshot) -> None:
        metadata, own = snapshot.metadata, self._replica.raft
        await self._keep_snapshot(snapshot)
        self._saving_snapshot = False
        if own.first_index <= metadata.index <= own.applied_index:
            own.compact(raft.Snapshot(metadata), keep_entries=self._kept(metadata.index))

    async def _keep_snapshot(self, snapshot: StateSnapshot) -> None:
        async with self._snapshots:
            if snapshot.metadata.index > self._snapshot_index:
                await self._disk.save_snapshot(snapshot)
                self._snapshot_index = snapshot.metadata.index

    def _kept(self, index: int) -> int:
        """Count the entries up to ``index`` to keep for members that lag, within the limits."""
        config = self._replica.config
        log = self._replica.raft.log
        count = size = 0
        for position in range(index - log.offset - 1, -1, -1):
            size += len(log.entries[position].data)
            if count >= config.keep_entries or size > config.keep_log_bytes:
                break
            count += 1
        return count


def received_state(snapshot: raft.Snapshot) -> StateSnapshot:
    """Return the state of a snapshot that another member sent, as a disk keeps it."""
    return StateSnapshot(snapshot.metadata, received_data(snapshot).state)


def received_data(snapshot: raft.Snapshot) -> SnapshotData:
    """Return what a snapshot from another member was decoded to before Raft was given it."""
    data: object = snapshot.data
    assert isinstance(data, SnapshotData), "snapshots come decoded"
    return data
