"""One TCP frontend: accepts, picks a backend, carries bytes both ways with half-close.

A backend that refuses is skipped for the next one: nothing has been sent yet, so the client does
not notice. Connections outlive a route's change (as with kube-proxy) and, bounded by the drain
time, the frontend itself.
"""

from collections.abc import Callable

import anyio
from anyio.abc import ByteStream, SocketAttribute, SocketStream, TaskGroup

from kube_actors.proxy.balancer import Balancer
from kube_actors.proxy.routing import Frontend, Route

CONNECT_TIMEOUT_S = 1.0
CHUNK_BYTES = 65536
CONNECTIONS_MAX = 1024
BACKLOG = 1024


async def serve_tcp(
    frontend: Frontend,
    route: Callable[[], Route | None],
    balancer: Balancer,
    connections: TaskGroup,
    *,
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
    room = anyio.Semaphore(CONNECTIONS_MAX)

    async def handle(client: SocketStream) -> None:
        try:
            current = route()
            if current is not None:
                await _carry(client, current, balancer, clock)
        finally:
            room.release()
            await anyio.aclose_forcefully(client)

    async def accepted(client: SocketStream) -> None:
        await room.acquire()
        await handle(client)

    async with listener:
        await listener.serve(accepted, connections)


async def _carry(
    client: SocketStream, route: Route, balancer: Balancer, clock: Callable[[], float]
) -> None:
    peer = client.extra(SocketAttribute.remote_address)[0]
    for backend in balancer.order(route, str(peer), clock()):
        upstream = await _connect(*backend)
        if upstream is None:
            continue
        balancer.used(route, str(peer), backend, clock())
        async with upstream:
            await splice(client, upstream)
        return


async def _connect(host: str, port: int) -> SocketStream | None:
    try:
        with anyio.fail_after(CONNECT_TIMEOUT_S):
            return await anyio.connect_tcp(host, port)
    except (OSError, TimeoutError):
        return None


async def splice(left: ByteStream, right: ByteStream) -> None:
    """Carry bytes both ways until both ends have finished or one breaks."""
    async with anyio.create_task_group() as pumps:
        pumps.start_soon(_pump, left, right, pumps)
        pumps.start_soon(_pump, right, left, pumps)


async def _pump(source: ByteStream, sink: ByteStream, pumps: TaskGroup) -> None:
    try:
        while True:
            await sink.send(await source.receive(CHUNK_BYTES))
    except anyio.EndOfStream:
        try:
            await sink.send_eof()
        except (OSError, anyio.BrokenResourceError, anyio.ClosedResourceError):
            pumps.cancel_scope.cancel()
    except (OSError, anyio.BrokenResourceError, anyio.ClosedResourceError):
        pumps.cancel_scope.cancel()
