"""One TCP frontend: accepts, picks a backend, carries bytes both ways with half-close.

A backend that refuses is skipped for the next one: nothing has been sent yet, so the client does
not notice. Connections outlive a route's change (as with kube-proxy) and, bounded by the drain
time, the frontend itself. A connection that ends otherwise than by both ends' own closing is reset,
so that no client takes half an answer for a whole one.
"""

import logging
import socket
import struct
from collections.abc import Callable

import anyio
from anyio.abc import ByteStream, SocketAttribute, SocketStream, TaskGroup

from kube_actors.actor.tcp import accept_stream
from kube_actors.proxy.balancer import Balancer
from kube_actors.proxy.limits import Limits
from kube_actors.proxy.routing import Frontend, Route

CHUNK_BYTES = 65536
BACKLOG = 1024
RESET_ON_CLOSE = struct.pack("ii", 1, 0)
logger = logging.getLogger(__name__)


async def serve_tcp(
    frontend: Frontend,
    route: Callable[[], Route | None],
    balancer: Balancer,
    connections: TaskGroup,
    *,
    limits: Limits,
    clock: Callable[[], float],
    bound: Callable[[OSError | None], None],
) -> None:
    """Listen until cancelled; accepted connections run in ``connections`` and survive this.

    Every node's proxy binds the same virtual address with SO_REUSEPORT, and the kernel spreads new
    connections among them. ``bound`` is told once: None, or why the address cannot be bound.
    """
    try:
        listener = await anyio.create_tcp_listener(
            local_host=frontend.address, local_port=frontend.port, reuse_port=True, backlog=BACKLOG
        )
    except OSError as error:
        bound(error)
        return
    bound(None)
    room = anyio.Semaphore(limits.connections_max)

    def trouble(text: str) -> None:
        logger.warning("accepting at %s:%d failed: %s", frontend.address, frontend.port, text)

    async def handle(client: SocketStream) -> None:
        try:
            current = route()
            if current is None or not await _carry(client, current, balancer, limits, clock):
                _reset(client)
        except BaseException:
            _reset(client)
            raise
        finally:
            room.release()
            await anyio.aclose_forcefully(client)

    async with listener:
        raw = listener.extra(SocketAttribute.raw_socket)
        while True:
            # Room first: a client that nobody can serve yet costs this process nothing.
            await room.acquire()
            try:
                client = await accept_stream(raw, trouble)
            except BaseException:
                room.release()
                raise
            connections.start_soon(handle, client)


async def _carry(
    client: SocketStream,
    route: Route,
    balancer: Balancer,
    limits: Limits,
    clock: Callable[[], float],
) -> bool:
    """Carry one connection; False when no backend took it, or it broke."""
    peer = str(client.extra(SocketAttribute.remote_address)[0])
    for backend in balancer.order(route, peer, clock()):
        upstream = await _connect(backend, limits.connect_timeout_s)
        if upstream is None:
            continue
        balancer.used(route, peer, backend, clock())
        whole = False
        try:
            whole = await splice(client, upstream)
        finally:
            if not whole:
                _reset(upstream)
            await anyio.aclose_forcefully(upstream)
        return whole
    return False


async def _connect(backend: tuple[str, int], timeout_s: float) -> SocketStream | None:
    try:
        with anyio.fail_after(timeout_s):
            return await anyio.connect_tcp(*backend)
    except (OSError, TimeoutError):
        return None


def _reset(stream: SocketStream) -> None:
    raw = stream.extra(SocketAttribute.raw_socket)
    try:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    except OSError:
        # Closed already.
        return


async def splice(left: ByteStream, right: ByteStream) -> bool:
    """Carry bytes both ways until both ends have finished; False when one broke."""
    whole = True

    async def pump(source: ByteStream, sink: ByteStream) -> None:
        nonlocal whole
        if not await _pump(source, sink):
            whole = False
            pumps.cancel_scope.cancel()

    async with anyio.create_task_group() as pumps:
        pumps.start_soon(pump, left, right)
        pumps.start_soon(pump, right, left)
    return whole


async def _pump(source: ByteStream, sink: ByteStream) -> bool:
    try:
        try:
            while True:
                await sink.send(await source.receive(CHUNK_BYTES))
        except anyio.EndOfStream:
            await sink.send_eof()
    except (OSError, anyio.BrokenResourceError, anyio.ClosedResourceError):
        return False
    return True
