"""Messages in DATA frames: one byte of flags, four of length, the message. And ``grpc-timeout``."""

from math import ceil
from struct import Struct

from kube_actors.etcd.grpc.status import Code, GrpcError

_PREFIX = Struct(">BL")
_UNITS_S = {b"H": 3600.0, b"M": 60.0, b"S": 1.0, b"m": 1e-3, b"u": 1e-6, b"n": 1e-9}
_TIMEOUT_DIGITS_MAX = 8


def framed(message: bytes) -> bytes:
    """Put the prefix before a message, which is not compressed."""
    return _PREFIX.pack(0, len(message)) + message


class MessageReader:
    """Cuts what arrives into messages of at most ``bytes_max``."""

    __slots__ = ("_buffer", "_bytes_max")

    def __init__(self, bytes_max: int) -> None:
        self._buffer = bytearray()
        self._bytes_max = bytes_max

    @property
    def partial(self) -> bool:
        """Whether a message has begun and not ended."""
        return bool(self._buffer)

    def feed(self, data: bytes) -> list[bytes]:
        """Return the messages that are whole now; raises GrpcError for what no message can be."""
        buffer = self._buffer
        # In place: a message of many frames would otherwise be copied once for each of them.
        buffer += data
        messages: list[bytes] = []
        start = 0
        while len(buffer) - start >= _PREFIX.size:
            flags, length = _PREFIX.unpack_from(buffer, start)
            if flags:
                buffer.clear()
                raise _refused_flags(flags)
            if length > self._bytes_max:
                buffer.clear()
                raise GrpcError(
                    Code.RESOURCE_EXHAUSTED,
                    f"grpc: received message larger than max ({length} vs. {self._bytes_max})",
                )
            end = start + _PREFIX.size + length
            if end > len(buffer):
                break
            messages.append(bytes(memoryview(buffer)[start + _PREFIX.size : end]))
            start = end
        del buffer[:start]
        return messages


def _refused_flags(flags: int) -> GrpcError:
    if flags == 1:
        return GrpcError(Code.UNIMPLEMENTED, "grpc: compressed messages are not understood")
    return GrpcError(Code.INTERNAL, f"grpc: received unexpected payload format {flags}")


def parse_timeout(value: bytes) -> float:
    """Return a ``grpc-timeout`` in seconds; raises GrpcError when it is none."""
    digits, unit = value[:-1], _UNITS_S.get(value[-1:])
    if unit is None or not digits.isdigit() or len(digits) > _TIMEOUT_DIGITS_MAX:
        shown = value.decode("latin-1")
        raise GrpcError(Code.INTERNAL, f"malformed grpc-timeout: {shown!r}")
    return int(digits) * unit


def format_timeout(timeout_s: float) -> bytes:
    """Write a ``grpc-timeout`` of at most eight digits, never shorter than asked."""
    for unit, digits in ((b"m", 1e3), (b"S", 1.0)):
        amount = max(1, ceil(timeout_s * digits))
        if amount < 10**_TIMEOUT_DIGITS_MAX:
            return b"%d%s" % (amount, unit)
    return b"%dH" % min(10**_TIMEOUT_DIGITS_MAX - 1, ceil(timeout_s / 3600))
