"""One simulated member: a ``Raft``, its disk and its state machine, driven as a careful caller.

Writes take time and may be in flight together; a crash loses what was not flushed, except for a
prefix that luck preserved, which may end between the parts of one Ready. Replace one of its
methods in a subclass to plant a careless caller.
"""

from collections import deque
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from kube_actors.raft import (
    Entry,
    EntryType,
    HardState,
    InstallSnapshot,
    LogCompacted,
    Message,
    Raft,
    RaftConfig,
    Ready,
    Snapshot,
    has_ready,
)
from kube_actors.simulation.raft.chunks import Chunks
from kube_actors.simulation.raft.disk import Disk, DiskFailure, frames_of
from kube_actors.simulation.raft.judges import Ledger
from kube_actors.simulation.raft.registers import Operation, Registers, SessionedRegisters
from kube_actors.simulation.raft.weather import Weather

_NORMAL = EntryType.NORMAL
Answer = Callable[["SimulatedMember", Operation], None]


class SimulatedMember:
    """``raft`` is None while it is down. ``digest`` stands for everything that was applied."""

    # Named, as there are more than instances of one class can share the keys of.
    __slots__ = (
        "answer",
        "answered_reads",
        "asked_reads",
        "chunks",
        "clock_stopped",
        "config",
        "crash_in_write",
        "digest",
        "disk",
        "down_until_us",
        "flush_due",
        "founders",
        "gone",
        "id",
        "inbox",
        "inbox_max",
        "incarnation",
        "ledger",
        "missed_ticks",
        "narrow",
        "new_registers",
        "paused",
        "period_us",
        "post",
        "raft",
        "random",
        "rate",
        "reads",
        "ready_max",
        "registers",
        "snapshots",
        "started",
        "state",
        "taken",
        "tears",
        "time_write",
        "waiting_reads",
        "weather",
        "writing",
    )

    registers_type: type[Registers] = Registers

    def __init__(
        self,
        number: int,
        weather: Weather,
        ledger: Ledger,
        disk: Disk,
        snapshots: dict[tuple[int, int], Registers],
        random: Random,
        *,
        send: Callable[[Any], None],
        time_write: Callable[["SimulatedMember"], None],
        answer: Answer,
    ) -> None:
        self.id = number
        self.weather = weather
        self.config = RaftConfig(id=number, **weather.options)
        self.founders = weather.ids if number in weather.ids else ()
        self.ledger = ledger
        self.disk = disk
        self.snapshots = snapshots
        self.random = random
        self.post = send
        self.chunks: Chunks | None = None
        self.time_write = time_write
        self.answer = answer
        self.ready_max = weather.ready_max
        self.writing: deque[Ready] = deque()
        self.raft: Raft | None = None
        self.state: Any = None
        sessioned = weather.sessions and self.registers_type is Registers
        self.new_registers = SessionedRegisters if sessioned else self.registers_type
        self.registers = self.new_registers()
        self.digest = 0
        self.incarnation = 0
        self.answered_reads = 0
        self.asked_reads = 0
        self.reads: dict[bytes, tuple[Operation, int]] = {}
        self.waiting_reads: list[tuple[int, Operation]] = []
        # What faults do to it.
        self.started = False
        self.paused = False
        self.missed_ticks = 0
        self.gone = False
        self.crash_in_write = 0.0  # the share of its writes that survives
        self.tears = False
        self.down_until_us = 0
        self.period_us = 0
        self.inbox: list[Message] = []
        self.inbox_max = weather.inbox_max
        self.narrow: int | None = None  # how many messages it takes per tick
        self.taken = 0
        self.clock_stopped = False
        self.rate = 1.0
        self.flush_due = False

    # -- life ----------------------------------------------------------------------------

    def start(self) -> None:
        """Start from what is durable. Raises CorruptDisk."""
        hard, snapshot, entries = self.recover()
        self.started = True
        self.incarnation += 1
        self.digest = int.from_bytes(snapshot.data, "big")
        self.registers = self._registers_of(snapshot)
        self.reads = {}
        self.asked_reads = 0
        self.waiting_reads = []
        self.writing.clear()
        self.inbox.clear()
        self.flush_due = False
        self.raft = Raft(
            self.config,
            random=Random(self.random.getrandbits(32)),
            members=self.founders,
            hard_state=hard,
            snapshot=snapshot if snapshot.metadata.index else None,
            entries=entries,
        )
        self.state = self.raft._state
        if self.weather.chunk_bytes:
            self.chunks = Chunks(self.raft, self.weather.chunk_bytes, self.post)
        self.ledger.restarted(self.raft, self.disk.view)

    def _registers_of(self, snapshot: Snapshot) -> Registers:
        if not snapshot.metadata.index:
            return self.new_registers()
        digest = int.from_bytes(snapshot.data, "big")
        return self.snapshots[snapshot.metadata.index, digest].copy()

    def recover(self) -> tuple[HardState, Snapshot, list[Entry]]:
        """Read what is durable. Raises CorruptDisk."""
        return self.disk.recover()

    def crash(self, luck: float = 0.0, *, torn: bool = False) -> None:
        """Lose memory and, of what was being written, all but a share of ``luck``.

        ``torn``: the first frame that is lost was begun, and a part of it is there.
        """
        atomic = self.weather.atomic_frames
        frames = [
            frame
            for ready in self.writing
            for frame in frames_of(ready, atomic=atomic, middle=self.random.random())
        ]
        kept = min(int(luck * (len(frames) + 1)), len(frames))
        for frame in frames[:kept]:
            self.disk.write(frame)
        if torn and kept < len(frames):
            self.disk.torn = frames[kept]
        self.writing.clear()
        self.inbox.clear()
        self.raft = None
        self.state = None
        self.paused = False
        self.tears = False
        self.crash_in_write = 0.0

    # -- the driving loop ----------------------------------------------------------------

    def pump(self) -> bool:
        """Take Readys out, with as many writes in flight as are allowed; say if there were any.

        Called when there is one.
        """
        raft = self.raft
        if raft is None:
            return False
        state = self.state
        writing = self.writing
        ready_max = self.ready_max
        found = False
        ledger = self.ledger
        while len(writing) < ready_max and (not found or has_ready(state)):
            found = True
            log = state.log
            written = log.written
            ready = raft.ready()
            entries = ready.entries
            if entries and entries[0].index == written + 1:
                before = log.term(written) if written >= log.offset else 0
                ledger.written(self.id, entries, before)
            self.send_ready(ready)
            if writing or ready.must_sync:
                writing.append(ready)
                if len(writing) == 1:
                    self.time_write(self)
            else:
                self.finish(ready)
        return found

    def send_ready(self, ready: Ready) -> None:
        """Let out what may be sent while its Ready is still being written (thesis, 10.2.1)."""
        self.send_all(ready.messages)

    def send_all(self, messages: Sequence[Message]) -> None:
        """Let messages out, each checked against what is on the disk now."""
        view = self.disk.view
        sent = self.ledger.sent
        send = self.post if self.chunks is None else self.send
        for message in messages:
            sent(message, view)
            send(message)

    def send(self, message: Message) -> None:
        """Give a message to the network; a snapshot goes in chunks, if the weather says so."""
        if self.chunks is not None and isinstance(message, InstallSnapshot):
            self.chunks.send(message)
        else:
            self.post(message)

    def flush(self) -> None:
        """The oldest write, and perhaps younger ones by the same flush, reached the disk.

        Raises DiskFailure.
        """
        writing = self.writing
        count = len(writing)
        if count > 1:
            count = 1 + int(self.random.random() * count)
        for _ in range(count):
            self.check_disk()
            self.finish(writing.popleft())

    def check_disk(self) -> None:
        """Raise DiskFailure if the disk fails now."""
        if self.disk.failing:
            raise DiskFailure(self.disk.failing)

    def finish(self, ready: Ready) -> None:
        """Write a Ready to the disk, then send what had to wait for it, then apply.

        The order is the promise: no vote and no acknowledgement leaves before it is durable.
        """
        self.write(ready)
        if ready.messages_after_persist:
            self.send_all(ready.messages_after_persist)
        self.apply(ready)

    def write(self, ready: Ready) -> None:
        """Put what a Ready persists on the disk as one frame: snapshot, entries, hard state."""
        if ready.hard_state is not None or ready.entries or ready.snapshot is not None:
            self.disk.write((ready.snapshot, ready.entries, ready.hard_state))

    # -- what was committed ---------------------------------------------------------------

    def apply(self, ready: Ready) -> None:
        """Apply what a Ready committed, tell its Raft, and answer the reads that waited for it.

        Takes a snapshot if enough was applied since the last.
        """
        raft = self.raft
        assert raft is not None
        if ready.snapshot is not None:
            self.restore(ready.snapshot)
        if ready.committed_entries:
            self.apply_entries(ready)
        for state in ready.read_states:
            asked = self.reads.pop(state.context, None)
            if asked is not None:
                operation, floor = asked
                self.ledger.read(self.id, state.index, floor)
                self.waiting_reads.append((state.index, operation))
        raft.advance(ready)
        if self.waiting_reads:
            self.answer_reads()
        applied = self.state.log.applied
        if applied - self.disk.view.snapshot.metadata.index >= self.weather.snapshot_every:
            self.take_snapshot(raft)

    def restore(self, snapshot: Snapshot) -> None:
        """Take over the state of a snapshot from the leader, in place of the own one."""
        digest = int.from_bytes(snapshot.data, "big")
        self.ledger.restored(self.id, snapshot.metadata, digest)
        self.digest = digest
        self.registers = self._registers_of(snapshot)

    def new_context(self) -> bytes:
        """Name a read as no other of this incarnation; the one before counted from 0 as well."""
        self.asked_reads += 1
        return b"%d" % self.asked_reads

    def apply_entries(self, ready: Ready) -> None:
        """Apply committed entries in order, each checked against what every other member applied.

        Answers a request that this incarnation was asked and that is still open.
        """
        operations = self.ledger.operations
        applied = self.ledger.applied
        apply, me, digest = self.registers.apply, self.id, self.digest
        for entry in ready.committed_entries:
            data = entry.data
            if data and entry.type is _NORMAL:
                operation = operations[data]
                turn, result = apply(operation, entry.index)
                digest = applied(me, entry, digest, 2 + result if turn else result)
                if (
                    operation.asked == me
                    and operation.incarnation == self.incarnation
                    and not operation.outcome
                ):
                    operation.result = result
                    self.answer(self, operation)
            else:
                digest = applied(me, entry, digest, -1)
        self.digest = digest

    def answer_reads(self) -> None:
        """Answer the reads whose read index has been applied (thesis, 6.4); the others wait."""
        applied = self.state.log.applied
        waiting = []
        for index, operation in self.waiting_reads:
            if index > applied:
                waiting.append((index, operation))
            elif not operation.outcome:
                operation.result = self.registers.values.get(operation.key, 0)
                operation.position = applied
                self.answered_reads += 1
                self.answer(self, operation)
        self.waiting_reads = waiting

    def take_snapshot(self, raft: Raft) -> None:
        """Make a snapshot of all that was applied and compact the log, but for 0 to 3 entries."""
        try:
            metadata = raft.snapshot_metadata()
        except LogCompacted:
            return  # one from the leader is on its way to the disk
        if metadata.index != self.state.log.applied:
            return
        snapshot = Snapshot(metadata, self.digest.to_bytes(4, "big"))
        if raft.compact(snapshot, keep_entries=int(self.random.random() * 4)):
            self.snapshots.setdefault((metadata.index, self.digest), self.registers.copy())
            self.disk.compact(snapshot)
