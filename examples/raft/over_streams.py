"""Three Raft members as tasks that talk over anyio's streams; the loop may be asyncio or trio.

The machine inside is the same as in ``three_members.py``. All that is added here is what Raft
leaves to its caller: a clock that ticks, a way for messages, and somebody who waits for both.
"""

import sys
from random import Random

import anyio
from anyio.abc import ObjectReceiveStream, ObjectSendStream

from kube_actors.raft import Message, Raft, RaftConfig

MEMBERS = (1, 2, 3)
TICK_S = 0.01
Streams = dict[int, ObjectSendStream[Message]]


class Member:
    """One member: its machine, what it applied, and a word to whoever waits for that."""

    def __init__(self, number: int, streams: Streams) -> None:
        self.raft = Raft(RaftConfig(id=number), random=Random(number), members=MEMBERS)
        self.streams = streams
        self.applied: list[bytes] = []
        self.changed = anyio.Event()

    async def run(self, inbox: ObjectReceiveStream[Message]) -> None:
        next_tick = anyio.current_time() + TICK_S
        while True:
            with anyio.CancelScope(deadline=next_tick):
                self.raft.step(await inbox.receive())
            while anyio.current_time() >= next_tick:
                self.raft.tick()
                next_tick += TICK_S
            self.settle()

    def settle(self) -> None:
        """Do what the machine asks for; there is no disk, so nothing to wait for."""
        while self.raft.has_ready():
            ready = self.raft.ready()
            for message in [*ready.messages, *ready.messages_after_persist]:
                try:
                    self.streams[message.target].send_nowait(message)
                except anyio.WouldBlock:
                    pass  # A full stream loses it, as networks do: Raft sends again.
            self.applied += [entry.data for entry in ready.committed_entries if entry.data]
            self.raft.advance(ready)
            self.changed.set()
            self.changed = anyio.Event()

    def propose(self, data: bytes) -> None:
        self.raft.propose(data)
        self.settle()


async def until_somebody_leads(members: dict[int, Member]) -> Member:
    while True:
        for member in members.values():
            if member.raft.is_leader:
                return member
        await members[1].changed.wait()


async def main() -> None:
    streams: Streams = {}
    inboxes = {}
    for number in MEMBERS:
        streams[number], inboxes[number] = anyio.create_memory_object_stream[Message](1000)
    members = {number: Member(number, streams) for number in MEMBERS}
    async with anyio.create_task_group() as tasks:
        for number, member in members.items():
            tasks.start_soon(member.run, inboxes[number])
        leader = await until_somebody_leads(members)
        print(f"{leader.raft.id} leads term {leader.raft.term}")
        for word in (b"one", b"two", b"three"):
            leader.propose(word)
        for number, member in members.items():
            while len(member.applied) < 3:
                await member.changed.wait()
            print(f"{number} applied {member.applied}")
        tasks.cancel_scope.cancel()
    for number in MEMBERS:
        streams[number].close()
        inboxes[number].close()


if __name__ == "__main__":
    anyio.run(main, backend=sys.argv[1] if len(sys.argv) > 1 else "asyncio")
