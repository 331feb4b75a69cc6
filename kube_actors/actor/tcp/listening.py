"""Taking connections in, with TLS or without: none is lost when who accepts is cancelled.

asyncio's ``sock_accept`` and what is built on it lose a connection that comes in the turn of the
loop in which the waiting is cancelled: it was accepted, and nobody is told. Here the waiting can be
cancelled, and accepting is one step.
"""

import errno
import socket
import ssl
from collections.abc import Callable, Coroutine
from typing import Any

import anyio
from anyio.abc import AnyByteStream, Listener, SocketAttribute, SocketStream, TaskGroup
from anyio.streams.tls import TLSStream

from kube_actors.actor.tcp.config import Endpoint

SHORTAGE_S = 0.1
"""Pause before accepting again when that failed."""
_ITS_END = (errno.EBADF, errno.EINVAL, errno.ENOTSOCK)


async def listening(endpoint: Endpoint) -> socket.socket:
    """Open a listening socket that does not block; raises OSError when it cannot be bound.

    An empty host means every address of the machine, port 0 one that is free.
    """
    host, port = endpoint
    found = await anyio.getaddrinfo(host or None, port, type=socket.SOCK_STREAM)
    family, kind, protocol, _, address = found[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setblocking(False)
        listener.bind(address)
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener


async def accept(
    listener: socket.socket, trouble: Callable[[str], None]
) -> tuple[socket.socket, str]:
    """Return the next connection and its peer's host.

    ``trouble`` is told why one could not be accepted, which is then tried again. Raises OSError
    when ``listener``, which does not block, is no listening socket any more.
    """
    while True:
        await anyio.wait_readable(listener)
        try:
            sock, address = listener.accept()
        except (BlockingIOError, InterruptedError):
            continue
        except OSError as error:
            if error.errno in _ITS_END:
                raise
            # Out of file descriptors, or the peer left between SYN and accept.
            trouble(error.strerror or str(error))
            await anyio.sleep(SHORTAGE_S)
        else:
            return sock, str(address[0])


async def accept_stream(listener: socket.socket, trouble: Callable[[str], None]) -> SocketStream:
    """Like ``accept``, for who reads and writes a stream."""
    while True:
        sock, _ = await accept(listener, trouble)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # The loop takes the socket over at once; cancelled in between, nobody would close it.
            with anyio.CancelScope(shield=True):
                return await SocketStream.from_socket(sock)
        except (OSError, ValueError):
            # The peer has gone again.
            sock.close()


async def serve(
    listener: Listener[Any],
    handle: Callable[[SocketStream], Coroutine[Any, Any, None]],
    connections: TaskGroup,
    trouble: Callable[[str], None],
) -> None:
    """Run ``handle`` in ``connections`` for each connection, until cancelled; closes ``listener``.

    ``listener`` is what ``anyio.create_tcp_listener`` made, or one without sockets, which serves by
    itself.
    """

    async def take_from(one: socket.socket) -> None:
        while True:
            connections.start_soon(handle, await accept_stream(one, trouble))

    async with listener, anyio.create_task_group() as accepting:
        for single in getattr(listener, "listeners", (listener,)):
            raw = single.extra(SocketAttribute.raw_socket, None)
            if raw is None:
                accepting.start_soon(single.serve, handle, connections)
            else:
                accepting.start_soon(take_from, raw)


async def secure(
    raw: AnyByteStream,
    context: ssl.SSLContext,
    *,
    timeout_s: float,
    trouble: Callable[[str], None],
) -> TLSStream | None:
    """Do the server's side of a TLS handshake; None when it failed or took too long.

    ``raw`` is closed then, and when cancelled; ``trouble`` is told why it failed. The stream does
    not insist on a closing alert: HTTP and gRPC say by themselves where a message ends.
    """
    stream: TLSStream | None = None
    try:
        with anyio.move_on_after(timeout_s):
            stream = await TLSStream.wrap(
                raw, server_side=True, ssl_context=context, standard_compatible=False
            )
    except (
        anyio.EndOfStream,
        anyio.BrokenResourceError,
        anyio.ClosedResourceError,
        # anyio lets a bare ssl.SSLError escape here; it is an OSError.
        OSError,
    ) as error:
        trouble(str(error))
    finally:
        # Also when cancelled: nobody else knows of the socket.
        if stream is None:
            with anyio.CancelScope(shield=True):
                await anyio.aclose_forcefully(raw)
    return stream
