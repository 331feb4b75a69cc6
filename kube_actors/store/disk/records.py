"""What a log frame holds: records of a few kinds, each a kind, a length and a body.

One frame is one group commit: the hard state and the entries of one save are durable together or
not at all.
"""

import struct
from collections.abc import Iterable
from enum import IntEnum
from typing import cast

from attrs import frozen

from kube_actors.actor import MalformedMessage
from kube_actors.raft import Entry, EntryType, HardState
from kube_actors.store.messages import flat_parts, parts_within

FORMAT_VERSION = 1
_HEAD = struct.Struct("<BI")
_SEGMENT = struct.Struct("<IQQ")
_HARD_STATE = struct.Struct("<QQQ")
_ENTRY = struct.Struct("<QQB")
_SNAPSHOT = struct.Struct("<QQ")
_BOOT = struct.Struct("<Q")


class Kind(IntEnum):
    """The first byte of a record. Values are on disk: they never change."""

    SEGMENT = 1
    HARD_STATE = 2
    ENTRY = 3
    SNAPSHOT = 4
    BOOT = 5
    CONTINUED = 6


# A comparison with a plain number costs a tenth of one with a member of an enumeration.
_ENTRY_KIND = Kind.ENTRY.value
_NORMAL = EntryType.NORMAL.value


@frozen
class SegmentHead:
    """The first record of a segment: its number and how large the file must be."""

    number: int
    size: int


@frozen
class SnapshotMark:
    """A snapshot up to this entry is durable: the log before it may be gone."""

    index: int
    term: int


@frozen
class Boot:
    """The log was opened for the ``count``-th time."""

    count: int


@frozen
class Continued:
    """The last record of a segment that is full: the log goes on in segment ``number``.

    Without it, a log whose newest segment is lost would look like one that was never longer.
    """

    number: int


Record = SegmentHead | HardState | Entry | SnapshotMark | Boot | Continued


class BadRecord(Exception):
    """An intact frame holds something that this version cannot have written."""


def pack_records(records: Iterable[Record]) -> list[bytes]:
    """Lay records out in parts; values are not copied."""
    parts: list[bytes] = []
    for record in records:
        if isinstance(record, Entry):
            _pack_entry(record, parts)
        elif isinstance(record, HardState):
            body = _HARD_STATE.pack(record.term, record.vote, record.commit)
            parts.append(_HEAD.pack(Kind.HARD_STATE, len(body)) + body)
        elif isinstance(record, SegmentHead):
            body = _SEGMENT.pack(FORMAT_VERSION, record.number, record.size)
            parts.append(_HEAD.pack(Kind.SEGMENT, len(body)) + body)
        elif isinstance(record, SnapshotMark):
            body = _SNAPSHOT.pack(record.index, record.term)
            parts.append(_HEAD.pack(Kind.SNAPSHOT, len(body)) + body)
        elif isinstance(record, Continued):
            parts.append(_HEAD.pack(Kind.CONTINUED, _BOOT.size) + _BOOT.pack(record.number))
        else:
            parts.append(_HEAD.pack(Kind.BOOT, _BOOT.size) + _BOOT.pack(record.count))
    return parts


def _pack_entry(entry: Entry, parts: list[bytes]) -> None:
    head = _ENTRY.pack(entry.index, entry.term, entry.type)
    if not entry.data:
        parts.append(_HEAD.pack(Kind.ENTRY, _ENTRY.size) + head)
        return
    data = flat_parts(entry.data) if entry.type is EntryType.NORMAL else (entry.data,)
    length = _ENTRY.size + sum(map(len, data))
    parts.append(_HEAD.pack(Kind.ENTRY, length) + head)
    parts.extend(data)


def unpack_records(payload: bytes) -> list[Record]:
    """Read the records of an intact frame. Raises BadRecord."""
    records: list[Record] = []
    at = 0
    try:
        while at < len(payload):
            kind, length = _HEAD.unpack_from(payload, at)
            at += _HEAD.size
            if at + length > len(payload):
                raise BadRecord("a record is longer than its frame")
            end = at + length
            if kind == _ENTRY_KIND:
                records.append(_unpack_entry(payload, at, end))
            else:
                records.append(_unpack(kind, payload[at:end]))
            at = end
    except (struct.error, MalformedMessage) as error:
        raise BadRecord(str(error)) from error
    return records


def _unpack_entry(payload: bytes, at: int, end: int) -> Entry:
    """Read an entry; its data is taken apart once, so that its values are shared from here on."""
    start = at + _ENTRY.size
    if start > end:
        raise BadRecord("an entry is shorter than its head")
    index, term, entry_type = _ENTRY.unpack_from(payload, at)
    if entry_type == _NORMAL:
        parts: object = parts_within(payload, start, end) if start < end else b""
        return Entry(index, term, cast(bytes, parts))
    if entry_type == EntryType.CONFIG:
        return Entry(index, term, payload[start:end], EntryType.CONFIG)
    raise BadRecord(f"unknown entry type {entry_type}")


def _unpack(kind: int, body: bytes) -> Record:
    if kind == Kind.HARD_STATE:
        return HardState(*_HARD_STATE.unpack(body))
    if kind == Kind.SEGMENT:
        version, number, size = _SEGMENT.unpack(body)
        if version != FORMAT_VERSION:
            raise BadRecord(f"format version {version} is not known")
        return SegmentHead(number, size)
    if kind == Kind.SNAPSHOT:
        return SnapshotMark(*_SNAPSHOT.unpack(body))
    if kind == Kind.BOOT:
        return Boot(*_BOOT.unpack(body))
    if kind == Kind.CONTINUED:
        return Continued(*_BOOT.unpack(body))
    raise BadRecord(f"unknown record kind {kind}")
