"""The network between processes: mutual TLS, one connection per pair, the same promises.

Addresses of this process are reached by a function call, as in ``MemoryNetwork``; those of others
through the connection to the process that announced them. Of two processes that know each other
the one with the smaller name dials; the other waits a little and then tries too, and when both
came through, the smaller one's connection stays. A lost connection fails the calls it carried with
``ActorCrashed`` (what became of them is unknown) and ends its streams; what had not left yet fails
with ``Unreachable``. Losses are otherwise silent: the network is ``lossy``.
"""

import logging
import random
import socket
from collections.abc import Callable, Mapping
from types import TracebackType

import anyio
import attrs
from anyio.abc import TaskGroup

from kube_actors.actor.address import Address
from kube_actors.actor.errors import MalformedMessage, Unreachable
from kube_actors.actor.loop import Timers, only
from kube_actors.actor.talk import (
    CALL,
    CANCEL,
    ITEM,
    STREAM,
    TELL,
    Envelope,
    failure,
    undeliverable,
)
from kube_actors.actor.tcp.config import Endpoint, TcpConfig, Tls
from kube_actors.actor.tcp.connection import Connection
from kube_actors.actor.tcp.control import addresses_told, control, leave
from kube_actors.actor.tcp.dialling import Dialling
from kube_actors.actor.tcp.events import Due, Events, running_events
from kube_actors.actor.tcp.frames import GONE, HELD, HELLO, PING, REFUSED
from kube_actors.actor.tcp.greetings import Greetings, gives_way
from kube_actors.actor.tcp.handshake import Hello, read_addresses
from kube_actors.actor.tcp.listening import listening
from kube_actors.actor.tcp.peers import Peer, Routes
from kube_actors.actor.tcp.schema import schema_digests
from kube_actors.actor.tcp.statistics import TcpStatistics
from kube_actors.actor.tcp.troubles import Troubles

logger = logging.getLogger(__name__)

ANNOUNCED_AT_ONCE = 1000


