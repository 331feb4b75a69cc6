"""How a call ends: a code, a text, and how both travel in trailers."""

from collections.abc import Iterable
from enum import IntEnum
from urllib.parse import unquote_to_bytes


class Code(IntEnum):
    """gRPC's status codes."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


class GrpcError(Exception):
    """A call ended with another code than OK.

    ``received`` is False when the server surely never acted upon the request.
    """

    def __init__(self, code: Code, text: str, *, received: bool = True) -> None:
        super().__init__(code, text)
        self.code = code
        self.text = text
        self.received = received

    def __str__(self) -> str:
        return f"{self.code.name}: {self.text}"


Headers = list[tuple[bytes, bytes]]

_PLAIN = frozenset(range(0x20, 0x7F)) - {0x25}
_HTTP_CODES = {
    400: Code.INTERNAL,
    401: Code.UNAUTHENTICATED,
    403: Code.PERMISSION_DENIED,
    404: Code.UNIMPLEMENTED,
    429: Code.UNAVAILABLE,
    502: Code.UNAVAILABLE,
    503: Code.UNAVAILABLE,
    504: Code.UNAVAILABLE,
}


def quote_text(text: str) -> bytes:
    """Percent-encode a ``grpc-message``."""
    raw = text.encode("utf-8", "replace")
    return b"".join(bytes((b,)) if b in _PLAIN else b"%%%02X" % b for b in raw)


def unquote_text(value: bytes) -> str:
    """Decode a grpc-message: percent-encoded UTF-8; what is no UTF-8 is replaced, never refused."""
    return unquote_to_bytes(value).decode("utf-8", "replace")


def trailers_of(code: Code, text: str = "") -> Headers:
    """Return the trailers that end a call."""
    trailers = [(b"grpc-status", b"%d" % code)]
    if text:
        trailers.append((b"grpc-message", quote_text(text)))
    return trailers


def read_trailers(headers: Iterable[tuple[bytes, bytes]]) -> GrpcError | None:
    """Return why a call failed, None if it did not; a missing status is a failure too."""
    code: Code | None = None
    text = ""
    http = 200
    for name, value in headers:
        if name == b"grpc-status":
            code = _code_of(value)
        elif name == b"grpc-message":
            text = unquote_text(value)
        elif name == b":status" and value.isdigit():
            http = int(value)
    if code is None:
        found = _HTTP_CODES.get(http, Code.UNKNOWN)
        return GrpcError(found, f"the answer has no grpc-status (HTTP status {http})")
    return None if code is Code.OK else GrpcError(code, text)


def _code_of(value: bytes) -> Code:
    try:
        return Code(int(value))
    except ValueError:
        return Code.UNKNOWN
