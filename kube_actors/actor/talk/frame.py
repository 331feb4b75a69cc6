"""One message in bytes: a msgpack header and the blobs that cross beside it.

In one process a frame is handed over as it is, blobs by reference. Between processes ``tcp.frames``
lays it out together with its envelope. ``to_bytes`` lays out a frame alone: ``MemoryNetwork`` does
so to damage one as a socket would see it, and ``from_bytes`` says whether that is noticed.
"""

import struct
import zlib
from typing import NamedTuple

from kube_actors.actor.errors import MalformedMessage

_HEAD = struct.Struct("<III")


class Frame(NamedTuple):
    """``header`` is msgpack; ``blobs`` are in the order in which the header refers to them."""

    header: bytes
    blobs: tuple[bytes, ...] = ()

    def to_bytes(self) -> bytes:
        """Lay out: CRC-32 of the rest, count of blobs, lengths (header first), then the bytes."""
        lengths = struct.pack(
            f"<{len(self.blobs) + 1}I", len(self.header), *(len(blob) for blob in self.blobs)
        )
        rest = b"".join((lengths, self.header, *self.blobs))
        return _HEAD.pack(zlib.crc32(rest), len(self.blobs), len(rest)) + rest

    @classmethod
    def from_bytes(cls, data: bytes) -> "Frame":
        """Read what ``to_bytes`` wrote; MalformedMessage when a single bit differs."""
        if len(data) < _HEAD.size:
            raise MalformedMessage(f"a frame of {len(data)} bytes is too short")
        crc, count, size = _HEAD.unpack_from(data)
        rest = memoryview(data)[_HEAD.size :]
        if len(rest) != size or zlib.crc32(rest) != crc or size < 4 * (count + 1):
            raise MalformedMessage("a frame was damaged on the way")
        lengths = struct.unpack_from(f"<{count + 1}I", rest)
        if sum(lengths) + 4 * (count + 1) != size:
            raise MalformedMessage("the lengths in a frame do not add up")
        parts: list[bytes] = []
        at = 4 * (count + 1)
        for length in lengths:
            parts.append(bytes(rest[at : at + length]))
            at += length
        return cls(parts[0], tuple(parts[1:]))