class TcpNetwork:
    """``async with TcpNetwork("m1", listen=…, peers={"m2": (host, port)}, tls=…) as network:``.

    ``listen`` is where others reach this process, None if they need not. ``peers`` are the
    processes to connect to; others may come by themselves. Without ``tls`` everything crosses in
    the clear and anybody may connect: only with ``plain=True``, for tests on one machine.
    ``incarnation`` must differ from this name's former lives. ``may_hold`` says whether a process
    may have an address; a connection that announces another one is closed.

    Raises OSError on entry when ``listen`` cannot be bound, ValueError for an unusable argument.
    """

    def __init__(
        self,
        name: str,
        *,
        listen: Endpoint | None = None,
        peers: Mapping[str, Endpoint] | None = None,
        tls: Tls | None = None,
        plain: bool = False,
        incarnation: int = 1,
        seed: int = 0,
        config: TcpConfig | None = None,
        schema: Mapping[str, str] | None = None,
        may_hold: Callable[[str, Address], bool] | None = None,
        may_send: Callable[[str, Address, Address], bool] | None = None,
    ) -> None:
        if (tls is None) != plain:
            raise ValueError("give tls, or plain=True for connections in the clear, not both")
        if not name or name in (peers or ()):
            raise ValueError(f"{name!r} cannot be both this process and a peer, nor be empty")
        self.name = name
        self.refusals: dict[str, str] = {}
        """What others said when they last refused this process, by their names."""
        self.endpoint: Endpoint | None = None
        self._config = config or TcpConfig()
        self._incarnation = incarnation
        self._peers = dict(peers or {})
        self._random = random.Random(f"{seed}/{name}/{incarnation}")
        self._events: Events
        self._tasks: TaskGroup
        self._schema = schema
        self._may_hold = may_hold
        self._may_send = may_send
        self._listen = listen
        self._tls = tls
        self._listener: socket.socket | None = None
        self._local: dict[Address, Callable[[Envelope], None]] = {}
        self._routes = Routes()
        self._open: dict[str, Peer] = {}
        self._counts = TcpStatistics()
        self._news = anyio.Event()
        self._troubles = Troubles(name)

    # What ports ask of it.

    @property
    def lossy(self) -> bool:
        """True: a connection that is lost loses what was on its way."""
        return True

    def attach(self, address: Address, deliver: Callable[[Envelope], None], timers: Timers) -> None:
        """Give an address to a port and announce it; ValueError when it is taken here."""
        if address in self._local:
            raise ValueError(f"the address {address} is taken")
        self._local[address] = deliver
        self._announce(HELD, address)

    def detach(self, address: Address) -> None:
        """Take the address back and say so to every peer; no-op when nobody has it."""
        if self._local.pop(address, None) is not None:
            self._announce(GONE, address)

    def send(self, envelope: Envelope) -> None:
        """Call the receiver, or queue for the process that announced it; else say Unreachable."""
        deliver = self._local.get(envelope.target)
        if deliver is not None:
            deliver(envelope)
            return
        peer = self._routes.holder(envelope.target)
        if peer is not None:
            self._carry(peer, envelope)
        else:
            self._nobody(envelope)

    def flush(self) -> None:
        """Write what is queued for every peer now, as far as the sockets take it."""
        self._due.run()

    # What its owner asks.

    @property
    def connected(self) -> tuple[str, ...]:
        """The names of the processes it is connected to, sorted."""
        return tuple(sorted(self._open))

    def addresses_of(self, name: str) -> tuple[Address, ...]:
        """What a connected process has announced; empty when it is not connected."""
        peer = self._open.get(name)
        return tuple(peer.addresses) if peer is not None else ()

    def knows(self, address: Address) -> bool:
        """Whether somebody has this address, here or in a connected process."""
        return address in self._local or address in self._routes

    async def wait_for(self, *addresses: Address) -> None:
        """Wait until somebody has one of these addresses."""
        while not any(self.knows(address) for address in addresses):
            await self._news.wait()

    def cut(self, name: str) -> None:
        """Drop the connection to a process, if there is one; it is dialled again."""
        peer = self._open.get(name)
        if peer is not None:
            peer.connection.close("cut on purpose")

    def statistics(self) -> TcpStatistics:
        """Count connections and envelopes so far."""
        return attrs.evolve(self._counts)

    async def __aenter__(self) -> "TcpNetwork":
        tasks = anyio.create_task_group()
        hello = Hello(
            self.name,
            self._incarnation,
            schema_digests() if self._schema is None else self._schema,
        )
        if self._listen is not None:
            self._listener = await listening(self._listen)
            host, port = self._listener.getsockname()[:2]
            self.endpoint = (host, port)
        self._tasks = await tasks.__aenter__()
        self._events = running_events(tasks)
        self._due = Due(self._events)
        self._greetings = Greetings(
            hello,
            self._tls,
            self._events,
            self._due,
            self._config,
            troubles=self._troubles,
            counts=self._counts,
            refusals=self.refusals,
            known=self._settle,
            closed=self._closed,
        )
        self._dialling = Dialling(
            self.name,
            self._peers,
            self._config,
            greetings=self._greetings,
            connected=self._open,
            troubles=self._troubles,
            rng=self._random,
        )
        if self._listener is not None:
            tasks.start_soon(self._greetings.accept, self._listener, name="tcp accept")
        self._dialling.start(tasks)
        tasks.start_soon(self._pulse, name="tcp pulse")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        self._tasks.cancel_scope.cancel()
        self._leave()
        try:
            return await self._tasks.__aexit__(kind, error, traceback)
        except BaseExceptionGroup as group:
            broken = only(group)
        finally:
            # A task that has what it waited for goes on to its next wait before it is cancelled:
            # it needs the listener, and may have connected or accepted.
            self._leave()
            if self._listener is not None:
                self._listener.close()
        raise broken

    def _leave(self) -> None:
        """Close every connection without a word to those who waited for it."""
        for connection in [
            *self._greetings.waiting,
            *(peer.connection for peer in self._open.values()),
        ]:
            connection.closed = _ignored
            connection.close_after_sending("this process ends")
        self._greetings.waiting.clear()
        self._open.clear()
        self._routes = Routes()

    # Sending.

    def _nobody(self, envelope: Envelope) -> None:
        self._counts.unreachable += 1
        answer = undeliverable(envelope)
        if answer is not None and answer.target in self._local:
            self._local[answer.target](answer)

    def _carry(self, peer: Peer, envelope: Envelope) -> None:
        told = peer.send(envelope)
        if told is not None:
            self._return(told)

    def _return(self, envelope: Envelope) -> None:
        deliver = self._local.get(envelope.target)
        if deliver is not None:
            deliver(envelope)

    def _announce(self, kind: int, address: Address) -> None:
        for peer in self._open.values():
            peer.connection.send(addresses_told(kind, [address]))

    # Connections.

    def _received(self, connection: Connection, envelope: Envelope) -> None:
        peer = self._open[connection.name]
        kind = envelope.kind
        if kind < HELLO:
            self._arrived(peer, envelope)
        elif kind in (HELD, GONE):
            self._moved(peer, envelope)
        elif kind == REFUSED:
            self._greetings.refused(connection, envelope, "it closed the connection")

    def _arrived(self, peer: Peer, envelope: Envelope) -> None:
        if self._may_send is not None:
            name, (_, source, target, *_) = peer.connection.name, envelope
            if not self._may_send(name, source, target):
                peer.connection.close(f"it sent as {source} to {target}, which {name} may not")
                return
        deliver = self._local.get(envelope.target)
        if deliver is not None:
            if envelope.kind != TELL and envelope.kind != ITEM:
                peer.conversations.received(envelope)
            deliver(envelope)
            return
        self._counts.unreachable += 1
        answer = undeliverable(envelope)
        if answer is not None:
            self._carry(peer, answer)

    def _settle(self, connection: Connection, theirs: Hello) -> None:
        """Take a connection into use, unless there is a better one to the same process."""
        present = self._open.get(theirs.name)
        if present is not None:
            old = present.connection
            alive = self._events.time() - old.heard_s < 2 * self._config.ping_s
            if not gives_way(old, connection, theirs, ours=self.name, alive=alive):
                leave(connection)
                return
            leave(old)
        self._greetings.waiting.pop(connection, None)
        connection.opened(theirs.name, theirs.incarnation)
        connection.received = self._received
        self._open[theirs.name] = Peer(connection, self._config, self._counts, ours=self.name)
        self._counts.connected += 1
        logger.info("%s: connected to %s", self.name, theirs.name)
        held = list(self._local)
        for at in range(0, len(held), ANNOUNCED_AT_ONCE):
            connection.send(addresses_told(HELD, held[at : at + ANNOUNCED_AT_ONCE]))

    def _moved(self, peer: Peer, envelope: Envelope) -> None:
        """Take note of which addresses a peer has."""
        try:
            claimed = [Address(each) for each in read_addresses(envelope.frame.header)]
        except MalformedMessage as error:
            peer.connection.close(f"it sent {error}")
            return
        if envelope.kind == HELD:
            name = peer.connection.name
            wrong = [each for each in claimed if self._may_hold and not self._may_hold(name, each)]
            if wrong:
                self._greetings.refuse(
                    peer.connection, f"it claims {wrong[0]}, which {name} may not have"
                )
                return
            self._news.set()
            self._news = anyio.Event()
        for address in claimed:
            if envelope.kind == GONE:
                self._routes.forget(peer, address)
                continue
            other = self._routes.add(peer, address)
            if other is not peer or address in self._local:
                whose = self.name if address in self._local else other.connection.name
                self._troubles.say_once(
                    peer.connection.name, f"it has {address}, which {whose} has as well"
                )
        if len(peer.addresses) > self._config.addresses_max:
            peer.connection.close(f"it has more than {self._config.addresses_max} addresses")

    def _closed(self, connection: Connection, reason: str) -> None:
        self._greetings.waiting.pop(connection, None)
        if connection.open and not connection.refused:
            # It was a connection; one that the other side refused upon our hello was none.
            self._troubles.forget(connection.name)
        if reason:
            self._troubles.say_once(connection.peer, reason)
        self._dialling.ended(connection)
        peer = self._open.get(connection.name)
        if peer is None or peer.connection is not connection:
            return
        del self._open[connection.name]
        self._dialling.lost(connection.name)
        self._counts.lost += 1
        for address in list(peer.addresses):
            self._routes.forget(peer, address)
        unsent = connection.unsent()
        for envelope in unsent:
            if envelope.kind in (CALL, STREAM):
                self._return(failure(envelope, Unreachable(str(envelope.target))))
                # It is answered: the endings below must not say it again.
                peer.conversations.sent(envelope._replace(kind=CANCEL))
        for envelope in peer.conversations.endings():
            self._return(envelope)

    # Tasks.

    async def _pulse(self) -> None:
        """Give up who is silent, and let the others know that this process is there."""
        before_s = self._events.time()
        while True:
            await anyio.sleep(self._config.ping_s)
            now_s = self._events.time()
            stalled = now_s - before_s > 2 * self._config.ping_s
            before_s = now_s
            if not stalled:
                self._greetings.close_late(now_s)
            for peer in list(self._open.values()):
                connection = peer.connection
                if stalled:
                    # This process was stopped: what it did not read is no silence.
                    connection.heard_s = now_s
                elif now_s - connection.heard_s > self._config.silence_s:
                    connection.close(f"silent for {self._config.silence_s:g} s")
                    continue
                if not connection.spoke and not connection.queued:
                    connection.send(control(PING, b""))
                connection.spoke = False


def _ignored(connection: Connection, reason: str) -> None: ...
