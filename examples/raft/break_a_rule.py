"""A student's experiment: take one rule of Raft away and watch a promise break.

§5.4.2 of the paper says that a leader never commits an entry of an older term by counting copies.
Figure 8 shows why. Here its five members go through exactly that, once with the rule and once
without; the ledger of what was applied says whether anybody applied two entries at one index.
"""

from collections.abc import Callable
from random import Random

from kube_actors.raft import Append, Entry, HardState, Message, Raft, RaftConfig, RaftState
from kube_actors.raft import replication as rules

MEMBERS = (1, 2, 3, 4, 5)
Lose = Callable[[Message], bool]


class Group:
    def __init__(self) -> None:
        self.hard = dict.fromkeys(MEMBERS, HardState())
        self.disk: dict[int, list[Entry]] = {member: [] for member in MEMBERS}
        self.ledger: dict[int, Entry] = {}
        self.kept = True
        self.members: dict[int, Raft] = {}
        for member in MEMBERS:
            self.restart(member)

    def restart(self, member: int) -> Raft:
        """Start from what is on disk; one entry per message, so that we can stop in between."""
        config = RaftConfig(id=member, pre_vote=False, check_quorum=False, message_bytes_max=1)
        hard, entries = self.hard[member], self.disk[member]
        raft = Raft(config, random=Random(1), members=MEMBERS, hard_state=hard, entries=entries)
        self.members[member] = raft
        return raft

    def talk(self, *reachable: int, lose: Lose = lambda message: False) -> None:
        """Let these members talk until they are done; what they say to others is lost."""
        while any(self.members[member].has_ready() for member in reachable):
            for member in reachable:
                for message in self.work(member):
                    if message.target in reachable and not lose(message):
                        self.members[message.target].step(message)

    def work(self, member: int) -> list[Message]:
        raft = self.members[member]
        ready = raft.ready()
        for entry in ready.entries:
            self.disk[member][entry.index - 1 :] = [entry]
        self.hard[member] = ready.hard_state or self.hard[member]
        for entry in ready.committed_entries:
            first = self.ledger.setdefault(entry.index, entry)
            if entry.index == 2:
                print(f"    {member} applies 2: {entry.data!r} of term {entry.term}")
            if first != entry:
                self.kept = False
                print(f"    BROKEN: at {entry.index} somebody has applied {first.data!r} already")
        raft.advance(ready)
        return [*ready.messages, *ready.messages_after_persist]

    def would_store_term_3(self, message: Message) -> bool:
        """An entry of the leader's own term would make x safe, if it got around."""
        newest = isinstance(message, Append) and any(entry.term == 3 for entry in message.entries)
        return newest and self.members[message.target].last_index == 2

    def elect(self, member: int, *voters: int) -> Raft:
        """Make a member lead, although its first entries are lost; it may need two campaigns."""
        raft = self.restart(member)
        while not raft.is_leader:
            raft.campaign()
            self.talk(member, *voters, lose=lambda message: isinstance(message, Append))
        print(f"  {member} restarts and leads term {raft.term}; log: {self.log(member)}")
        return raft

    def log(self, member: int) -> str:
        return " ".join(f"{entry.index}@{entry.term}" for entry in self.members[member].log.entries)


def figure_8() -> bool:
    group = Group()
    group.members[1].campaign()
    group.talk(*MEMBERS)
    print(f"  1 leads term 1; log of all: {group.log(5)}")

    group.members[1].propose(b"x")
    group.talk(1, 2)
    print(f"  (a) 1 proposes x, only 2 gets it; log of 2: {group.log(2)}")
    group.elect(5, 3, 4)
    print(f"  (b) nobody got what 5 appended; log of 5: {group.log(5)}")

    leader = group.elect(1, 2, 3, 4)
    leader.tick()
    group.talk(1, 3, 4, lose=group.would_store_term_3)
    print(f"  (c) x is at all but 5 now; log of 3: {group.log(3)}")

    group.elect(5, 2, 3, 4).tick()
    group.talk(2, 3, 4, 5)
    print(f"  (d) 5 has brought its own log to the others; log of 3: {group.log(3)}")
    return group.kept


def commit_by_counting_alone(state: RaftState) -> None:
    index = state.quorum.committed_index(state.progress)  # whatever its term is
    state.log.committed = max(state.log.committed, index)


def main() -> None:
    print("with the rule:")
    print("the promise was", "kept" if figure_8() else "broken")
    print("\nwithout the rule:")
    right, rules.maybe_commit = rules.maybe_commit, commit_by_counting_alone
    try:
        print("the promise was", "kept" if figure_8() else "broken")
    finally:
        rules.maybe_commit = right


if __name__ == "__main__":
    main()
