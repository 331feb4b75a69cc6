"""One simulated member: a ``Raft``, its disk and its state machine, driven as a careful caller.

Writes take time and may be in flight together; a crash loses what was not flushed, except for a
prefix that luck preserved, which may end between the parts of one Ready. Replace ``write`` or
``recover`` in a subclass to plant a careless caller.
"""

from collections import deque
from collections.abc import Callable
from random import Random

from kube_actors.raft import (
    Entry,
    EntryType,
    HardState,
    LogCompacted,
    Message,
    Raft,
    RaftConfig,
    Ready,
    Snapshot,
)
from kube_actors.simulation.raft_invariants import Durable, Ledger, chain


class SimulatedMember:
    """``raft`` is None while it is down. ``digest`` stands for the whole state machine."""

    def __init__(
        self,
        config: RaftConfig,
        members: tuple[int, ...],
        ledger: Ledger,
        random: Random,
        send: Callable[[Message], None],
        disks: dict[int, Durable],
        *,
        ready_max: int,
        snapshot_every: int,
    ) -> None:
        self.id: int = config.id
        self.config = config
        self.members = members
        self.ledger = ledger
        self.random = random
        self.send = send
        self.disks = disks
        self.ready_max = ready_max
        self.snapshot_every = snapshot_every
        self.disk = disks[config.id]
        self.writing: deque[Ready] = deque()
        self.raft: Raft | None = None
        self.incarnation = 0
        self.digest = 0
        self.paused = False
        self.reads: dict[bytes, int] = {}
        self.answered_reads = 0
        self.applied_data: set[bytes] = set()

    # -- life ----------------------------------------------------------------------------

    def start(self) -> None:
        """Start from what is durable."""
        self.incarnation += 1
        hard, snapshot, entries = self.recover()
        founded = snapshot.metadata.index == 0
        self.digest = int.from_bytes(snapshot.data, "big")
        self.reads = {}
        self.writing.clear()
        self.ledger.restarted(self.id, self.disk)
        self.raft = Raft(
            self.config,
            random=Random(self.random.getrandbits(64)),
            members=self.members,
            hard_state=hard,
            snapshot=None if founded else snapshot,
            entries=entries,
        )

    def recover(self) -> tuple[HardState, Snapshot, list[Entry]]:
        return self.disk.hard_state, self.disk.snapshot, list(self.disk.entries)

    def crash(self) -> None:
        """Lose memory and, of what was being written, everything after a random point."""
        steps = [step for ready in self.writing for step in self._write_steps(ready)]
        for step in steps[: self.random.randint(0, len(steps))]:
            step()
        self.writing.clear()
        self.raft = None

    # -- the driving loop ----------------------------------------------------------------

    def pump(self) -> bool:
        """Take Readys out while there are any; say whether a new write has to be timed."""
        raft = self.raft
        begun = False
        while raft is not None and len(self.writing) < self.ready_max and raft.has_ready():
            log = raft.log
            first = log.written + 1
            previous_term = log.term(log.written) if log.written >= log.offset else 0
            ready = raft.ready()
            if ready.entries and ready.entries[0].index == first:
                self.ledger.written(self.id, ready.entries, previous_term)
            self.send_ready(ready)
            if self.writing or ready.must_sync:
                self.writing.append(ready)
                begun = begun or len(self.writing) == 1
            else:
                self.finish(ready)
        return begun

    def send_ready(self, ready: Ready) -> None:
        for message in ready.messages:
            self.ledger.sent(message, self.disk)
            self.send(message)

    def flush(self) -> None:
        """The oldest write, and perhaps younger ones by the same flush, reached the disk."""
        for _ in range(self.random.randint(1, len(self.writing))):
            self.finish(self.writing.popleft())

    def finish(self, ready: Ready) -> None:
        for step in self._write_steps(ready):
            step()
        for message in ready.messages_after_persist:
            self.ledger.sent(message, self.disk)
            self.send(message)
        self.apply(ready)

    def _write_steps(self, ready: Ready) -> list[Callable[[], None]]:
        steps: list[Callable[[], None]] = []
        snapshot = ready.snapshot
        if snapshot is not None:
            steps.append(lambda: self.disk.write_snapshot(snapshot))
        entries = list(ready.entries)
        middle = self.random.randint(0, len(entries))
        if entries:
            steps.append(lambda: self.disk.write_entries(entries[:middle]))
            steps.append(lambda: self.disk.write_entries(entries[middle:]))
        hard = ready.hard_state
        if hard is not None:
            steps.append(lambda: self.write_hard_state(hard))
        return steps

    def write_hard_state(self, hard_state: HardState) -> None:
        self.disk.hard_state = hard_state

    def apply(self, ready: Ready) -> None:
        raft = self.raft
        assert raft is not None
        if ready.snapshot is not None:
            self.digest = int.from_bytes(ready.snapshot.data, "big")
            self.ledger.restored(self.id, ready.snapshot.metadata, self.digest)
        for entry in ready.committed_entries:
            self.digest = chain(self.digest, entry)
            self.ledger.applied(raft, entry, self.digest, self.disks)
            if entry.type is EntryType.NORMAL:
                self.applied_data.add(entry.data)
        for state in ready.read_states:
            floor = self.reads.pop(state.context, None)
            if floor is not None:
                self.ledger.read(self.id, state.index, floor)
                self.answered_reads += 1
        raft.advance(ready)
        self.ledger.observe(raft)
        if raft.applied_index - self.disk.snapshot.metadata.index >= self.snapshot_every:
            self.take_snapshot(raft)

    def take_snapshot(self, raft: Raft) -> None:
        try:
            metadata = raft.snapshot_metadata()
        except LogCompacted:
            return  # one from the leader is on its way to the disk
        snapshot = Snapshot(metadata, self.digest.to_bytes(4, "big"))
        if raft.compact(snapshot, keep_entries=self.random.randrange(4)):
            self.disk.compact(snapshot)
