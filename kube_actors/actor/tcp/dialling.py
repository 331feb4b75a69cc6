"""Dialling the processes known by address until each is connected, and again when lost."""

import errno
import os
import random
import socket
from collections.abc import Container, Mapping

import anyio
from anyio.abc import TaskGroup

from kube_actors.actor.tcp.config import Endpoint, TcpConfig
from kube_actors.actor.tcp.connection import Connection
from kube_actors.actor.tcp.greetings import Greetings
from kube_actors.actor.tcp.troubles import Troubles


class Dialling:
    """One task per peer; ``connected`` has the names of those that need no dialling."""

    def __init__(
        self,
        name: str,
        peers: Mapping[str, Endpoint],
        config: TcpConfig,
        *,
        greetings: Greetings,
        connected: Container[str],
        troubles: Troubles,
        rng: random.Random,
    ) -> None:
        self._name = name
        self._peers = peers
        self._config = config
        self._greetings = greetings
        self._connected = connected
        self._troubles = troubles
        self._random = rng
        self._ends: dict[Connection, anyio.Event] = {}
        self._losses: dict[str, anyio.Event] = {}

    def start(self, tasks: TaskGroup) -> None:
        """Keep dialling in ``tasks`` until they are cancelled."""
        for name, endpoint in self._peers.items():
            tasks.start_soon(self._keep, name, endpoint, name=f"tcp dial {name}")

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
        config = self._config
        delay_s = config.backoff_s[0]
        if self._name > name:
            await anyio.sleep(config.patience_s)
        while True:
            if name in self._connected:
                await self._losses.setdefault(name, anyio.Event()).wait()
                delay_s = config.backoff_s[0]
            pause_s = delay_s * self._random.uniform(0.5, 1.0)
            delay_s = min(2 * delay_s, config.backoff_s[1])
            connection = await self._dial(name, endpoint)
            if connection is not None:
                if not connection.is_closed:
                    self._ends[connection] = event = anyio.Event()
                    await event.wait()
                if connection.open and not connection.refused:
                    delay_s = pause_s = config.backoff_s[0]
                elif name not in self._connected:
                    # Somebody must mend it: asking often would only keep both busy.
                    pause_s = config.refused_backoff_s
            await anyio.sleep(pause_s)

    async def _dial(self, name: str, endpoint: Endpoint) -> Connection | None:
        host, port = endpoint
        where = f"{host}:{port}"
        try:
            with anyio.fail_after(self._config.connect_s):
                sock = await _connected(host, port)
        except TimeoutError:
            self._troubles.say_once(name, f"no answer at {where}")
            return None
        except OSError as error:
            self._troubles.say_once(name, f"{error.strerror or error} at {where}")
            return None
        return self._greetings.greet(sock, dialled=name, peer=name)


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
