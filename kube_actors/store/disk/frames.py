"""How bytes lie in a log segment or a snapshot file, and how damage is told from a torn write.

A file is a run of frames, each written by one call and made durable before the next one begins.
A frame is a 32-byte header (magic, length, CRC of the payload, sequence, identity of the log, CRC
of the header), the payload, and a padding to the next multiple of 32 that ends in a byte which is
not zero; so a header never straddles a sector, and a sector that was written begins or ends a
frame or lies within its payload. Files read as zeros beforehand. A power cut can therefore only
leave zeros where sectors of the *last* frame should be; anything else is damage, and raises
``BadFrame``.
"""

import struct
from collections.abc import Iterator, Sequence
from zlib import crc32

from attrs import field, frozen

MAGIC = b"kaL\x01"
HEADER = struct.Struct("<4sIIQQI")
ALIGNMENT = HEADER.size
SECTOR = 512
_HEADER_BODY = struct.Struct("<4sIIQQ")
_ZERO_SECTOR = bytes(SECTOR)
_ZERO_HEADER = bytes(ALIGNMENT)
_SOME_ZEROS = 1 << 16
_ZEROS = bytes(_SOME_ZEROS)
_PADDING = tuple(bytes(count) + b"\xff" for count in range(ALIGNMENT))


class BadFrame(Exception):
    """The bytes at ``offset`` are damaged, and not by a torn last write."""

    def __init__(self, offset: int, reason: str) -> None:
        super().__init__(f"offset {offset}: {reason}")
        self.offset = offset
        self.reason = reason


@frozen
class LogFrame:
    """One intact frame; ``end`` is the offset that follows it."""

    offset: int
    end: int
    sequence: int
    log_id: int
    payload: bytes = field(repr=False)


@frozen
class TornTail:
    """The last write did not complete: nothing from ``offset`` on was ever acknowledged."""

    offset: int


def pack_frame(log_id: int, sequence: int, parts: Sequence[bytes]) -> list[bytes]:
    """Lay a frame out in parts, ready for one gathering write."""
    length = 0
    crc = 0
    for part in parts:
        length += len(part)
        crc = crc32(part, crc)
    body = _HEADER_BODY.pack(MAGIC, length, crc, sequence, log_id)
    header = body + crc32(body).to_bytes(4, "little")
    return [header, *parts, _padding(length)]


def frame_size(length: int) -> int:
    """Return how many bytes a frame with so long a payload takes."""
    return ALIGNMENT + length + len(_padding(length))


def _padding(length: int) -> bytes:
    return _PADDING[-(length + 1) % ALIGNMENT]


def read_frames(
    data: bytes, *, sequence: int | None, log_id: int | None, last: bool
) -> Iterator[LogFrame | TornTail]:
    """Yield the frames of a file; a torn tail, possible only in the ``last`` file, ends them.

    ``sequence`` is the first one expected and ``log_id`` the identity, None to take the file's.
    Raises BadFrame for every other irregularity.
    """
    written = written_bytes(data)
    offset = 0
    while offset < written:
        header = data[offset : offset + ALIGNMENT]
        if len(header) < ALIGNMENT:
            raise BadFrame(offset, "the file ends inside a header")
        if header == _ZERO_HEADER:
            if last and not _has_later_frame(data, offset, written, sequence or 0, log_id):
                yield TornTail(offset)
                return
            raise BadFrame(offset, "a record is missing: zeros before the end of the log")
        if last and written <= offset + ALIGNMENT and not _is_header(header):
            # Every frame ends in a byte that is not zero: no whole one was ever here.
            yield TornTail(offset)
            return
        frame, intact = _parse(data, offset, header, sequence, log_id)
        if not intact:
            if last and written <= frame.end and _has_zero_sector(data, offset, frame.end):
                yield TornTail(offset)
                return
            raise BadFrame(offset, "a record is damaged: its checksum does not match")
        yield frame
        sequence, log_id = frame.sequence + 1, frame.log_id
        offset = frame.end


def written_bytes(data: bytes) -> int:
    """Return where the zeros at the end of a file begin: most of a new segment is zeros."""
    end = len(data)
    while end >= _SOME_ZEROS and data.endswith(_ZEROS, 0, end):
        end -= _SOME_ZEROS
    first = max(0, end - _SOME_ZEROS)
    return first + len(data[first:end].rstrip(b"\0"))


def _is_header(header: bytes) -> bool:
    return crc32(header[:-4]) == int.from_bytes(header[-4:], "little")


def _parse(
    data: bytes, offset: int, header: bytes, sequence: int | None, log_id: int | None
) -> tuple[LogFrame, bool]:
    magic, length, crc, number, identity, header_crc = HEADER.unpack(header)
    if crc32(header[:-4]) != header_crc:
        raise BadFrame(offset, "a record's header is damaged: its checksum does not match")
    if magic != MAGIC:
        raise BadFrame(offset, f"unknown format {magic!r}")
    if log_id is not None and identity != log_id:
        raise BadFrame(offset, f"a record of another log, {identity:016x}")
    if sequence is not None and number != sequence:
        raise BadFrame(offset, f"record {number} where record {sequence} was expected")
    ends = offset + ALIGNMENT + length
    padding = _padding(length)
    end = ends + len(padding)
    if end > len(data):
        raise BadFrame(offset, "the file is truncated inside a record")
    payload = data[offset + ALIGNMENT : ends]
    intact = crc32(payload) == crc and data[ends:end] == padding
    return LogFrame(offset, end, number, identity, payload), intact


def _has_zero_sector(data: bytes, offset: int, end: int) -> bool:
    """Say whether some whole sector, or the last begun one, was never written."""
    first = offset + -offset % SECTOR
    return any(
        data[at : min(at + SECTOR, end)] == _ZERO_SECTOR[: min(at + SECTOR, end) - at]
        for at in range(first, end, SECTOR)
    )


def _has_later_frame(
    data: bytes, offset: int, written: int, sequence: int, log_id: int | None
) -> bool:
    """Say whether an intact header that follows ``sequence`` lies behind: the gap was durable."""
    at = data.find(MAGIC, offset, written)
    while at >= 0:
        header = data[at : at + ALIGNMENT]
        if at % ALIGNMENT == 0 and len(header) == ALIGNMENT:
            _, _, _, number, identity, _ = HEADER.unpack(header)
            if _is_header(header) and identity == log_id and number > sequence:
                return True
        at = data.find(MAGIC, at + 1, written)
    return False
