"""Envelopes as bytes on a connection: lengths, a CRC-32, and a reader that trusts neither.

One frame, little endian: size of what follows the checksum (u32), CRC-32 of it (u32), kind (u8),
a zero (u8), lengths of source and target (u16 each), two zeros, count of blobs (u32), length of
the header (u32), number (u64), amount (f64), the blobs' lengths (u32 each), source, target, header,
blobs. Kinds from ``HELLO`` on are the network's own and never reach an actor.
"""

import math
import struct
import zlib
from collections.abc import Iterator
from typing import Final

from kube_actors.actor.address import Address
from kube_actors.actor.errors import MalformedMessage
from kube_actors.actor.talk import CALL, KEEPALIVE, Envelope, Frame

HELLO: Final = 64
"""Who speaks: JSON, see ``handshake``."""
HELD: Final = 65
"""Addresses that the sender has: JSON list of texts."""
GONE: Final = 66
"""Addresses that the sender no longer has."""
PING: Final = 67
"""A sign of life."""
REFUSED: Final = 68
"""Why the sender closes the connection, in UTF-8."""

_KINDS = frozenset((*range(KEEPALIVE + 1), HELLO, HELD, GONE, PING, REFUSED))

_LEAD = struct.Struct("<II")
_HEAD = struct.Struct("<BBHHHIIQd")
LEAD_BYTES: Final = _LEAD.size
HEAD_BYTES: Final = _LEAD.size + _HEAD.size

AMOUNT_MAX = 2.0**53
"""The largest count that a float carries exactly."""

NAMES_MAX = 65_536
"""Addresses a reader remembers as text."""


def size_of(envelope: Envelope) -> int:
    """Return about how many bytes an envelope takes on the wire; blobs count exactly."""
    frame = envelope.frame
    size = HEAD_BYTES + len(frame.header) + len(envelope.source) + len(envelope.target)
    for blob in frame.blobs:
        size += len(blob) + 4
    return size


def pack(envelope: Envelope, parts: list[bytes]) -> int:
    """Append an envelope's bytes to ``parts``, blobs by reference; return how many they are.

    Raises MalformedMessage when an address, a blob or the whole is too long for its length field.
    """
    kind, source_text, target_text, number, (header, blobs), amount = envelope
    source, target = source_text.encode(), target_text.encode()
    try:
        head = _HEAD.pack(
            kind, 0, len(source), len(target), 0, len(blobs), len(header), number, amount
        )
        if blobs:
            head += struct.pack(f"<{len(blobs)}I", *map(len, blobs))
        front = b"".join((head, source, target, header))
        size, crc = len(front), zlib.crc32(front)
        for blob in blobs:
            size += len(blob)
            crc = zlib.crc32(blob, crc)
        lead = _LEAD.pack(size, crc)
    except struct.error as error:
        raise MalformedMessage(f"an envelope cannot be laid out: {error}") from error
    parts.append(lead + front)
    parts.extend(blobs)
    return LEAD_BYTES + size


def to_bytes(envelope: Envelope) -> bytes:
    """Lay out one envelope."""
    parts: list[bytes] = []
    pack(envelope, parts)
    return b"".join(parts)


class FrameReader:
    """Cuts what a connection receives into envelopes; at most one frame is held unfinished."""

    def __init__(self, frame_bytes_max: int) -> None:
        self.frame_bytes_max = frame_bytes_max
        self._rest = bytearray()
        self._wanted = LEAD_BYTES
        self._names: dict[bytes, Address] = {}

    def feed(self, data: bytes) -> Iterator[Envelope]:
        """Take bytes, give the envelopes they complete; MalformedMessage when they are none.

        Each is given before the next is looked at, so a hello can raise ``frame_bytes_max``. After
        an error the reader must not be fed again: where the next frame begins is unknown.
        """
        if self._rest:
            self._rest += data
            if len(self._rest) < self._wanted:
                return
            data = bytes(self._rest)
            self._rest.clear()
        at, end = 0, len(data)
        self._wanted = LEAD_BYTES
        while end - at >= LEAD_BYTES:
            size, crc = _LEAD.unpack_from(data, at)
            if size > self.frame_bytes_max or size < _HEAD.size:
                raise MalformedMessage(
                    f"a frame of {size} bytes, where {_HEAD.size} to {self.frame_bytes_max} may be"
                )
            begin = at + LEAD_BYTES
            if end - begin < size:
                self._wanted = LEAD_BYTES + size
                break
            at = begin + size
            if zlib.crc32(memoryview(data)[begin:at]) != crc:
                raise MalformedMessage("a frame whose checksum does not match: damaged on the way")
            yield self._envelope(data, begin, size)
        if at < end:
            self._rest += memoryview(data)[at:]

    @property
    def held_bytes(self) -> int:
        """How much of an unfinished frame is held."""
        return len(self._rest)

    def _envelope(self, data: bytes, begin: int, size: int) -> Envelope:
        fields = _HEAD.unpack_from(data, begin)
        kind, zero, source_size, target_size, zeros, count, header_size, number, amount = fields
        if zero or zeros or kind not in _KINDS:
            raise MalformedMessage(f"a frame of unknown kind {kind}")
        at = begin + _HEAD.size
        left = size - _HEAD.size - source_size - target_size - header_size - 4 * count
        # Only a deadline may be infinite.
        if left < 0 or not (-1 <= amount <= AMOUNT_MAX or (kind == CALL and amount == math.inf)):
            raise MalformedMessage("the lengths or the amount of a frame make no sense")
        blobs: list[bytes] = []
        lengths: tuple[int, ...] = ()
        if count:
            lengths = struct.unpack_from(f"<{count}I", data, at)
            at += 4 * count
        if sum(lengths) != left:
            raise MalformedMessage("the lengths in a frame do not add up")
        source = self._address(data[at : at + source_size])
        at += source_size
        target = self._address(data[at : at + target_size])
        at += target_size
        header = data[at : at + header_size]
        at += header_size
        for length in lengths:
            blobs.append(data[at : at + length])
            at += length
        return Envelope(kind, source, target, number, Frame(header, tuple(blobs)), amount)

    def _address(self, name: bytes) -> Address:
        known = self._names.get(name)
        if known is None:
            try:
                known = Address(name.decode())
            except UnicodeDecodeError as error:
                raise MalformedMessage(f"an address that is no text: {name!r:.60}") from error
            if len(self._names) >= NAMES_MAX:
                self._names.clear()
            self._names[name] = known
        return known
