"""Connections are taken in, and none is lost when who accepts is cancelled."""

import socket
import ssl
from contextlib import suppress

import anyio
import pytest
from anyio.abc import SocketAttribute, SocketStream, TaskGroup

from kube_actors.actor.tcp import accept_stream
from kube_actors.actor.tcp.listening import secure, serve

pytestmark = [pytest.mark.anyio, pytest.mark.real_time]

HOST = "127.0.0.1"


def no_trouble(text: str) -> None:
    raise AssertionError(text)


async def greet(stream: SocketStream) -> None:
    async with stream:
        await stream.send(b"hello")


async def start(tasks: TaskGroup) -> int:
    """Serve at a free port and return it."""
    listener = await anyio.create_tcp_listener(local_host=HOST)
    tasks.start_soon(serve, listener, greet, tasks, no_trouble)
    return int(listener.extra(SocketAttribute.local_port))


async def test_each_connection_is_handled_and_the_listener_goes_with_its_task() -> None:
    async with anyio.create_task_group() as tasks:
        port = await start(tasks)
        for _ in range(3):
            async with await anyio.connect_tcp(HOST, port) as stream:
                assert await stream.receive() == b"hello"
        tasks.cancel_scope.cancel()
    with pytest.raises(OSError):
        await anyio.connect_tcp(HOST, port)


@pytest.mark.parametrize("checkpoints", range(8))
async def test_a_connection_that_comes_as_the_accepting_is_cancelled_ends(checkpoints: int) -> None:
    """With asyncio's own ``sock_accept`` it would be open for ever, with one checkpoint."""
    with socket.socket() as client:
        async with anyio.create_task_group() as tasks:
            port = await start(tasks)
            await anyio.wait_all_tasks_blocked()
            client.connect((HOST, port))
            for _ in range(checkpoints):
                await anyio.lowlevel.checkpoint()
            tasks.cancel_scope.cancel()
        client.settimeout(30)
        with suppress(ConnectionResetError):
            while client.recv(100):
                pass


async def test_a_peer_that_has_gone_again_is_passed_over() -> None:
    async with await anyio.create_tcp_listener(local_host=HOST) as listener:
        address = (HOST, listener.extra(SocketAttribute.local_port))
        with socket.socket() as gone:
            gone.connect(address)
            # No lingering: a reset, before anybody has accepted it.
            gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        with socket.socket() as client:
            client.connect(address)
            raw = listener.extra(SocketAttribute.raw_socket)
            async with await accept_stream(raw, no_trouble) as stream:
                assert stream.extra(SocketAttribute.remote_port) == client.getsockname()[1]


async def test_who_speaks_no_tls_costs_its_own_connection() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    for said, trouble in ((b"GET / HTTP/1.1\r\n\r\n", 1), (b"", 0)):
        told: list[str] = []
        ours, theirs = socket.socketpair()
        with theirs:
            theirs.sendall(said)
            stream = await SocketStream.from_socket(ours)
            # Who says nothing is given up after a time, without a word.
            timeout_s = 30.0 if said else 0.01
            assert await secure(stream, context, timeout_s=timeout_s, trouble=told.append) is None
            assert len(told) == trouble
            theirs.settimeout(30)
            with suppress(ConnectionResetError):
                while theirs.recv(100):
                    pass
