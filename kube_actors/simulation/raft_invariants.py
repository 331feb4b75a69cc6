"""What must always be true of a Raft group, checked while it runs.

A ``Ledger`` sees every member after every step, knows what is on every disk, and remembers all of
history: who led which term, which entry was ever seen at (index, term), what was chosen at each
index. It raises ``InvariantViolation`` naming the paper's property; it repairs nothing.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from zlib import crc32

from attrs import Factory, define

from kube_actors.raft import (
    AppendReply,
    Entry,
    HardState,
    Message,
    PreVote,
    PreVoteReply,
    Propose,
    Quorum,
    Raft,
    ReadIndex,
    Role,
    Snapshot,
    SnapshotMetadata,
    TransferLeader,
    VoteReply,
)

PROMISES_NOTHING = (PreVote, PreVoteReply, Propose, ReadIndex, TransferLeader)


class InvariantViolation(AssertionError):
    """A promise of Raft was broken; ``rule`` names it."""

    def __init__(self, rule: str, text: str) -> None:
        super().__init__(f"{rule}: {text}")
        self.rule = rule


@define
class Durable:
    """What one disk would give back after a power cut."""

    hard_state: HardState = Factory(HardState)
    snapshot: Snapshot = Factory(Snapshot)
    entries: list[Entry] = Factory(list)

    @property
    def last_index(self) -> int:
        return self.entries[-1].index if self.entries else self.snapshot.metadata.index

    def holds(self, index: int, term: int) -> bool:
        """Say whether that entry is here, or in the snapshot."""
        position = index - self.snapshot.metadata.index - 1
        if position < 0:
            return True
        return position < len(self.entries) and self.entries[position].term == term

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


@define
class _Seen:
    """The last look at one incarnation of one member."""

    term: int = 0
    vote: int = 0
    commit: int = 0
    applied: int = 0
    led_term: int = 0
    led_last: int = 0


def chain(digest: int, entry: Entry) -> int:
    """Fold one applied entry into a state's digest."""
    return crc32(entry.data, crc32(b"%d/%d" % (entry.index, entry.term), digest))


