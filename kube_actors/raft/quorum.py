"""Counting: who must agree before something is decided.

A ``Quorum`` is a majority of the voters and, in joint consensus, also a majority of the outgoing
voters (paper §6). An empty half agrees to everything, as in the limit of no constraint.
"""

from collections.abc import Collection, Iterable, Mapping
from enum import Enum
from typing import Final, Protocol

from attrs import field, frozen

from kube_actors.raft.messages import ConfigState

NO_LIMIT: Final = (1 << 63) - 1


class HasMatch(Protocol):
    """What counting needs of a member: up to where its copy of the log is surely durable."""

    match_index: int


class VoteResult(Enum):
    """WON or LOST once no vote still to come could change it, PENDING before that."""

    PENDING = "pending"
    WON = "won"
    LOST = "lost"


def _in_order(members: Iterable[int]) -> tuple[int, ...]:
    return tuple(sorted(members))


@frozen
class Quorum:
    """The voters, sorted; ``outgoing`` is empty outside of joint consensus."""

    voters: tuple[int, ...] = field(converter=_in_order)
    outgoing: tuple[int, ...] = field(default=(), converter=_in_order)
    members: tuple[int, ...] = field(init=False)

    def __attrs_post_init__(self) -> None:
        members = tuple(sorted({*self.voters, *self.outgoing}))
        object.__setattr__(self, "members", members)

    @classmethod
    def of(cls, config: ConfigState) -> "Quorum":
        """Count by a configuration: joint if it has outgoing voters; learners never count."""
        return cls(config.voters, config.voters_outgoing)

    def committed_index(self, progress: Mapping[int, HasMatch]) -> int:
        """Return the highest index that a quorum has stored; a voter without progress has 0."""
        index = majority_index(self.voters, progress)
        if self.outgoing:
            index = min(index, majority_index(self.outgoing, progress))
        return index

    def vote_result(self, votes: Mapping[int, bool]) -> VoteResult:
        """Say where an election stands; members without a vote are still awaited."""
        results = (_majority_vote(self.voters, votes), _majority_vote(self.outgoing, votes))
        if VoteResult.LOST in results:
            return VoteResult.LOST
        if VoteResult.PENDING in results:
            return VoteResult.PENDING
        return VoteResult.WON

    def is_met(self, agreeing: Collection[int]) -> bool:
        """Say whether these members suffice for a decision."""
        return _has_majority(self.voters, agreeing) and _has_majority(self.outgoing, agreeing)


def majority_index(voters: tuple[int, ...], progress: Mapping[int, HasMatch]) -> int:
    """Return the highest index stored by more than half of the voters."""
    if not voters:
        return NO_LIMIT
    matches = [progress[voter].match_index if voter in progress else 0 for voter in voters]
    matches.sort()
    return matches[(len(matches) - 1) // 2]


def _has_majority(voters: tuple[int, ...], agreeing: Collection[int]) -> bool:
    if not voters:
        return True
    missing = (len(voters) + 1) // 2
    for voter in voters:
        if voter not in agreeing:
            missing -= 1
            if not missing:
                return False
    return True


def _majority_vote(voters: tuple[int, ...], votes: Mapping[int, bool]) -> VoteResult:
    if not voters:
        return VoteResult.WON
    granted = sum([votes.get(voter, False) for voter in voters])
    refused = sum([not votes.get(voter, True) for voter in voters])
    majority = len(voters) // 2 + 1
    if granted >= majority:
        return VoteResult.WON
    if len(voters) - refused < majority:
        return VoteResult.LOST
    return VoteResult.PENDING
