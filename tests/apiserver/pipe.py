"""Two ends of an in-memory byte stream, so that HTTP is tested on virtual time."""

import anyio
from anyio.abc import ByteStream
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream


class PipeEnd(ByteStream):
    """``receive`` gives what the other end sent; a full pipe makes ``send`` wait."""

    def __init__(
        self,
        incoming: MemoryObjectReceiveStream[bytes],
        outgoing: MemoryObjectSendStream[bytes],
    ) -> None:
        self._incoming = incoming
        self._outgoing = outgoing
        self._rest = b""

    async def receive(self, max_bytes: int = 65536) -> bytes:
        data = self._rest or await self._incoming.receive()
        self._rest = data[max_bytes:]
        return data[:max_bytes]

    async def send(self, item: bytes) -> None:
        await self._outgoing.send(item)

    async def send_eof(self) -> None:
        await self._outgoing.aclose()

    async def aclose(self) -> None:
        await self._outgoing.aclose()
        await self._incoming.aclose()


def pipe(capacity: float = 100) -> tuple[PipeEnd, PipeEnd]:
    """Return two connected ends; each direction holds ``capacity`` pieces."""
    to_b, from_a = anyio.create_memory_object_stream[bytes](capacity)
    to_a, from_b = anyio.create_memory_object_stream[bytes](capacity)
    return PipeEnd(from_b, to_b), PipeEnd(from_a, to_a)
