"""A gRPC service for tests of the transport: its messages are bytes."""

from collections.abc import AsyncIterator
from typing import Any

import anyio

from kube_actors.etcd.grpc import Answers, Code, GrpcError, GrpcServer, Streaming, Unary


class Text:
    """A message that is its own encoding."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def SerializeToString(self) -> bytes:  # noqa: N802
        return self.data

    @staticmethod
    def FromString(data: bytes) -> "Text":  # noqa: N802
        if data == b"unreadable":
            raise ValueError("unreadable")
        return Text(data)


class Echo:
    """Notes what was cancelled and how many calls are at work."""

    def __init__(self) -> None:
        self.cancelled: list[str] = []
        self.waiting = 0

    def server(self) -> GrpcServer:
        return GrpcServer(
            {
                "/t.Echo/Say": Unary(Text, self.say),
                "/t.Echo/Hang": Unary(Text, self.hang),
                "/t.Echo/Each": Streaming(Text, self.each),
                "/t.Echo/Flood": Streaming(Text, self.flood),
            },
            lambda error: None,
        )

    async def say(self, request: Any) -> Any:
        if request.data == b"bug":
            raise ZeroDivisionError("a bug")
        if request.data == b"no":
            raise GrpcError(Code.FAILED_PRECONDITION, "not today: 100 %\nat all")
        if request.data.isdigit():
            return Text(b"x" * int(request.data))
        return request

    async def hang(self, request: Any) -> Any:
        self.waiting += 1
        try:
            await anyio.sleep_forever()
        except BaseException:
            self.cancelled.append(request.data.decode())
            raise
        finally:
            self.waiting -= 1

    async def each(self, requests: AsyncIterator[Any], answers: Answers) -> None:
        async for request in requests:
            await answers.send(request)

    async def flood(self, requests: AsyncIterator[Any], answers: Answers) -> None:
        """Send without end what the first request says; note how far it came."""
        first = await anext(requests)
        self.waiting = 0
        while True:
            await answers.send(first)
            self.waiting += 1
