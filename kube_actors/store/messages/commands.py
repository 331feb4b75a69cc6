"""What a log entry carries: a batch of requests, each with the name of who asked.

One Raft entry holds many requests, because a round of messages and syncs costs the same for one
as for a hundred. The encoded batch stays in parts: a small header, and the values as the very
bytes objects that the caller gave, so that members in one process share them and a disk writes
them without gathering.
"""

import struct
from typing import cast

from attrs import field, frozen

from kube_actors.actor import Frame, MalformedMessage, decode, encode, message
from kube_actors.store.messages.cluster import MemberStarted, UpdateMember
from kube_actors.store.messages.keys import Compact, Txn
from kube_actors.store.messages.leases import LeaseCheckpoint, LeaseGrant, LeaseRevoke
from kube_actors.store.messages.maintenance import ActivateAlarm, DisarmAlarm

Request = Txn | LeaseGrant | LeaseRevoke | Compact | UpdateMember | ActivateAlarm | DisarmAlarm
"""What anybody may ask for."""

_COUNT = struct.Struct("<I")

Proposal = Request | LeaseCheckpoint | MemberStarted


@message("store.command")
class Command:
    """(member, incarnation, sequence) names it; that member awaits nothing below ``floor``."""

    member: int
    incarnation: int
    sequence: int
    floor: int
    request: (
        Txn
        | LeaseGrant
        | LeaseRevoke
        | LeaseCheckpoint
        | Compact
        | UpdateMember
        | ActivateAlarm
        | DisarmAlarm
        | MemberStarted
    )


@message("store.batch")
class Batch:
    """The requests of one log entry, applied in order, each on its own."""

    commands: tuple[Command, ...]


@frozen
class EntryData:
    """An encoded batch. Raft takes it for bytes: of entry data it asks only the length."""

    header: bytes
    values: tuple[bytes, ...] = field(repr=False)

    def __len__(self) -> int:
        return len(self.header) + sum(map(len, self.values))


def encode_batch(batch: Batch) -> bytes:
    """Encode for the log. The result is an ``EntryData`` in all but its declared type."""
    frame = encode(batch)
    return cast(bytes, EntryData(frame.header, frame.blobs))


def decode_batch(data: bytes) -> Batch:
    """Decode what ``encode_batch`` made, or its flat form. Raises MalformedMessage."""
    parts = parts_of(data)
    batch = decode(Frame(parts.header, parts.values))
    if type(batch) is not Batch:
        raise MalformedMessage(f"a log entry holds a {type(batch).__name__}, not a batch")
    return batch


def parts_of(data: bytes) -> EntryData:
    """Take entry data apart. Raises MalformedMessage if flat data is damaged."""
    whole: object = data
    if isinstance(whole, EntryData):
        return whole
    return parts_within(data, 0, len(data))


def parts_within(data: bytes, start: int, end: int) -> EntryData:
    """Take apart flat entry data that is a piece of something. Raises MalformedMessage."""
    size = end - start
    try:
        if size < _COUNT.size:
            raise struct.error("the count of its parts is missing")
        (count,) = _COUNT.unpack_from(data, start)
        if size < _COUNT.size * (1 + count):
            raise struct.error(f"the lengths of its {count} parts are missing")
        lengths = struct.unpack_from(f"<{count}I", data, start + _COUNT.size)
    except struct.error as error:
        raise MalformedMessage(f"a log entry of {size} bytes: {error}") from error
    at = start + _COUNT.size * (1 + count)
    if not lengths or at + sum(lengths) != end:
        raise MalformedMessage("the lengths in a log entry do not add up")
    parts: list[bytes] = []
    for length in lengths:
        parts.append(data[at : at + length])
        at += length
    return EntryData(parts[0], tuple(parts[1:]))


def flat_parts(data: bytes) -> tuple[bytes, ...]:
    """Lay entry data out for a disk, without joining it: lengths, header, values."""
    parts = parts_of(data)
    lengths = (len(parts.header), *map(len, parts.values))
    return (struct.pack(f"<I{len(lengths)}I", len(lengths), *lengths), parts.header, *parts.values)
