"""Who is in the group and how that changes (paper §6, thesis chapter 4).

A change of one voter at a time is simple: any two majorities around it overlap. Anything else
goes through joint consensus, in which both the old and the new voters must agree, and which is
left by itself (AUTO, IMPLICIT) or when the caller proposes ``LEAVE_JOINT`` (EXPLICIT). Learners
receive the log and are never counted. At most one change is not yet applied at any time.
"""

from collections.abc import Iterable
from enum import IntEnum
from typing import Final

from attrs import evolve, frozen

from kube_actors.raft.errors import DropReason, InvalidChange, ProposalDropped
from kube_actors.raft.log import ENTRY_OVERHEAD_BYTES
from kube_actors.raft.messages import ConfigState, Entry, EntryType
from kube_actors.raft.quorum import Quorum
from kube_actors.raft.replication import maybe_commit
from kube_actors.raft.roles import add_progress, become_follower
from kube_actors.raft.state import RaftState

_MEMBER_BYTES: Final = 8


class ChangeType(IntEnum):
    """ADD_VOTER also promotes a learner; ADD_LEARNER also demotes a voter."""

    ADD_VOTER = 0
    REMOVE = 1
    ADD_LEARNER = 2


class Transition(IntEnum):
    """AUTO: simple if one change suffices, else joint and left by itself.

    IMPLICIT: joint, left by itself. EXPLICIT: joint, left when ``LEAVE_JOINT`` is proposed.
    """

    AUTO = 0
    IMPLICIT = 1
    EXPLICIT = 2


@frozen
class MemberChange:
    type: ChangeType
    member: int


@frozen
class ConfigChange:
    """Changes that take effect together; none at all leaves the joint configuration.

    ``context`` is the caller's, carried along.
    """

    changes: tuple[MemberChange, ...] = ()
    transition: Transition = Transition.AUTO
    context: bytes = b""

    def to_bytes(self) -> bytes:
        """Encode as the data of a CONFIG entry."""
        head = bytes((self.transition, len(self.changes)))
        parts = [
            bytes((change.type,)) + change.member.to_bytes(_MEMBER_BYTES, "big")
            for change in self.changes
        ]
        return head + b"".join(parts) + self.context

    @classmethod
    def from_bytes(cls, data: bytes) -> "ConfigChange":
        """Decode the data of a CONFIG entry. Raises InvalidChange."""
        try:
            transition, count = Transition(data[0]), data[1]
            end = 2 + count * (1 + _MEMBER_BYTES)
            if len(data) < end:
                raise InvalidChange(f"a change of {count} members in {len(data)} bytes")
            changes = tuple(
                MemberChange(
                    ChangeType(data[at]), int.from_bytes(data[at + 1 : at + 1 + _MEMBER_BYTES])
                )
                for at in range(2, end, 1 + _MEMBER_BYTES)
            )
        except (IndexError, ValueError) as error:
            raise InvalidChange(f"not a configuration change: {error}") from error
        return cls(changes, transition, data[end:])


LEAVE_JOINT: Final = ConfigChange()


def changed(who: ConfigState, change: ConfigChange) -> ConfigState:
    """Return the configuration after a change. Raises InvalidChange; changes nothing itself."""
    if not change.changes:
        return _left_joint(who)
    if who.voters_outgoing:
        raise InvalidChange("the joint configuration must be left first")
    joint = len(change.changes) > 1 or change.transition is not Transition.AUTO
    outgoing = who.voters if joint else ()
    after = _with_changes(who, change.changes, outgoing)
    if not after.voters:
        raise InvalidChange("the last voter cannot be removed")
    if joint:
        return evolve(after, auto_leave=change.transition is not Transition.EXPLICIT)
    return after


def _left_joint(who: ConfigState) -> ConfigState:
    if not who.voters_outgoing:
        raise InvalidChange("the configuration is not joint")
    return ConfigState(voters=who.voters, learners=_sorted(who.learners + who.learners_next))


def _with_changes(
    who: ConfigState, changes: Iterable[MemberChange], outgoing: tuple[int, ...]
) -> ConfigState:
    voters, learners, learners_next = set(who.voters), set(who.learners), set(who.learners_next)
    for change in changes:
        member = change.member
        if member < 1:
            raise InvalidChange(f"member numbers begin at 1, not {member}")
        if change.type is ChangeType.ADD_LEARNER and member in learners:
            continue
        voters.discard(member)
        learners.discard(member)
        learners_next.discard(member)
        if change.type is ChangeType.ADD_VOTER:
            voters.add(member)
        elif change.type is ChangeType.ADD_LEARNER:
            # An outgoing voter is still counted and cannot be a learner at the same time.
            (learners_next if member in outgoing else learners).add(member)
    return ConfigState(_sorted(voters), outgoing, _sorted(learners), _sorted(learners_next))


def _sorted(members: Iterable[int]) -> tuple[int, ...]:
    return tuple(sorted(members))


def check_change(state: RaftState, data: bytes) -> None:
    """Refuse a change that the leader may not append now. Raises ProposalDropped, InvalidChange."""
    change = ConfigChange.from_bytes(data)
    who = state.config_state
    if state.pending_config_index > state.log.applied:
        raise ProposalDropped(DropReason.CHANGE_PENDING)
    if bool(who.voters_outgoing) is bool(change.changes):
        raise ProposalDropped(DropReason.CHANGE_REFUSED)
    changed(who, change)
    for item in change.changes:
        if item.type is ChangeType.ADD_VOTER and item.member in who.learners:
            lag = state.log.last_index - state.progress[item.member].match_index
            if lag > state.config.promote_lag_max:
                raise ProposalDropped(DropReason.NOT_CAUGHT_UP)


def apply_change(state: RaftState, entry: Entry) -> None:
    """Let a committed change take effect, now that everything before it is applied."""
    take_config(state, changed(state.config_state, ConfigChange.from_bytes(entry.data)))


def take_config(state: RaftState, who: ConfigState) -> None:
    """Switch to another configuration."""
    state.config_state = who
    state.quorum = Quorum.of(who)
    if not state.is_leader:
        return
    add_progress(state)
    state.dirty = True
    if state.transferee not in state.quorum.members:
        state.transferee = 0
    if not state.is_voter and state.config.step_down_on_removal:
        become_follower(state, state.term, 0)
    else:
        maybe_commit(state)


def leave_joint_if_due(state: RaftState) -> None:
    """Propose to leave a joint configuration that is to be left by itself."""
    log = state.log
    if state.is_leader and state.pending_config_index <= log.applied:
        index = log.last_index + 1
        entry = Entry(index, state.term, LEAVE_JOINT.to_bytes(), EntryType.CONFIG)
        log.append([entry])
        state.uncommitted_bytes += len(entry.data) + ENTRY_OVERHEAD_BYTES
        state.pending_config_index = index
        state.dirty = True
