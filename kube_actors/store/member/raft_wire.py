"""Raft's messages as the members of the store send them to each other.

Most cross as they are. An append carries its entries in parts, so that members in one process
share the values; a snapshot goes in chunks (``snapshot_transfers.py``).
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, cast, get_args

from attrs import field, frozen

from kube_actors import raft
from kube_actors.actor import Blob, message, register
from kube_actors.raft import ConfigState, Entry, EntryType, SnapshotMetadata
from kube_actors.store.messages import EntryData, parts_of
from kube_actors.store.state import FrozenState, State

register("raft.append_reply", raft.AppendReply)
register("raft.heartbeat", raft.Heartbeat)
register("raft.heartbeat_reply", raft.HeartbeatReply)
register("raft.vote", raft.Vote)
register("raft.vote_reply", raft.VoteReply)
register("raft.pre_vote", raft.PreVote)
register("raft.pre_vote_reply", raft.PreVoteReply)
register("raft.read_index", raft.ReadIndex)
register("raft.read_index_reply", raft.ReadIndexReply)
register("raft.transfer_leader", raft.TransferLeader)
register("raft.timeout_now", raft.TimeoutNow)
register("raft.config_state", ConfigState)
register("raft.snapshot_metadata", SnapshotMetadata)
register("raft.snapshot_chunk", raft.SnapshotChunk)
register("raft.snapshot_chunk_reply", raft.SnapshotChunkReply)

PlainMessage = (
    raft.AppendReply
    | raft.Heartbeat
    | raft.HeartbeatReply
    | raft.Vote
    | raft.VoteReply
    | raft.PreVote
    | raft.PreVoteReply
    | raft.ReadIndex
    | raft.ReadIndexReply
    | raft.TransferLeader
    | raft.TimeoutNow
)

_PLAIN = frozenset(get_args(PlainMessage))


@message("raft.entry")
class CarriedEntry:
    """``values`` are the blobs of a batch; a configuration change has only a ``header``.

    The header is a blob too, so that the logs of members in one process share it.
    """

    index: int
    term: int
    type: EntryType
    header: Blob
    values: tuple[Blob, ...] = ()


@message("raft.append")
class CarriedAppend:
    """``raft.Append`` on the wire, its entries in parts."""

    source: int
    target: int
    term: int
    previous_index: int
    previous_term: int
    entries: tuple[CarriedEntry, ...]
    commit: int


@frozen
class SnapshotData:
    """The data of a received snapshot, decoded. Raft takes it for bytes and never looks.

    ``ready`` is the state made of it, to be used by one member.
    """

    state: FrozenState = field(repr=False)
    size: int
    ready: State = field(repr=False)

    def __len__(self) -> int:
        return self.size


def carry(messages: Iterable[raft.Message]) -> Iterator[Any]:
    """Turn Raft's messages into what crosses the wire; what several members get is made once.

    A snapshot is not for the wire, and given as it is.
    """
    entries: Sequence[Entry] = ()
    carried: tuple[CarriedEntry, ...] = ()
    for one in messages:
        if type(one) is not raft.Append:
            yield one
            continue
        if one.entries is not entries:
            entries = one.entries
            carried = tuple([_carry(entry) for entry in entries])
        yield CarriedAppend(
            one.source,
            one.target,
            one.term,
            one.previous_index,
            one.previous_term,
            carried,
            one.commit,
        )


def _carry(entry: Entry) -> CarriedEntry:
    if entry.type is EntryType.CONFIG or not entry.data:
        return CarriedEntry(entry.index, entry.term, entry.type, Blob(entry.data))
    parts = parts_of(entry.data)
    values = cast(tuple[Blob, ...], parts.values)
    return CarriedEntry(entry.index, entry.term, entry.type, Blob(parts.header), values)


def is_rafts(message: object) -> bool:
    """Say whether a message is for Raft to take."""
    return type(message) in _RAFTS


def received(carried: object) -> raft.Message | None:
    """Turn what crossed the wire into Raft's message; None if it is none."""
    if isinstance(carried, CarriedAppend):
        return raft.Append(
            carried.source,
            carried.target,
            carried.term,
            carried.previous_index,
            carried.previous_term,
            tuple([_received(entry) for entry in carried.entries]),
            carried.commit,
        )
    return carried if type(carried) in _PLAIN else None  # type: ignore[return-value]


def _received(entry: CarriedEntry) -> Entry:
    if entry.type is EntryType.CONFIG or not entry.header:
        return Entry(entry.index, entry.term, entry.header, entry.type)
    data = cast(bytes, EntryData(entry.header, entry.values))
    return Entry(entry.index, entry.term, data, entry.type)


_RAFTS = _PLAIN | {CarriedAppend}
