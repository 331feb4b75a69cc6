"""Dialling the processes known by address until each is connected, and again when lost."""

import errno
import os
import socket
from typing import TYPE_CHECKING

import anyio

from kube_actors.actor.tcp.connection import Connection

if TYPE_CHECKING:
    from kube_actors.actor.tcp.network import TcpNetwork

Endpoint = tuple[str, int]
"""Host (a name or an address) and port."""


class Dialling:
    """One task per peer."""

    def __init__(self, network: "TcpNetwork") -> None:
        self._network = network
        self._ends: dict[Connection, anyio.Event] = {}
        self._losses: dict[str, anyio.Event] = {}

    def start(self) -> None:
        for name, endpoint in self._network.peers.items():
            self._network.tasks.start_soon(self._keep, name, endpoint, name=f"tcp dial {name}")

    def ended(self, connection: Connection) -> None:
        """Take note that a connection has ended, open or not."""
        event = self._ends.pop(connection, None)
        if event is not None:
            event.set()

    def lost(self, name: str) -> None:
        """Take note that a peer is no longer connected."""
        event = self._losses.pop(name, None)
        if event is not None:
            event.set()

    async def _keep(self, name: str, endpoint: Endpoint) -> None:
        network, config = self._network, self._network.config
        delay_s = config.backoff_s[0]
        if network.name > name:
            await anyio.sleep(config.patience_s)
        while True:
            if network.is_open(name):
                await self._losses.setdefault(name, anyio.Event()).wait()
                delay_s = config.backoff_s[0]
            pause_s = delay_s * network.random.uniform(0.5, 1.0)
            delay_s = min(2 * delay_s, config.backoff_s[1])
            connection = await self._dial(name, endpoint)
            if connection is not None:
                if not connection.is_closed:
                    self._ends[connection] = event = anyio.Event()
                    await event.wait()
                if connection.open and not connection.refused:
                    delay_s = pause_s = config.backoff_s[0]
                elif not network.is_open(name):
                    # Somebody must mend it: asking often would only keep both busy.
                    pause_s = config.refused_backoff_s
            await anyio.sleep(pause_s)

    async def _dial(self, name: str, endpoint: Endpoint) -> Connection | None:
        host, port = endpoint
        where = f"{host}:{port}"
        try:
            with anyio.fail_after(self._network.config.connect_s):
                sock = await _connected(host, port)
        except TimeoutError:
            self._network.say_once(name, f"no answer at {where}")
            return None
        except OSError as error:
            self._network.say_once(name, f"{error.strerror or error} at {where}")
            return None
        return self._network.greet(sock, dialled=name, peer=name)


async def _connected(host: str, port: int) -> socket.socket:
    """Connect to the first address of a host that answers; OSError of the last that did not."""
    failure: OSError = OSError(errno.EHOSTUNREACH, "no address")
    for family, kind, protocol, _, address in await anyio.getaddrinfo(
        host, port, type=socket.SOCK_STREAM
    ):
        sock = socket.socket(family, kind, protocol)
        try:
            sock.setblocking(False)
            code = sock.connect_ex(address)
            if code == errno.EINPROGRESS:
                await anyio.wait_writable(sock)
                code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if code == 0:
                return sock
            failure = OSError(code, os.strerror(code))
        except OSError as error:
            failure = error
        except BaseException:
            sock.close()
            raise
        sock.close()
    raise failure
