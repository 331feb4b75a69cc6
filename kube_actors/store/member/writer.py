"""The one task that waits for the disk: it turns Raft's Readys into durable facts, in order.

While one save is under way the next Readys gather and are saved together. Their committed entries
are durable already and are applied at once, so that a busy disk delays nobody's answer; only
after an installed snapshot must they wait for it.
"""

from typing import TYPE_CHECKING

import anyio

from kube_actors import raft
from kube_actors.raft import Entry, HardState, Ready
from kube_actors.store.disk import Disk, DiskError, Recovered, SavesAtOnce, StateSnapshot
from kube_actors.store.member.raft_wire import SnapshotData

if TYPE_CHECKING:
    from kube_actors.store.member.member import Member


class Writer:
    """Holds the Readys that are not durable yet."""

    def __init__(self, member: "Member", disk: Disk, recovered: Recovered) -> None:
        self._member = member
        self._disk = disk
        self._at_once = disk if isinstance(disk, SavesAtOnce) else None
        self._flush = member.actor.flush
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
        return self._writing or bool(self._waiting)

    @property
    def log_bytes(self) -> int:
        """What the log has grown by since its newest snapshot."""
        return self._disk.size_bytes

    def held_up(self, ticks: int) -> bool:
        """Say whether the disk has been at one write for so long."""
        return self._writing and self._member.peers.ticks - self._began_tick >= ticks

    def take(self, ready: Ready) -> None:
        """Apply what may be applied, and see to it that the rest becomes durable."""
        member = self._member
        if ready.snapshot is not None:
            self._installing = True
        apply_later = self._installing
        if ready.committed_entries and not apply_later:
            member.machine.apply(ready.committed_entries)
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
                member.send(ready.messages_after_persist)
            member.raft.advance(ready)

    def _saved_at_once(self, ready: Ready) -> bool:
        """Save without waiting for it, where the disk is quick: two changes of task cost more."""
        disk, member = self._at_once, self._member
        if disk is None:
            return False
        # The others can begin with it while this disk is at it.
        self._flush()
        try:
            saved = disk.save_at_once(self._hard_state, ready.entries)
        except DiskError as error:
            member.fail(error)
            return False
        if saved:
            self._hard_state = None
            if ready.messages_after_persist:
                member.send(ready.messages_after_persist)
                self._flush()
            member.raft.advance(ready)
        return saved

    async def run(self) -> None:
        """Save what waits, for as long as the member lives."""
        while True:
            if not self._waiting:
                self._wake = anyio.Event()
                await self._wake.wait()
            batch, self._waiting = self._waiting, []
            self._writing = True
            self._began_tick = self._member.peers.ticks
            hard_state, self._hard_state = self._hard_state, None
            await self._save([ready for ready, _ in batch], hard_state)
            self._writing = False
            member = self._member
            for ready, apply_later in batch:
                if apply_later:
                    if ready.snapshot is not None:
                        data = received_data(ready.snapshot)
                        member.machine.restore(received_state(ready.snapshot), data.ready)
                        member.restored()
                    member.machine.apply(ready.committed_entries)
                if ready.messages_after_persist:
                    member.send(ready.messages_after_persist)
            self._installing = any(later for _, later in self._waiting)
            member.raft.advance(batch[-1][0])
            member.pump()

    async def _save(self, readies: list[Ready], hard_state: HardState | None) -> None:
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
        member = self._member
        applied = member.machine.applied_index
        if self._saving_snapshot or self._installing or applied <= self._snapshot_index:
            return
        config = member.config
        if (
            applied - self._snapshot_index >= config.snapshot_entries
            or self._disk.size_bytes >= config.snapshot_log_bytes
        ):
            if not member.knows_group:
                return
            self._saving_snapshot = True
            snapshot = member.snapshot()
            member.tasks.start_soon(self._save_snapshot, snapshot)

    async def save_snapshot_now(self) -> None:
        """Replace the log by a snapshot, unless one of them is being written."""
        member = self._member
        if not self._saving_snapshot and not self._installing and member.knows_group:
            self._saving_snapshot = True
            await self._save_snapshot(member.snapshot())

    async def _save_snapshot(self, snapshot: StateSnapshot) -> None:
        metadata = snapshot.metadata
        await self._keep_snapshot(snapshot)
        self._saving_snapshot = False
        machine = self._member.raft
        if machine.first_index <= metadata.index <= machine.applied_index:
            machine.compact(raft.Snapshot(metadata), keep_entries=self._kept(metadata.index))

    async def _keep_snapshot(self, snapshot: StateSnapshot) -> None:
        async with self._snapshots:
            if snapshot.metadata.index > self._snapshot_index:
                await self._disk.save_snapshot(snapshot)
                self._snapshot_index = snapshot.metadata.index

    def _kept(self, index: int) -> int:
        """Count the entries up to ``index`` to keep for members that lag, within the limits."""
        config = self._member.config
        log = self._member.raft.log
        count = size = 0
        for position in range(index - log.offset - 1, -1, -1):
            size += len(log.entries[position].data)
            if count >= config.keep_entries or size > config.keep_log_bytes:
                break
            count += 1
        return count


def received_state(snapshot: raft.Snapshot) -> StateSnapshot:
    """Take the state out of a snapshot that another member sent."""
    return StateSnapshot(snapshot.metadata, received_data(snapshot).state)


def received_data(snapshot: raft.Snapshot) -> SnapshotData:
    data: object = snapshot.data
    assert isinstance(data, SnapshotData), "snapshots come decoded"
    return data
