"""How data enters the log: only at the leader, within a limit on what is not committed yet."""

from collections.abc import Sequence

from kube_actors.raft.errors import DropReason, InvalidChange, ProposalDropped, UnknownMessage
from kube_actors.raft.log import ENTRY_OVERHEAD_BYTES
from kube_actors.raft.membership import config_entry_data, follow_entries
from kube_actors.raft.messages import Entry, EntryType, Propose
from kube_actors.raft.ready import LEADER
from kube_actors.raft.state import RaftState


def propose(state: RaftState, data: Sequence[bytes], kind: EntryType) -> int:
    """Append entries at the leader, or pass them on to it.

    Returns the index of the first entry, 0 if it was passed on. Raises ProposalDropped.
    """
    if state.role is not LEADER:
        _forward(state, data, kind)
        return 0
    if state.transferee:
        raise ProposalDropped(DropReason.TRANSFERRING)
    if state.id not in state.progress:
        raise ProposalDropped(DropReason.REMOVED)
    if kind is EntryType.CONFIG:
        data = (config_entry_data(state, data[0]),)
    size = len(data) * ENTRY_OVERHEAD_BYTES
    for item in data:
        size += len(item)
    uncommitted = state.uncommitted_bytes
    if uncommitted and uncommitted + size > state.config.uncommitted_bytes_max:
        raise ProposalDropped(DropReason.UNCOMMITTED_LIMIT)
    state.uncommitted_bytes = uncommitted + size
    log = state.log
    first = log.last_index + 1
    term = state.term
    log.append([Entry(first + i, term, item, kind) for i, item in enumerate(data)])
    state.dirty = True
    if kind is EntryType.CONFIG:
        follow_entries(state, log.entries[-1:])
    return first


def _forward(state: RaftState, data: Sequence[bytes], kind: EntryType) -> None:
    if not state.leader:
        raise ProposalDropped(DropReason.NO_LEADER)
    if not state.config.forward_proposals:
        raise ProposalDropped(DropReason.NOT_LEADER)
    state.messages.append(Propose(state.id, state.leader, state.term, tuple(data), kind))


def on_propose(state: RaftState, message: Propose) -> None:
    """Take in what a follower passed on; if it cannot be, it is lost, as messages may be.

    Raises UnknownMessage for what no follower passes on: nothing, or several changes at once.
    """
    if not message.data or (message.type is EntryType.CONFIG and len(message.data) != 1):
        raise UnknownMessage(
            f"member {message.source} proposes {len(message.data)} entries of kind "
            f"{message.type.name}"
        )
    try:
        propose(state, message.data, message.type)
    except (ProposalDropped, InvalidChange):
        return