class Ledger:
    """All of history, as needed to recognise a broken promise."""

    def __init__(self) -> None:
        self.leaders: dict[int, int] = {}
        self.entries: dict[tuple[int, int], tuple[int, bytes]] = {}
        self.chosen: list[tuple[int, int]] = [(0, 0)]  # per index: term, digest of all so far
        self.chosen_in_term: list[int] = [0]  # per index: a term in which it was committed
        self.members_change = False
        self._seen: dict[int, _Seen] = {}

    @property
    def last_chosen(self) -> int:
        return len(self.chosen) - 1

    def restarted(self, member: int, durable: Durable) -> None:
        """Forget what only memory held; what was durable must be what comes back."""
        seen = self._seen.get(member, _Seen())
        hard = durable.hard_state
        self._seen[member] = _Seen(term=hard.term, vote=hard.vote, led_term=seen.led_term)

    def observe(self, raft: Raft) -> None:
        """Check one member after one step."""
        seen = self._seen.setdefault(raft.id, _Seen())
        if raft.term < seen.term:
            self._fail("monotone term", f"{raft.id} went from {seen.term} to {raft.term}")
        if raft.term == seen.term and seen.vote and raft.vote != seen.vote:
            self._fail("one vote per term", f"{raft.id} voted {seen.vote}, then {raft.vote}")
        if raft.commit_index < seen.commit:
            self._fail("monotone commit", f"{raft.id} at {seen.commit}, then {raft.commit_index}")
        if not raft.applied_index <= raft.commit_index <= raft.last_index:
            self._fail(
                "applied ≤ commit ≤ last",
                f"{raft.id}: {raft.applied_index}, {raft.commit_index}, {raft.last_index}",
            )
        if raft.role is Role.LEADER:
            self._observe_leader(raft, seen)
        seen.term = raft.term
        seen.vote = raft.vote
        seen.commit = raft.commit_index
        seen.applied = raft.applied_index

    def _observe_leader(self, raft: Raft, seen: _Seen) -> None:
        term = raft.term
        if self.leaders.setdefault(term, raft.id) != raft.id:
            self._fail("election safety", f"{self.leaders[term]} and {raft.id} led term {term}")
        if seen.led_term != term:
            seen.led_term = term
            self._check_complete(raft)
        elif raft.last_index < seen.led_last:
            self._fail("leader append-only", f"{raft.id}: {seen.led_last} to {raft.last_index}")
        seen.led_last = raft.last_index

    def _check_complete(self, raft: Raft) -> None:
        index = bisect_left(self.chosen_in_term, raft.term) - 1
        if index > 0 and index >= raft.first_index:
            chosen_term = self.chosen[index][0]
            if not raft.log.matches(index, chosen_term):
                self._fail(
                    "leader completeness",
                    f"{raft.id} leads term {raft.term} without {index} of term {chosen_term}",
                )

    def written(self, member: int, entries: Iterable[Entry], previous_term: int) -> None:
        """Check log matching: one entry per (index, term), with one predecessor."""
        for entry in entries:
            fact = (previous_term, entry.data)
            if self.entries.setdefault((entry.index, entry.term), fact) != fact:
                self._fail("log matching", f"{member} holds another {entry.index}@{entry.term}")
            previous_term = entry.term

    def applied(self, raft: Raft, entry: Entry, digest: int, disks: Mapping[int, Durable]) -> None:
        """Check state machine safety, and durability when an index is first chosen.

        Durability is only checked while nobody tried to change the membership: the observer's
        configuration may be another than the one that chose the entry.
        """
        if entry.index == len(self.chosen):
            self.chosen.append((entry.term, digest))
            self.chosen_in_term.append(max(raft.term, self.chosen_in_term[-1]))
            holding = [m for m, disk in disks.items() if disk.holds(entry.index, entry.term)]
            if not self.members_change and not Quorum.of(raft.config_state).is_met(holding):
                self._fail(
                    "durable on a quorum",
                    f"{raft.id} applies {entry.index}@{entry.term}, held by {holding}",
                )
        elif self.chosen[entry.index] != (entry.term, digest):
            self._fail("state machine safety", f"{raft.id} applies another {entry.index}")

    def restored(self, member: int, metadata: SnapshotMetadata, digest: int) -> None:
        """Check that a snapshot equals the replay that it replaces."""
        if metadata.index >= len(self.chosen):
            self._fail("snapshot is committed", f"{member} restores {metadata.index}")
        if self.chosen[metadata.index] != (metadata.term, digest):
            self._fail("snapshot equals replay", f"{member} restores another {metadata.index}")

    def sent(self, message: Message, durable: Durable) -> None:
        """Check that a message promises only what its sender has on disk."""
        if isinstance(message, PROMISES_NOTHING):
            return
        hard = durable.hard_state
        if message.term > hard.term:
            self._fail("persist before send", f"term of {message!r} but {hard!r} is durable")
        if message.term < hard.term:
            # What was promised in an older term may have been undone in a newer one since, on
            # disk as well: that is no different from a message that was long under way.
            return
        if isinstance(message, VoteReply):
            if message.granted and hard.vote != message.target:
                self._fail("persist before send", f"{message!r} but {hard!r} is durable")
        elif isinstance(message, AppendReply):
            stored = 0 if message.rejected else message.index
            if stored > durable.last_index:
                self._fail("persist before send", f"{message!r}, durable to {durable.last_index}")

    def read(self, member: int, index: int, floor: int) -> None:
        """Check that a read sees everything that was chosen before it was asked."""
        if index < floor:
            self._fail("linearizable read", f"{member} reads at {index}, {floor} was known before")

    def _fail(self, rule: str, text: str) -> None:
        raise InvariantViolation(rule, text)
