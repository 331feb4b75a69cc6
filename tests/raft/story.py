"""A small language in which elections and repairs read as stories, with what must be seen.

A story is a text of blocks: commands, a line ``----``, and what is printed until the next empty
line. Messages wait in a queue until they are delivered. Commands::

    group 3 pre_vote=false      campaign 1            propose 1 x y
    tick 1 10                   read 2 r              transfer 1 3
    change 1 +4 -2 ?5 explicit  change 1 leave        join 4 | restart 2
    cut 1 2 | isolate 3 | heal  compact 1 [keep]      snapshot 1 3
    disk 1 slow|one|done        unreachable 1 3       forget 2
    deliver 1 2 [1] | drop 1 2  hold 1 2 | release    stabilize
    show | log 2 | progress 1 | members 1             committed … | vote … | alter …

``deliver 1 2`` prints and delivers what 1 sent to 2; ``stabilize`` delivers everything silently
and shows who is what; ``show`` only shows. ``deliver 1 2 1`` takes the first message only;
``hold`` keeps a link's messages waiting until ``release``. A slow disk has written nothing until
it is ``done``; ``one`` ends its oldest write. ``snapshot 1 3`` sends what 1 has applied past all
rules. The last three of the list are explained in arithmetic.py. What Raft refuses is printed.
"""

from collections.abc import Callable
from random import Random
from typing import Any

from kube_actors.raft import (
    ConfigState,
    InstallSnapshot,
    Message,
    Raft,
    RaftConfig,
    RaftError,
    ReadOnly,
    Ready,
    Snapshot,
    changed,
)
from tests.raft import arithmetic
from tests.raft.durable import Durable

VALUES = {"true": True, "false": False, "safe": ReadOnly.SAFE, "lease": ReadOnly.LEASE}


