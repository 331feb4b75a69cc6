"""Who answers: what a member knows about the others between elections.

Raft's followers hear only their leader, yet each member must know within one election timeout
whether a majority is there. So members greet those they have not heard from lately. Whom it counts
follows the configuration in the log. Pure: time is the member's own ticks, of which a stalled loop
makes few, so a stall never looks like a loss.
"""

from kube_actors.actor import message
from kube_actors.raft import ConfigState, Quorum
from kube_actors.store.state import belonging


@message("store.greeting")
class Greeting:
    """Are you there? Answered by a ``Greeted``. ``leader`` is whom the sender follows, or 0.

    ``group`` is the identity of its group, -1 while it does not know it.
    """

    member: int
    leader: int
    term: int
    group: int = -1


@message("store.greeted")
class Greeted:
    """``removed``: a member that greeted and that the group has removed; 0 for none.

    ``started``: one that greeted and that the group knows to have had a log; 0 likewise. By
    number, for another member may live at that address by now.
    """

    member: int
    leader: int
    term: int
    group: int = -1
    removed: int = 0
    started: int = 0


class Peers:
    """The other members, and when each was last heard."""

    def __init__(self, member: int, config: ConfigState, lost_ticks: int) -> None:
        self._member = member
        self._lost_ticks = lost_ticks
        self._greet_ticks = max(1, lost_ticks // 2)
        self._ticks = 0
        self._met_tick = -1
        self._heard: dict[int, int] = {}
        self._asked: dict[int, int] = {}
        self._greeted: dict[int, int] = {}
        self.follow(config)

    def follow(self, config: ConfigState) -> None:
        """Count by another configuration."""
        self._quorum = Quorum.of(config)
        self._met_tick = -1
        others = [member for member in belonging(config) if member != self._member]
        # Nobody is missed before they had the time to answer once.
        self._heard = {member: self._heard.get(member, self._ticks) for member in others}
        self._asked = {member: self._asked.get(member, -self._greet_ticks) for member in others}
        self._greeted = {
            member: leader for member, leader in self._greeted.items() if member in others
        }

    def tick(self) -> None:
        """Let a tick pass: who was not heard for ``lost_ticks`` no longer answers."""
        self._ticks += 1

    @property
    def ticks(self) -> int:
        """The member's time since its start, in ticks of its own."""
        return self._ticks

    @property
    def voters(self) -> int:
        """Count those who vote."""
        return len(self._quorum.members)

    def hear(self, member: int) -> None:
        """Note that a member was heard just now; no-op for one that does not belong."""
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

    def answers(self, member: int) -> bool:
        """Say whether a member was heard within an election timeout; this one always is."""
        if member == self._member:
            return True
        heard = self._heard.get(member)
        return heard is not None and self._ticks - heard <= self._lost_ticks

    @property
    def answering(self) -> int:
        """Count the voters that answer."""
        return sum(1 for voter in self._quorum.members if self.answers(voter))

    @property
    def has_quorum(self) -> bool:
        """Say whether a majority of the voters answers; of both groups in a joint configuration."""
        if self._met_tick != self._ticks:
            voters = self._quorum.members
            if not voters or not self._quorum.is_met([v for v in voters if self.answers(v)]):
                return False
            # Within a tick members are only heard, never lost.
            self._met_tick = self._ticks
        return True

    @property
    def quorum_without_leader(self) -> bool:
        """Say whether a majority has answered that it follows nobody: somebody should lead."""
        idle = [member for member, leader in self._greeted.items() if not leader]
        return len(idle) == len(self._greeted) and self._quorum.is_met([self._member, *idle])

    @property
    def is_first(self) -> bool:
        """Say whether this member is the voter with the lowest number."""
        return self._quorum.members[:1] == (self._member,)
