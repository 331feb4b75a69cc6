"""What one member's disk would give back after a power cut, as the driving loop owes it."""

from collections.abc import Iterable

from attrs import Factory, define

from kube_actors.raft import Entry, HardState, Snapshot


@define
class Durable:
    hard_state: HardState = Factory(HardState)
    snapshot: Snapshot = Factory(Snapshot)
    entries: list[Entry] = Factory(list)

    def write_entries(self, entries: Iterable[Entry]) -> None:
        """Put entries in their places, dropping what followed the first one."""
        for entry in entries:
            position = entry.index - self.snapshot.metadata.index - 1
            if position >= 0:
                del self.entries[position:]
                self.entries.append(entry)

    def write_snapshot(self, snapshot: Snapshot) -> None:
        """Replace the whole log by a snapshot that came from the leader."""
        self.snapshot = snapshot
        self.entries = []

    def compact(self, snapshot: Snapshot) -> None:
        """Replace the log up to a snapshot of this member's own."""
        drop = snapshot.metadata.index - self.snapshot.metadata.index
        if drop > 0:
            self.entries = self.entries[drop:]
            self.snapshot = snapshot
