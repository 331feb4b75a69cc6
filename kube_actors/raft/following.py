"""What a follower does with what its leader sends (paper §5.3, §7).

Invariant kept here: entries are replaced only where they conflict, never because an old append
arrived late, and nothing committed is ever replaced. What was stored is told to the leader only
after it is durable.
"""

from typing import Final

from kube_actors.raft.errors import InvalidChange, SafetyViolation, UnknownMessage
from kube_actors.raft.log import MemoryLog
from kube_actors.raft.membership import decode_config, follow_entries
from kube_actors.raft.messages import (
    Append,
    AppendReply,
    EntryType,
    Heartbeat,
    HeartbeatReply,
    InstallSnapshot,
)
from kube_actors.raft.quorum import Quorum
from kube_actors.raft.ready import FOLLOWER, LEADER
from kube_actors.raft.roles import become_follower
from kube_actors.raft.state import RaftState

NORMAL: Final = EntryType.NORMAL


def follow(state: RaftState, leader: int) -> None:
    """Take note that ``leader`` leads the current term. Raises SafetyViolation if two do."""
    if state.role is not FOLLOWER or state.leader != leader:
        if state.role is LEADER or state.leader not in (0, leader):
            raise SafetyViolation(
                f"{state.leader} and {leader} both lead term {state.term}, says {state.id}"
            )
        if state.role is FOLLOWER:
            state.leader = leader
        else:
            become_follower(state, state.term, leader)
    state.election_elapsed = 0
    state.lease.promise_tick = state.ticks


def on_append(state: RaftState, message: Append) -> None:
    """Store what the leader sends where the logs agree (AppendEntries; paper §5.3).

    Entries that conflict are replaced together with all after them; what is there already stays, so
    that an old append cuts nothing off. One that begins before the commit index stores nothing:
    up to there all agree, and the reply says so. The commit index moves to the leader's, no further
    than the last entry that this append vouches for, and the newest configuration is in force at
    once (§6). The reply leaves ``after_persist``: it promises that the entries are on disk. One
    that does not match names where the logs may first agree, so that the leader skips a term in one
    step.

    Raises UnknownMessage, storing nothing, for entries that are not consecutive, whose terms fall
    or exceed the leader's, or that hold no readable configuration. Raises SafetyViolation for a
    second leader of the term.
    """
    if message.entries:
        _check_entries(message)
    follow(state, message.source)
    log = state.log
    previous = message.previous_index
    if previous < log.committed:
        reply = AppendReply(state.id, message.source, state.term, log.committed)
    elif log.matches(previous, message.previous_term):
        index = previous
        entries = message.entries
        if entries:
            index = entries[-1].index
            fresh = log.new_entries(entries)
            if fresh:
                log.append(fresh)
                follow_entries(state, fresh)
        if message.commit > log.committed:
            commit_to(log, min(message.commit, index))
        reply = AppendReply(state.id, message.source, state.term, index)
    else:
        hint_index, hint_term = log.last_agreeing(
            min(previous, log.last_index), message.previous_term
        )
        reply = AppendReply(
            state.id, message.source, state.term, previous, True, hint_index, hint_term
        )
    state.after_persist.append(reply)


def _check_entries(message: Append) -> None:
    """Refuse what no leader sends before it is in the log. Raises UnknownMessage."""
    index, term = message.previous_index, message.previous_term
    for entry in message.entries:
        index += 1
        if entry.index != index or entry.term < term:
            raise UnknownMessage(
                f"entry {entry.index} of term {entry.term} where entry {index} of term {term} or "
                f"later was expected, in an append of {message.source}"
            )
        term = entry.term
        if entry.type is not NORMAL:
            _check_config(entry.data, message.source)
    if term > message.term:
        raise UnknownMessage(f"an entry of term {term} from the leader of term {message.term}")


def _check_config(data: bytes, source: int) -> None:
    try:
        who, _ = decode_config(data)
    except InvalidChange as error:
        raise UnknownMessage(f"in an append of {source}: {error}") from error
    if not who.voters:
        raise UnknownMessage(f"in an append of {source}: a configuration in which nobody votes")


def on_heartbeat(state: RaftState, message: Heartbeat) -> None:
    """Note that the leader leads, and commit as far as it says (paper §5.2).

    The leader sends no commit above what this member acknowledged. The reply echoes the read round
    (thesis 6.4) and promises only that this member is in the term: it leaves at once if the term is
    durable, else ``after_persist``. Raises SafetyViolation for a second leader of the term, or a
    commit beyond this log: it has lost an entry that it acknowledged.
    """
    follow(state, message.source)
    commit_to(state.log, message.commit)
    # It promises only that this member is in the term: no need to wait for a write of entries.
    box = state.messages if state.durable_term == state.term else state.after_persist
    box.append(HeartbeatReply(state.id, message.source, state.term, message.round))


def on_install_snapshot(state: RaftState, message: InstallSnapshot) -> None:
    """Replace the log by the leader's snapshot, unless it holds as much (paper §7, figure 13).

    One that is not past the commit index changes nothing; one whose last entry this log holds only
    commits up to it; any other becomes the whole log and the configuration, and is handed out to be
    written and restored. The reply names the commit index and leaves ``after_persist``: the
    snapshot must be durable first. Raises UnknownMessage for metadata of a newer term than the
    leader's or without voters, SafetyViolation for a second leader of the term.
    """
    metadata = message.snapshot.metadata
    if metadata.term > message.term or (metadata.index > 0 and not metadata.config.voters):
        raise UnknownMessage(f"member {message.source} sends an impossible snapshot: {metadata}")
    follow(state, message.source)
    log = state.log
    if metadata.index > log.committed:
        if log.matches(metadata.index, metadata.term):
            commit_to(log, metadata.index)
        else:
            log.restore(message.snapshot)
            state.configs = [(metadata.index, metadata.config)]
            state.config_state = metadata.config
            state.quorum = Quorum.of(metadata.config)
    state.after_persist.append(AppendReply(state.id, message.source, state.term, log.committed))


def commit_to(log: MemoryLog, index: int) -> None:
    """Move the commit index up to ``index``, never back.

    Raises SafetyViolation beyond the end of the log: what was acknowledged was lost.
    """
    if index <= log.committed:
        return
    if index > log.last_index:
        raise SafetyViolation(
            f"the leader committed {index} but this log ends at {log.last_index}: "
            "was a durable entry lost?"
        )
    log.committed = index
