"""Taking connections in: one listener, and one task that accepts."""

import socket
from collections.abc import Callable

import anyio

from kube_actors.actor.tcp_dialling import Endpoint


async def listening(endpoint: Endpoint) -> socket.socket:
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


async def accepting(
    listener: socket.socket,
    take: Callable[[socket.socket, str], None],
    trouble: Callable[[str], None],
) -> None:
    """Give each connection with its peer's host to ``take``, for ever."""
    while True:
        await anyio.wait_readable(listener)
        try:
            sock, address = listener.accept()
        except (BlockingIOError, InterruptedError):
            continue
        except OSError as error:
            # Out of file descriptors, or the peer left between SYN and accept.
            trouble(error.strerror or str(error))
            await anyio.sleep(0.1)
            continue
        take(sock, str(address[0]))
