"""What ``etcdctl snapshot save`` wants of a file: whole pages, and behind them their SHA-256.

It refuses anything else (its check is that 32 bytes are over from pages of 512). The padding says
in its last two bytes how long it is, so that it can be taken off again.
"""

import hashlib

PAGE_BYTES = 512
_LENGTH_BYTES = 2
_DIGEST_BYTES = 32


def padding_of(size: int) -> bytes:
    """Return what fills a file of ``size`` bytes up to whole pages; never nothing."""
    length = PAGE_BYTES - (size + _LENGTH_BYTES) % PAGE_BYTES + _LENGTH_BYTES
    return bytes(length - _LENGTH_BYTES) + length.to_bytes(_LENGTH_BYTES)


def without_padding(data: bytes) -> bytes:
    """Take padding and digest off a file that was saved by etcdctl; any other is left alone."""
    if len(data) % PAGE_BYTES != _DIGEST_BYTES or len(data) < PAGE_BYTES:
        return data
    padded = memoryview(data)[:-_DIGEST_BYTES]
    if hashlib.sha256(padded).digest() != data[-_DIGEST_BYTES:]:
        return data
    length = int.from_bytes(padded[-_LENGTH_BYTES:])
    if not _LENGTH_BYTES <= length <= min(len(padded), PAGE_BYTES + _LENGTH_BYTES):
        return data
    if bytes(padded[-length:]) != padding_of(len(padded) - length):
        return data
    return bytes(padded[:-length])
