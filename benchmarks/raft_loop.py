"""Commits per second of the Raft algorithm alone: members in one plain loop, no disk, no wire.

A commit is one entry of 100 bytes that every member has applied. "One at a time" proposes the next
when the last is applied everywhere; "64 at a time" shows what batching leaves. Reads are ReadIndex
rounds with a quorum of heartbeats. The best of several repetitions counts: other load only slows.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from random import Random

from report import Row, publish

from kube_actors.raft import Raft, RaftConfig

ENTRY = b"x" * 100


class Loop:
    """A group whose messages arrive at once and whose disks are instant."""

    def __init__(self, count: int) -> None:
        ids = range(1, count + 1)
        self.members = {
            member: Raft(RaftConfig(id=member), random=Random(member), members=ids)
            for member in ids
        }
        self.applied = dict.fromkeys(ids, 0)
        self.reads = 0
        self.leader = self.members[1]
        self.leader.campaign()
        self.settle()

    def settle(self) -> None:
        members = self.members
        busy = True
        while busy:
            busy = False
            for number, raft in members.items():
                if raft.has_ready():
                    busy = True
                    ready = raft.ready()
                    for message in ready.messages:
                        members[message.target].step(message)
                    for message in ready.messages_after_persist:
                        members[message.target].step(message)
                    self.applied[number] += len(ready.committed_entries)
                    self.reads += len(ready.read_states)
                    raft.advance(ready)

    def commit(self, total: int, batch: int) -> None:
        target = self.applied[1] + total
        while self.applied[1] < target:
            for _ in range(batch):
                self.leader.propose(ENTRY)
            self.settle()

    def read(self, total: int) -> None:
        for number in range(total):
            self.leader.read_index(b"%d" % number)
            self.settle()


def best_rate(repetitions: int, total: int, run: Callable[[int], None]) -> float:
    fastest = min(timed(run, total) for _ in range(repetitions))
    return total / fastest


def timed(run: Callable[[int], None], total: int) -> float:
    begun = time.perf_counter()
    run(total)
    return time.perf_counter() - begun


def measure(*, smoke: bool) -> Sequence[Row]:
    total, repetitions = (200, 1) if smoke else (5_000, 7)
    rows = []
    for count, goal in ((1, ""), (3, "≥ 15000"), (5, "")):
        loop = Loop(count)
        goal = "" if smoke else goal
        name = f"{count} members" if count > 1 else "1 member"

        def one(number: int, loop: Loop = loop) -> None:
            loop.commit(number, 1)

        def many(number: int, loop: Loop = loop) -> None:
            loop.commit(number, 64)

        rows += [
            Row(f"{name}, one at a time", best_rate(repetitions, total, one), "commits/s", goal),
            Row(f"{name}, 64 at a time", best_rate(repetitions, total * 4, many), "commits/s"),
            Row(f"{name}, linearizable read", best_rate(repetitions, total, loop.read), "reads/s"),
        ]
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="a size that only shows it works")
    parser.add_argument("--json", action="store_true", help="one line for comparison over time")
    options = parser.parse_args()
    workload = "100-byte entries in a plain loop, no disk, no wire"
    publish("raft_loop", workload, measure(smoke=options.smoke), as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