class Story:
    """One run of one story."""

    def __init__(self) -> None:
        self.members: dict[int, Raft] = {}
        self.disks: dict[int, Durable] = {}
        self.applied: dict[int, list[str]] = {}
        self.options: dict[str, Any] = {}
        self.founders: tuple[int, ...] = ()
        self.queue: list[Message] = []
        self.cut: set[tuple[int, int]] = set()
        self.held: set[tuple[int, int]] = set()
        self.slow: set[int] = set()
        self.configuration = ConfigState()
        self.writing: dict[int, list[Ready]] = {}

    def play(self, text: str) -> str:
        """Run a story and return it with what was really seen."""
        blocks = []
        for block in text.strip().split("\n\n"):
            commands = block.partition("\n----")[0].rstrip()
            seen: list[str] = []
            for line in commands.split("\n"):
                if not line.startswith("#"):
                    seen += self.run(line.split())
            blocks.append("\n".join([commands, "----", *seen]))
        return "\n\n".join(blocks) + "\n"

    def run(self, words: list[str]) -> list[str]:
        command: Callable[..., list[str] | None] | None = getattr(self, f"do_{words[0]}", None)
        if command is None:
            raise ValueError(f"no story has a command {words[0]!r}: {' '.join(words)}")
        try:
            shown = command(*words[1:])
        except RaftError as error:
            shown = [str(error)]
        self.pump()
        return shown or []

    # -- commands ------------------------------------------------------------------------

    def do_group(self, count: str, *options: str) -> None:
        for option in options:
            name, value = option.split("=")
            self.options[name] = VALUES[value] if value in VALUES else int(value)
        self.founders = tuple(range(1, int(count) + 1))
        for member in self.founders:
            self.disks[member] = Durable()
            self.start(member, self.founders)

    def do_join(self, member: str) -> None:
        self.disks[int(member)] = Durable()
        self.start(int(member), ())

    def do_restart(self, member: str) -> None:
        self.start(int(member), self.founders)

    def start(self, member: int, founders: tuple[int, ...]) -> None:
        disk = self.disks[member]
        self.applied[member] = []
        self.writing[member] = []
        self.members[member] = Raft(
            RaftConfig(id=member, **self.options),
            random=Random(member),
            members=founders,
            hard_state=disk.hard_state,
            snapshot=disk.snapshot if disk.snapshot.metadata.index else None,
            entries=disk.entries,
        )

    def do_campaign(self, member: str) -> None:
        self.members[int(member)].campaign()

    def do_propose(self, member: str, *data: str) -> None:
        self.members[int(member)].propose_many([item.encode() for item in data])

    def do_tick(self, member: str, count: str = "1") -> None:
        for _ in range(int(count)):
            self.members[int(member)].tick()
            self.pump()

    def do_read(self, member: str, context: str) -> None:
        self.members[int(member)].read_index(context.encode())

    def do_transfer(self, member: str, target: str) -> None:
        self.members[int(member)].transfer_leadership(int(target))

    def do_change(self, member: str, *words: str) -> None:
        self.members[int(member)].propose_change(arithmetic.change(list(words)))

    def do_forget(self, member: str) -> None:
        self.members[int(member)].forget_leader()

    def do_unreachable(self, member: str, target: str) -> None:
        self.members[int(member)].report_unreachable(int(target))

    def do_snapshot(self, member: str, target: str) -> None:
        raft = self.members[int(member)]
        data = " ".join(self.applied[int(member)]).encode()
        self.queue.append(
            InstallSnapshot(
                int(member), int(target), raft.term, Snapshot(raft.snapshot_metadata(), data)
            )
        )

    def do_committed(self, *words: str) -> list[str]:
        return [arithmetic.committed(list(words))]

    def do_vote(self, *words: str) -> list[str]:
        return [arithmetic.vote(list(words))]

    def do_configuration(self, *words: str) -> None:
        self.configuration = arithmetic.configuration(list(words))

    def do_alter(self, *words: str) -> list[str]:
        self.configuration = changed(self.configuration, arithmetic.change(list(words)))
        return [arithmetic.who(self.configuration)]

    def do_members(self, member: str) -> list[str]:
        return [f"{member}: {arithmetic.who(self.members[int(member)].config_state)}"]

    def do_hold(self, source: str, target: str) -> None:
        self.held.add((int(source), int(target)))

    def do_release(self) -> None:
        self.held.clear()

    def do_cut(self, source: str, target: str) -> None:
        self.cut |= {(int(source), int(target)), (int(target), int(source))}

    def do_isolate(self, member: str) -> None:
        for other in self.members:
            self.do_cut(member, str(other))

    def do_heal(self) -> None:
        self.cut.clear()

    def do_compact(self, member: str, keep: str = "0") -> None:
        raft = self.members[int(member)]
        snapshot = Snapshot(raft.snapshot_metadata(), " ".join(self.applied[int(member)]).encode())
        raft.compact(snapshot, keep_entries=int(keep))
        self.disks[int(member)].compact(snapshot)

    def do_disk(self, member: str, how: str) -> None:
        number = int(member)
        if how == "slow":
            self.slow.add(number)
        elif how == "one":
            self.finish(number, 1)
        else:
            self.slow.discard(number)
            self.finish(number)

    def do_deliver(self, source: str, target: str, count: str = "1000") -> list[str]:
        return self.take(int(source), int(target), int(count), deliver=True)

    def do_drop(self, source: str, target: str, count: str = "1000") -> list[str]:
        return self.take(int(source), int(target), int(count), deliver=False)

    def take(self, source: int, target: int, count: int, *, deliver: bool) -> list[str]:
        taken = [m for m in self.queue if (m.source, m.target) == (source, target)][:count]
        self.queue = [m for m in self.queue if not any(m is t for t in taken)]
        for message in taken:
            if deliver and target in self.members:
                self.members[target].step(message)
        return [describe(message) for message in taken]

    def do_stabilize(self) -> list[str]:
        while waiting := [m for m in self.queue if (m.source, m.target) not in self.held]:
            self.queue = [m for m in self.queue if (m.source, m.target) in self.held]
            for message in waiting:
                known = message.target in self.members
                if known and (message.source, message.target) not in self.cut:
                    self.members[message.target].step(message)
                    self.pump()
        return self.do_show()

    def do_show(self) -> list[str]:
        return [
            f"{number}: {raft.role.value} of {raft.leader or '-'} in term {raft.term}, "
            f"commit {raft.commit_index}, applied {' '.join(self.applied[number]) or '-'}"
            for number, raft in self.members.items()
        ]

    def do_log(self, member: str) -> list[str]:
        log = self.members[int(member)].log
        kept = " ".join(f"{e.index}@{e.term}" for e in log.entries)
        return [f"{member}: after {log.offset}: {kept or '-'}; on disk to {log.persisted}"]

    def do_progress(self, member: str) -> list[str]:
        return [
            f"{peer.id}: {peer.state}, match {peer.match_index}, next {peer.next_index}, "
            f"in flight {peer.inflight}{', learner' if peer.is_learner else ''}"
            for peer in self.members[int(member)].status().peers
            if peer.id != int(member)
        ]

    # -- the driving loop ----------------------------------------------------------------

    def pump(self) -> None:
        for number, raft in self.members.items():
            while raft.has_ready():
                ready = raft.ready()
                self.queue += ready.messages
                self.writing[number].append(ready)
                if number not in self.slow:
                    self.finish(number)

    def finish(self, number: int, count: int = 1000) -> None:
        disk = self.disks[number]
        done = self.writing[number][:count]
        self.writing[number] = self.writing[number][count:]
        for ready in done:
            if ready.snapshot is not None:
                disk.write_snapshot(ready.snapshot)
                self.applied[number] = ready.snapshot.data.decode().split()
            disk.write_entries(ready.entries)
            disk.hard_state = ready.hard_state or disk.hard_state
            self.queue += ready.messages_after_persist
            for entry in ready.committed_entries:
                if entry.type.name == "CONFIG":
                    self.applied[number].append("[config]")
                elif entry.data:
                    self.applied[number].append(entry.data.decode())
            for state in ready.read_states:
                self.applied[number].append(f"[{state.context.decode()} at {state.index}]")
            self.members[number].advance(ready)


def describe(message: Message) -> str:
    """Print a message without the fields that say nothing."""
    fields = []
    for name in message.__slots__:
        if name in ("source", "target", "__weakref__"):
            continue
        value = getattr(message, name)
        if name == "entries":
            value = "[" + " ".join(f"{e.index}@{e.term}" for e in value) + "]"
        if name == "snapshot":
            value = f"{value.metadata.index}@{value.metadata.term}"
        if value not in (0, False, "[]", ()) or name == "term":
            fields.append(f"{name}={value}")
    return f"{message.source}->{message.target} {type(message).__name__} {' '.join(fields)}"
