"""A group in a plain loop: messages arrive at once and in order unless lost on purpose."""

from collections.abc import Callable
from random import Random
from typing import Any

from kube_actors.raft import Entry, EntryType, Message, Raft, RaftConfig, ReadState, Ready, Snapshot
from tests.raft.durable import Durable


class Group:
    """``cut`` holds one-way links that lose everything; ``lose`` chooses messages to lose.

    Members in ``slow`` take Readys out, and send what may be sent, but their disk never ends
    until ``finish_writes``.
    """

    def __init__(self, count: int = 3, *, seed: int = 1, **options: Any) -> None:
        self.random = Random(seed)
        self.options = options
        self.founders = tuple(range(1, count + 1))
        self.members: dict[int, Raft] = {}
        self.disks: dict[int, Durable] = {}
        self.applied: dict[int, list[Entry]] = {}
        self.reads: dict[int, list[ReadState]] = {}
        self.snapshots: dict[int, list[Snapshot]] = {}
        self.sent: list[Message] = []
        self.cut: set[tuple[int, int]] = set()
        self.lose: Callable[[Message], bool] = lambda message: False
        self.slow: set[int] = set()
        self.writing: dict[int, list[Ready]] = {}
        for member in self.founders:
            self.join(member, self.founders)

    def __getitem__(self, member: int) -> Raft:
        return self.members[member]

    def join(self, member: int, founders: tuple[int, ...] = ()) -> None:
        """Start a new member with an empty disk."""
        self.disks[member] = Durable()
        self._start(member, founders)

    def _start(self, member: int, founders: tuple[int, ...]) -> None:
        disk = self.disks[member]
        self.applied[member] = []
        self.reads[member] = []
        self.snapshots[member] = []
        self.writing[member] = []
        self.members[member] = Raft(
            RaftConfig(id=member, **self.options),
            random=Random(self.random.getrandbits(32)),
            members=founders,
            hard_state=disk.hard_state,
            snapshot=disk.snapshot if disk.snapshot.metadata.index else None,
            entries=disk.entries,
        )

    def restart(self, member: int) -> None:
        """Crash and start again from what is durable."""
        self._start(member, self.founders)

    def isolate(self, *members: int) -> None:
        for member in members:
            for other in self.members:
                if other != member:
                    self.cut |= {(member, other), (other, member)}

    def heal(self) -> None:
        self.cut.clear()
        self.lose = lambda message: False

    def deliver(self) -> None:
        """Run until nobody has anything to do."""
        busy = True
        while busy:
            busy = False
            for member, raft in list(self.members.items()):
                while raft.has_ready():
                    busy = True
                    ready = raft.ready()
                    self._send(ready.messages)
                    self.writing[member].append(ready)
                    if member not in self.slow:
                        self.finish_writes(member)

    def finish_writes(self, member: int) -> None:
        while self.writing[member]:
            ready = self.writing[member].pop(0)
            disk = self.disks[member]
            if ready.snapshot is not None:
                disk.write_snapshot(ready.snapshot)
                self.snapshots[member].append(ready.snapshot)
            disk.write_entries(ready.entries)
            if ready.hard_state is not None:
                disk.hard_state = ready.hard_state
            self.applied[member].extend(ready.committed_entries)
            self.reads[member].extend(ready.read_states)
            self.members[member].advance(ready)
            self._send(ready.messages_after_persist)

    def _send(self, messages: Any) -> None:
        for message in messages:
            self.sent.append(message)
            reachable = (message.source, message.target) not in self.cut
            if reachable and message.target in self.members and not self.lose(message):
                self.members[message.target].step(message)

    def tick(self, count: int = 1, *members: int) -> None:
        for _ in range(count):
            for member in members or list(self.members):
                self.members[member].tick()
                self.deliver()

    def elect(self, member: int) -> Raft:
        """Make a member lead, with everybody's leases run out."""
        for raft in self.members.values():
            raft._state.election_elapsed = raft._state.config.election_ticks
        self.members[member].campaign()
        self.deliver()
        assert self.members[member].is_leader, self.members[member].status()
        return self.members[member]

    def leaders(self) -> list[int]:
        return [member for member, raft in self.members.items() if raft.is_leader]

    def data(self, member: int) -> list[bytes]:
        """What a member applied, without the marks of new terms."""
        return [
            entry.data
            for entry in self.applied[member]
            if entry.data and entry.type is EntryType.NORMAL
        ]

    def log(self, member: int) -> list[tuple[int, int]]:
        """A member's entries as (index, term)."""
        return [(entry.index, entry.term) for entry in self.members[member].log.entries]

    def of(self, kind: type) -> list[Any]:
        """All messages of a type that were sent so far, lost or not."""
        return [message for message in self.sent if isinstance(message, kind)]


def entries(*terms: int, first: int = 1) -> list[Entry]:
    """Make entries with these terms, as the paper draws logs."""
    return [Entry(first + at, term, b"%d" % (first + at)) for at, term in enumerate(terms)]


def member(
    terms: tuple[int, ...] = (),
    *,
    id: int = 1,
    count: int = 3,
    term: int = 0,
    vote: int = 0,
    commit: int = 0,
    **options: Any,
) -> Raft:
    """Recover one member of a group with a log of these terms."""
    from kube_actors.raft import HardState

    return Raft(
        RaftConfig(id=id, **options),
        random=Random(7),
        members=range(1, count + 1),
        hard_state=HardState(max([term, *terms]), vote, commit),
        entries=entries(*terms),
    )


def out(raft: Raft) -> list[Message]:
    """Do all that a member asks for and return what it sends."""
    messages: list[Message] = []
    while raft.has_ready():
        ready = raft.ready()
        raft.advance(ready)
        messages += [*ready.messages, *ready.messages_after_persist]
    return messages
