"""Three Raft members in one ``for`` loop: no network, no disk, no event loop.

Run it to see an election, a few commits, the loss of the leader and the next election.
"""

from random import Random

from kube_actors.raft import Raft, RaftConfig

MEMBERS = (1, 2, 3)


def settle(group: dict[int, Raft], applied: dict[int, list[bytes]]) -> None:
    """Let every member do what it asks for, until nobody asks for anything."""
    while any(raft.has_ready() for raft in group.values()):
        for number, raft in group.items():
            ready = raft.ready()
            # A real caller writes and flushes ready.entries and ready.hard_state here, between
            # the messages that may leave at once and those that promise what was written.
            for message in [*ready.messages, *ready.messages_after_persist]:
                if message.target in group:
                    group[message.target].step(message)
            applied[number] += [entry.data for entry in ready.committed_entries if entry.data]
            raft.advance(ready)


def elect(group: dict[int, Raft], applied: dict[int, list[bytes]]) -> Raft:
    """Let time pass until somebody leads."""
    for ticks in range(1, 100):
        for raft in group.values():
            raft.tick()
        settle(group, applied)
        for raft in group.values():
            if raft.is_leader:
                print(f"after {ticks} ticks {raft.id} leads term {raft.term}")
                return raft
    raise SystemExit("nobody was elected")


def main() -> None:
    group = {
        number: Raft(RaftConfig(id=number), random=Random(number), members=MEMBERS)
        for number in MEMBERS
    }
    applied: dict[int, list[bytes]] = {number: [] for number in MEMBERS}

    leader = elect(group, applied)
    for word in (b"one", b"two", b"three"):
        leader.propose(word)
    settle(group, applied)
    print("applied:", applied)

    print(f"{leader.id} is gone")
    del group[leader.id]
    leader = elect(group, applied)
    leader.propose(b"four")
    settle(group, applied)
    print("applied:", applied)
    assert all(applied[number] == [b"one", b"two", b"three", b"four"] for number in group)


if __name__ == "__main__":
    main()
