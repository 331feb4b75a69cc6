"""Careless callers to plant: each forgets one duty that ``Raft`` leaves to whoever drives it."""

from attrs import evolve

from kube_actors.raft import Entry, HardState, Ready, Snapshot
from kube_actors.simulation.raft import SimulatedMember
from kube_actors.simulation.raft.registers import CAS, Operation, Registers


class ForgetsItsVote(SimulatedMember):
    """The vote is written, and lost at a restart."""

    def recover(self) -> tuple[HardState, Snapshot, list[Entry]]:
        hard, snapshot, entries = super().recover()
        return HardState(hard.term, 0, hard.commit), snapshot, entries


class NeverWritesItsVote(SimulatedMember):
    def write(self, ready: Ready) -> None:
        hard = ready.hard_state
        if hard is not None:
            ready = evolve(ready, hard_state=HardState(hard.term, 0, hard.commit))
        super().write(ready)


class AnswersBeforeTheDisk(SimulatedMember):
    """Acknowledgements leave before the fsync."""

    def send_ready(self, ready: Ready) -> None:
        super().send_ready(ready)
        for message in ready.messages_after_persist:
            self.ledger.sent(message, self.disk.view)
            self.send(message)


class LosesItsLastEntry(SimulatedMember):
    def recover(self) -> tuple[HardState, Snapshot, list[Entry]]:
        hard, snapshot, entries = super().recover()
        return hard, snapshot, entries[:-1] if entries else entries


class CutsAtDamage(SimulatedMember):
    """A damaged frame is taken for a torn tail: what was acknowledged behind it is gone."""

    def recover(self) -> tuple[HardState, Snapshot, list[Entry]]:
        disk = self.disk
        if disk.damage:
            first = min(disk.damage)
            disk.damage.clear()
            del disk.frames[first:]
            disk.view = disk.replay(disk.frames)
        return super().recover()


class KeepsATornTail(SimulatedMember):
    """Half of a torn write is believed, with whatever lay there before."""

    def recover(self) -> tuple[HardState, Snapshot, list[Entry]]:
        torn = self.disk.torn
        hard, snapshot, entries = super().recover()
        if torn is not None:
            last = self.disk.view.last_index
            entries += [evolve(e, data=b"") for e in torn[1] if e.index == last + 1]
        return hard, snapshot, entries


class TriesTheFlushAgain(SimulatedMember):
    """A flush that failed is tried again and then succeeds, without what it had lost."""

    def check_disk(self) -> None:
        if self.disk.failing == "fsync-failure":
            ready = self.writing[0]
            self.writing[0] = evolve(ready, entries=(), hard_state=None)
            self.disk.failing = ""


class AppliesTwice(Registers):
    """A repeated request has its effect again."""

    def apply(self, operation: Operation, index: int) -> tuple[bool, int]:
        last = self.last.get(operation.client)
        if last is not None and last[0] >= operation.number:
            self.last.pop(operation.client)
        return super().apply(operation, index)


class WithoutSessions(SimulatedMember):
    registers_type = AppliesTwice


class ComparesNothing(Registers):
    def apply(self, operation: Operation, index: int) -> tuple[bool, int]:
        if operation.kind == CAS and len(self.values) % 2:
            operation = Operation(operation.number, operation.client, "write", 0, 0, 0, 0)
        return super().apply(operation, index)


class ReadsTooEarly(SimulatedMember):
    """A read is answered as soon as its index is known, before that is applied."""

    def answer_reads(self) -> None:
        self.waiting_reads = [(0, operation) for _, operation in self.waiting_reads]
        super().answer_reads()


class AnswersWhatIsNotApplied(SimulatedMember):
    """A read is served from what this member happens to have, without asking anybody."""

    def pump(self) -> bool:
        applied = self.state.log.applied
        for context, (operation, _) in list(self.reads.items()):
            del self.reads[context]
            self.waiting_reads.append((applied, operation))
        self.answer_reads()
        return super().pump()


class ForgetsSessionsInSnapshots(SimulatedMember):
    """A snapshot holds the registers, and not which requests were applied."""

    def restore(self, snapshot: Snapshot) -> None:
        super().restore(snapshot)
        self.registers.last.clear()
