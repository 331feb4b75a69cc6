"""The bytes of a response: status line, headers and framing. Pure."""

from collections.abc import Iterable
from http import HTTPStatus

_STATUS_LINES = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus
}
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
LAST_CHUNK = b"0\r\n\r\n"


def encode_head(status: int, headers: Iterable[tuple[bytes, bytes]], extra: bytes) -> bytes:
    """Return the head; ``extra`` is ready-made header lines such as the framing."""
    line = _STATUS_LINES.get(status) or b"HTTP/1.1 %d Unknown\r\n" % status
    parts = [line]
    for name, value in headers:
        parts.append(b"%b: %b\r\n" % (name, value))
    parts.append(extra)
    parts.append(b"\r\n")
    return b"".join(parts)


def encode_chunk(data: bytes) -> bytes:
    """Frame bytes as one chunk (RFC 9112, 7.1); empty ones would end the body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def plain(status: int, text: str) -> bytes:
    """Return a whole plain-text response that closes the connection."""
    body = text.encode()
    framing = b"content-length: %d\r\nconnection: close\r\n" % len(body)
    return encode_head(status, ((b"content-type", b"text/plain; charset=utf-8"),), framing) + body
