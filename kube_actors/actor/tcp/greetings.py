"""Connections whose other end has not said who it is, or said so and was refused.

A connected socket becomes a peer when TLS is established, its hello is one that this process may
talk to, and it is not the lesser of two connections to the same process. Whatever else it is, it
is closed, with a sentence where one helps, and at the latest after ``handshake_s``.
"""

import socket
from collections.abc import Callable

from kube_actors.actor.errors import MalformedMessage
from kube_actors.actor.talk import Envelope
from kube_actors.actor.tcp.config import TcpConfig, Tls
from kube_actors.actor.tcp.connection import Connection
from kube_actors.actor.tcp.control import control, text_of, told
from kube_actors.actor.tcp.events import Due, Events
from kube_actors.actor.tcp.frames import HELLO, REFUSED
from kube_actors.actor.tcp.handshake import Hello, Refused, certified_name, check_hello
from kube_actors.actor.tcp.listening import accept
from kube_actors.actor.tcp.statistics import TcpStatistics
from kube_actors.actor.tcp.troubles import Troubles


class Greetings:
    """``known`` is told who a connection is to, and may raise Refused; ``closed`` why one ends."""

    def __init__(
        self,
        ours: Hello,
        tls: Tls | None,
        events: Events,
        due: Due,
        config: TcpConfig,
        *,
        troubles: Troubles,
        counts: TcpStatistics,
        refusals: dict[str, str],
        known: Callable[[Connection, Hello], None],
        closed: Callable[[Connection, str], None],
    ) -> None:
        self.waiting: dict[Connection, float] = {}
        """Until when each may take to say who it is."""
        self._ours = ours
        self._tls = tls
        self._events = events
        self._due = due
        self._config = config
        self._troubles = troubles
        self._counts = counts
        self._refusals = refusals
        self._known = known
        self._closed = closed

    async def accept(self, listener: socket.socket) -> None:
        """Greet whoever connects, for ever; hang up on who comes when too many are waiting."""
        while True:
            sock, host = await accept(listener, self._trouble)
            if len(self.waiting) < self._config.handshakes_max:
                self.greet(sock, dialled="", peer=host)
            else:
                sock.close()
                self._trouble("too many connections that have not said who they are")

    def greet(self, sock: socket.socket, *, dialled: str, peer: str) -> Connection:
        """Begin to talk on a connected socket; it closes by itself when it comes to nothing."""
        context = None
        if self._tls is not None:
            context = self._tls.client if dialled else self._tls.server
        sock.setblocking(False)
        connection = Connection(
            sock, context, self._events, self._due, self._config, dialled=dialled, peer=peer
        )
        connection.received = self._received
        connection.closed = self._closed
        connection.secured = self._secured
        self.waiting[connection] = self._events.time() + self._config.handshake_s
        connection.start()
        return connection

    def refuse(self, connection: Connection, text: str) -> None:
        """Close a connection and tell the other side why."""
        self._counts.refused += 1
        connection.send(control(REFUSED, text.encode()))
        connection.close_after_sending(f"refused: {text}")

    def refused(self, connection: Connection, envelope: Envelope, what: str) -> None:
        """Close a connection that the other side refuses, and keep what it said."""
        told(connection, envelope, what)
        if connection.refused:
            self._refusals[connection.name or connection.peer] = text_of(envelope)

    def close_late(self, now_s: float) -> None:
        """Close those that should have said by now who they are."""
        for connection, until_s in list(self.waiting.items()):
            if now_s >= until_s:
                connection.close("it did not say who it is in time")

    def _trouble(self, text: str) -> None:
        self._troubles.say_once("accepting", text)

    def _secured(self, connection: Connection) -> None:
        connection.send(control(HELLO, self._ours.to_bytes()))

    def _received(self, connection: Connection, envelope: Envelope) -> None:
        try:
            if envelope.kind == REFUSED:
                self.refused(connection, envelope, "it refused this process")
                return
            if envelope.kind != HELLO:
                raise MalformedMessage("something else before its hello")
            theirs = Hello.from_bytes(envelope.frame.header)
            certified = certified_name(connection.certificate) if connection.secure else None
            check_hello(self._ours, theirs, expected=connection.dialled, certified=certified)
            self._known(connection, theirs)
        except MalformedMessage as error:
            connection.close(f"it sent {error}")
        except Refused as error:
            self.refuse(connection, str(error))


def gives_way(
    present: Connection, coming: Connection, theirs: Hello, *, ours: str, alive: bool
) -> bool:
    """Say whether the present connection to a process gives way to the one that is coming.

    Raises Refused when another process of that name is connected and ``alive``. The kernel closes
    a dead process's connections; a lost host falls silent.
    """
    if present.incarnation != theirs.incarnation:
        if alive:
            raise Refused(f"another process called {theirs.name} is connected")
        return True
    if bool(present.dialled) == bool(coming.dialled):
        return True
    dialling = ours if coming.dialled else theirs.name
    return dialling == min(ours, theirs.name)
