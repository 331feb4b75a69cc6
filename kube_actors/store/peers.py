"""Who answers: what a member knows about the others between elections.

Raft's followers hear only their leader, yet each member must know within one election timeout
whether a majority is there. So members greet those they have not heard from lately. Pure: time
is the member's own ticks, of which a stalled loop makes few, so a stall never looks like a loss.
"""

from collections.abc import Sequence

from kube_actors.actor import message


@message("store.greeting")
class Greeting:
    """Are you there? Answered by a ``Greeted``. ``leader`` is whom the sender follows, or 0."""

    member: int
    leader: int
    term: int


@message("store.greeted")
class Greeted:
    member: int
    leader: int
    term: int


class Peers:
    """The other members, and when each was last heard."""

    def __init__(self, peers: Sequence[int], members: int, lost_ticks: int) -> None:
        self._lost_ticks = lost_ticks
        self._greet_ticks = max(1, lost_ticks // 2)
        self._quorum = members // 2 + 1
        self._ticks = 0
        # Nobody is missed before they had the time to answer once.
        self._heard = dict.fromkeys(peers, 0)
        self._asked = dict.fromkeys(peers, -self._greet_ticks)
        self._greeted: dict[int, int] = {}

    def tick(self) -> None:
        self._ticks += 1

    @property
    def ticks(self) -> int:
        return self._ticks

    def hear(self, member: int) -> None:
        if member in self._heard:
            self._heard[member] = self._ticks

    def greeted(self, member: int, leader: int) -> None:
        """Note what a member said about the leader."""
        self.hear(member)
        if member in self._heard:
            self._greeted[member] = leader

    def to_greet(self) -> list[int]:
        """Return who has been silent for a while, and count them as asked.

        Without a majority they are asked all the time, for every moment of it refuses writes.
        """
        wait = self._greet_ticks if self.has_quorum else 1
        due = [
            member
            for member, heard in self._heard.items()
            if self._ticks - max(heard, self._asked[member]) >= wait or self._asked[member] < 0
        ]
        for member in due:
            self._asked[member] = self._ticks
        return due

    @property
    def answering(self) -> int:
        """Count who was heard within an election timeout, this member included."""
        ticks, lost = self._ticks, self._lost_ticks
        return 1 + sum(1 for heard in self._heard.values() if ticks - heard <= lost)

    @property
    def has_quorum(self) -> bool:
        return self.answering >= self._quorum

    @property
    def quorum_without_leader(self) -> bool:
        """Say whether a majority has answered that it follows nobody: somebody should lead."""
        idle = sum(1 for leader in self._greeted.values() if not leader)
        return idle == len(self._greeted) and 1 + idle >= self._quorum
