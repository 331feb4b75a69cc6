"""Real servers and clients on loopback addresses, and a count of the sockets a process holds."""

import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import anyio
import pytest
from anyio.abc import SocketStream

from kube_actors.actor.tcp import listening as tcp_listening


def free_port(address: str) -> int:
    """Return a port of the address that nobody uses now."""
    with socket.socket() as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])


def open_sockets() -> int:
    """Count this process's sockets."""
    found = 0
    for name in os.listdir("/proc/self/fd"):
        with suppress(OSError):
            found += os.readlink(f"/proc/self/fd/{name}").startswith("socket:")
    return found


@asynccontextmanager
async def greeter(name: str, address: str, port: int = 0) -> AsyncIterator[tuple[str, int]]:
    """Serve TCP: says its name, echoes until the client has finished, then says ``bye``."""

    async def serve(client: SocketStream) -> None:
        with suppress(OSError, anyio.BrokenResourceError):
            async with client:
                await client.send(f"{name}:".encode())
                async for chunk in client:
                    await client.send(chunk)
                await client.send(b":bye")

    listener = await anyio.create_tcp_listener(local_host=address, local_port=port)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(tcp_listening.serve, listener, serve, tasks, pytest.fail)
        raw = listener.extra(anyio.abc.SocketAttribute.local_address)
        yield address, int(raw[1])
        tasks.cancel_scope.cancel()


@asynccontextmanager
async def udp_greeter(name: str, address: str) -> AsyncIterator[tuple[str, int]]:
    """Answer each datagram with its own name, its sender's port and what was sent."""

    async def serve() -> None:
        async for packet, (host, port) in server:
            await server.sendto(f"{name}:{port}:".encode() + packet, host, port)

    server = await anyio.create_udp_socket(local_host=address, local_port=0)
    async with server, anyio.create_task_group() as tasks:
        tasks.start_soon(serve)
        yield address, int(server.extra(anyio.abc.SocketAttribute.local_address)[1])
        tasks.cancel_scope.cancel()


async def until(condition: Callable[[], bool], *, timeout_s: float = 30.0) -> None:
    """Wait for what the kernel or another task will make true."""
    with anyio.fail_after(timeout_s):
        while True:
            if condition():
                return
            await anyio.sleep(0.005)


async def talk(address: str, port: int, text: bytes = b"hi", source: str = "") -> str:
    """Send, finish, and read all there is; raises OSError when refused or reset."""
    try:
        with anyio.fail_after(30):
            try:
                stream = await anyio.connect_tcp(address, port, local_host=source or None)
            except OSError as error:
                raise ConnectionRefusedError from error
            async with stream:
                await stream.send(text)
                await stream.send_eof()
                answer = b""
                async for chunk in stream:
                    answer += chunk
    except anyio.BrokenResourceError as error:
        raise ConnectionResetError from error
    return answer.decode()
