"""A frozen state as bytes and back, for snapshot files and for members that lag behind.

The layout is flat and exact: counts first, then leases, sessions and versions in order. Reading
checks every length against what is there; whatever does not fit raises ``BadSnapshot``.
"""

import struct
from collections.abc import Iterable, Iterator
from typing import Any

from kube_actors.actor import Blob, Frame, MalformedMessage, decode, encode, message
from kube_actors.store.messages import Alarm, KeyValue, MemberInfo
from kube_actors.store.state.frozen import FrozenKeyspace, FrozenLease, FrozenSession, FrozenState
from kube_actors.store.state.roster import FrozenRoster
from kube_actors.store.state.steps import ITEMS_PER_STEP, Steps, run

_HEAD = struct.Struct("<4sQQQIIII")
_KEY_VALUE = struct.Struct("<IIQQQq")
_LEASE = struct.Struct("<qQQ")
_LEASE_BEFORE = struct.Struct("<qQ")
_SESSION = struct.Struct("<QQQI")
_COUNT = struct.Struct("<I")
_MAGIC = b"kaS\x02"
_MAGIC_BEFORE = b"kaS\x01"
"""Written before groups had a roster: such a state has an empty one."""
BLOCK_BYTES = 1 << 20


class BadSnapshot(Exception):
    """These bytes are no state that this version has written."""


@message("store.roster_page")
class RosterPage:
    """What a snapshot says about the group itself."""

    group: int = 0
    highest: int = 0
    infos: tuple[MemberInfo, ...] = ()
    alarms: tuple[Alarm, ...] = ()
    started: tuple[int, ...] = ()


def _page(state: FrozenState) -> RosterPage:
    roster = state.roster
    return RosterPage(roster.group, roster.highest, roster.infos, state.alarms, roster.started)


def encode_state(state: FrozenState) -> Iterator[bytes]:
    """Yield the state in blocks of about a megabyte."""
    keyspace = state.keyspace
    parts: list[bytes] = [
        _HEAD.pack(
            _MAGIC,
            keyspace.revision,
            keyspace.compact_revision,
            keyspace.first_change,
            len(state.leases),
            len(state.sessions),
            len(keyspace.base),
            len(keyspace.changes),
        )
    ]
    page = encode(_page(state)).header
    parts += (_COUNT.pack(len(page)), page)
    parts.extend(_LEASE.pack(one.id, one.ttl_s, one.remaining_s) for one in state.leases)
    for session in state.sessions:
        count = len(session.applied)
        parts.append(_SESSION.pack(session.member, session.incarnation, session.floor, count))
        parts.append(struct.pack(f"<{count}Q", *session.applied))
    counts = [len(kvs) for kvs in keyspace.changes]
    parts.append(struct.pack(f"<{len(counts)}I", *counts))
    size = sum(map(len, parts))
    for kvs in _versions(keyspace):
        for kv in kvs:
            head = _KEY_VALUE.pack(
                len(kv.key),
                len(kv.value),
                kv.create_revision,
                kv.mod_revision,
                kv.version,
                kv.lease,
            )
            parts += (head, kv.key, kv.value)
            size += len(head) + len(kv.key) + len(kv.value)
            if size >= BLOCK_BYTES:
                yield b"".join(parts)
                parts.clear()
                size = 0
    yield b"".join(parts)


def _versions(keyspace: FrozenKeyspace) -> Iterable[tuple[KeyValue, ...]]:
    yield keyspace.base
    yield from keyspace.changes


def decode_state(data: bytes) -> FrozenState:
    """Read what ``encode_state`` wrote, joined. Raises BadSnapshot."""
    return run(decoding(data))


def decoding(data: bytes) -> Steps[FrozenState]:
    """Do the same in steps."""
    reader = _Reader(data)
    magic, revision, compact, first, leases, sessions, base, changes = reader.unpack(_HEAD)
    if magic not in (_MAGIC, _MAGIC_BEFORE):
        raise BadSnapshot(f"unknown format {magic!r}")
    page = reader.roster() if magic == _MAGIC else RosterPage()
    lease = _LEASE if magic == _MAGIC else _LEASE_BEFORE
    frozen_leases = tuple(FrozenLease(*reader.unpack(lease)) for _ in reader.times(leases))
    frozen_sessions = tuple(reader.session() for _ in reader.times(sessions))
    counts = reader.numbers("I", changes)
    frozen_base: list[KeyValue] = []
    for number in reader.times(base):
        if number % ITEMS_PER_STEP == 0:
            yield
        frozen_base.append(reader.key_value())
    frozen_changes: list[tuple[KeyValue, ...]] = []
    for number, count in enumerate(counts):
        if number % ITEMS_PER_STEP == 0:
            yield
        frozen_changes.append(tuple([reader.key_value() for _ in reader.times(count)]))
    if reader.at != len(data):
        raise BadSnapshot(f"{len(data) - reader.at} bytes too many")
    if first + changes != revision + 1:
        raise BadSnapshot(f"{changes} changes from revision {first} do not end at {revision}")
    keyspace = FrozenKeyspace(revision, compact, first, tuple(frozen_base), tuple(frozen_changes))
    roster = FrozenRoster(page.group, page.highest, page.started, page.infos)
    return FrozenState(keyspace, frozen_leases, frozen_sessions, roster, page.alarms)


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    def unpack(self, layout: struct.Struct) -> tuple[Any, ...]:
        try:
            values = layout.unpack_from(self._data, self.at)
        except struct.error as error:
            raise BadSnapshot(f"truncated at {self.at}: {error}") from error
        self.at += layout.size
        return values

    def times(self, count: int) -> range:
        """Refuse a count that the bytes which are left cannot hold."""
        if count > len(self._data) - self.at:
            raise BadSnapshot(f"{count} items announced at {self.at}, too many for what follows")
        return range(count)

    def numbers(self, kind: str, count: int) -> tuple[int, ...]:
        self.times(count)
        return self.unpack(struct.Struct(f"<{count}{kind}"))

    def roster(self) -> RosterPage:
        (size,) = self.unpack(_COUNT)
        self.times(size)
        begin = self.at
        self.at += size
        try:
            page = decode(Frame(self._data[begin : self.at]))
        except MalformedMessage as error:
            raise BadSnapshot(f"the roster at {begin}: {error}") from error
        if not isinstance(page, RosterPage):
            raise BadSnapshot(f"a {type(page).__name__} at {begin} where the roster should be")
        return page

    def session(self) -> FrozenSession:
        member, incarnation, floor, count = self.unpack(_SESSION)
        applied = self.numbers("Q", count)
        return FrozenSession(member, incarnation, floor, applied)

    def key_value(self) -> KeyValue:
        data = self._data
        try:
            key_size, value_size, create, mod, version, lease = _KEY_VALUE.unpack_from(
                data, self.at
            )
        except struct.error as error:
            raise BadSnapshot(f"truncated at {self.at}: {error}") from error
        middle = self.at + _KEY_VALUE.size + key_size
        end = middle + value_size
        if end > len(data):
            raise BadSnapshot(f"truncated at {self.at}")
        key = data[self.at + _KEY_VALUE.size : middle]
        self.at = end
        return KeyValue(key, Blob(data[middle:end]), create, mod, version, lease)
