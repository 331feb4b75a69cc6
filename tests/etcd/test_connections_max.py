"""A server takes so many connections and hangs up on the next."""

import logging

import anyio
import pytest
from anyio.abc import SocketAttribute, SocketStream

from kube_actors.etcd.grpc import GrpcServer

pytestmark = [pytest.mark.anyio, pytest.mark.real_time]


async def served(port: int) -> SocketStream | None:
    """Connect; None when it was hung up on instead of greeted."""
    stream = await anyio.connect_tcp("127.0.0.1", port)
    try:
        await stream.receive()
    except (anyio.EndOfStream, anyio.BrokenResourceError):
        await stream.aclose()
        return None
    return stream


async def test_one_too_many_is_hung_up_on(caplog: pytest.LogCaptureFixture) -> None:
    server = GrpcServer({}, lambda error: None, connections_max=2)
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    port = listener.extra(SocketAttribute.local_port)
    with anyio.fail_after(60):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(server.serve, listener)
            one, two = await served(port), await served(port)
            assert one is not None
            assert two is not None
            assert await served(port) is None
            assert await served(port) is None
            warned = [each for each in caplog.records if each.levelno == logging.WARNING]
            assert len(warned) == 1
            assert "2 connections are open" in caplog.text
            await one.aclose()
            three = await served(port)
            while three is None:
                three = await served(port)
            await three.aclose()
            await two.aclose()
            tasks.cancel_scope.cancel()
