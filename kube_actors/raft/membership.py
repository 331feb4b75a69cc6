"""Who is in the group and how that changes (paper §6, thesis chapter 4).

A change of one voter at a time is simple: any two majorities around it overlap. Anything else
goes through joint consensus, in which both the old and the new voters must agree, and which is
left by itself (AUTO, IMPLICIT) or when the caller proposes ``LEAVE_JOINT`` (EXPLICIT). Learners
receive the log and are never counted. At most one change is not yet committed at any time.
"""

from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import Final

from attrs import evolve, frozen

from kube_actors.raft.errors import DropReason, InvalidChange, LogCompacted, ProposalDropped
from kube_actors.raft.log import ENTRY_OVERHEAD_BYTES
from kube_actors.raft.messages import ConfigState, Entry, EntryType, TimeoutNow
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
    """What becomes of one member, named by its number (1 and up)."""

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
        """Encode for the way to the leader. Raises InvalidChange for numbers that do not fit."""
        if len(self.changes) > 255:
            raise InvalidChange(f"{len(self.changes)} changes at once, at most 255")
        for change in self.changes:
            if not 0 < change.member < 1 << 63:
                raise InvalidChange(f"member numbers begin at 1, not {change.member}")
        head = bytes((self.transition, len(self.changes)))
        parts = [
            bytes((change.type,)) + change.member.to_bytes(_MEMBER_BYTES, "big")
            for change in self.changes
        ]
        return head + b"".join(parts) + self.context

    @classmethod
    def from_bytes(cls, data: bytes) -> "ConfigChange":
        """Decode what ``to_bytes`` made. Raises InvalidChange."""
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
    if max(map(len, (after.voters, after.learners, after.learners_next))) > 255:
        raise InvalidChange("a group has at most 255 voters and 255 learners")
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


def encode_config(who: ConfigState, context: bytes) -> bytes:
    """Encode a whole configuration as the data of a CONFIG entry.

    Not the change to it: a member that begins with an empty log must not need what came before.
    """
    groups = (who.voters, who.voters_outgoing, who.learners, who.learners_next)
    counts = bytes([who.auto_leave, *map(len, groups)])
    members = [member.to_bytes(_MEMBER_BYTES, "big") for group in groups for member in group]
    return counts + b"".join(members) + context


def decode_config(data: bytes) -> tuple[ConfigState, bytes]:
    """Decode the data of a CONFIG entry into (configuration, context). Raises InvalidChange."""
    counts = data[1:5]
    at = 5
    if len(counts) < 4 or len(data) < at + sum(counts) * _MEMBER_BYTES or data[0] > 1:
        raise InvalidChange(f"not a configuration: {data[:20]!r}")
    groups = []
    for count in counts:
        end = at + count * _MEMBER_BYTES
        groups.append(tuple(int.from_bytes(data[i : i + _MEMBER_BYTES]) for i in range(at, end, 8)))
        at = end
    voters, outgoing, learners, learners_next = groups
    return ConfigState(voters, outgoing, learners, learners_next, bool(data[0])), data[at:]


def config_entry_data(state: RaftState, data: bytes) -> bytes:
    """Turn an encoded change into what the leader appends. Raises ProposalDropped, InvalidChange.

    A leader must have committed in its own term first: changes of one voter at a time are unsafe
    without that (Ongaro, raft-dev, July 2015).
    """
    change = ConfigChange.from_bytes(data)
    who = state.config_state
    if state.configs[-1][0] > state.log.committed or not state.committed_in_term:
        raise ProposalDropped(DropReason.CHANGE_PENDING)
    if bool(who.voters_outgoing) is bool(change.changes):
        raise ProposalDropped(DropReason.CHANGE_REFUSED)
    after = changed(who, change)
    for item in change.changes:
        if item.type is ChangeType.ADD_VOTER and item.member in who.learners:
            lag = state.log.last_index - state.progress[item.member].match_index
            if lag > state.config.promote_lag_max:
                raise ProposalDropped(DropReason.NOT_CAUGHT_UP)
    return encode_config(after, change.context)


def follow_entries(state: RaftState, entries: Sequence[Entry]) -> None:
    """Follow the configurations in entries that were just appended, committed or not.

    A member always uses the newest one in its log (§6): one that waited for the commit could
    need the vote of a member that has left and will not give it.
    """
    configs = state.configs
    before = configs[-1]
    first = entries[0].index
    while len(configs) > 1 and configs[-1][0] >= first:
        configs.pop()
    for entry in entries:
        if entry.type is not EntryType.NORMAL:
            configs.append((entry.index, decode_config(entry.data)[0]))
    if configs[-1] != before:
        _switch(state, configs[-1][1])


def _switch(state: RaftState, who: ConfigState) -> None:
    state.config_state = who
    state.quorum = Quorum.of(who)
    state.config_settled = False
    if state.is_leader:
        add_progress(state)
        if state.transferee not in state.quorum.members:
            state.transferee = 0
        state.dirty = True
        maybe_commit(state)


def config_as_of(state: RaftState, index: int) -> ConfigState:
    """Return the configuration in force at an entry that is still in the log."""
    for since, who in reversed(state.configs):
        if since <= index:
            return who
    raise LogCompacted(index, state.log.first_index)


def forget_configs(state: RaftState, index: int) -> None:
    """Drop configurations that a snapshot at ``index`` replaces."""
    configs = state.configs
    while len(configs) > 1 and configs[1][0] <= index:
        configs.pop(0)


def leave_joint_if_due(state: RaftState) -> None:
    """Leave a committed joint configuration that is to be left by itself."""
    who = state.config_state
    if not who.auto_leave or state.configs[-1][0] > state.log.committed:
        return
    log = state.log
    data = encode_config(changed(who, LEAVE_JOINT), b"")
    entry = Entry(log.last_index + 1, state.term, data, EntryType.CONFIG)
    log.append([entry])
    state.uncommitted_bytes += len(data) + ENTRY_OVERHEAD_BYTES
    follow_entries(state, [entry])
    state.dirty = True


def step_down_if_removed(state: RaftState) -> None:
    """End the lead of a member that is no voter of the committed configuration any more."""
    if state.configs[-1][0] > state.log.committed:
        return
    state.config_settled = True
    if state.is_voter or not state.config.step_down_on_removal:
        return
    last = state.log.last_index
    for member in state.quorum.members:
        if state.progress[member].match_index == last:
            state.messages.append(TimeoutNow(state.id, member, state.term))
            break
    become_follower(state, state.term, 0)
