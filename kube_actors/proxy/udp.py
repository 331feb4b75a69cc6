"""One UDP frontend: a session per client address, each with its own socket to one backend.

A session ends after it has been idle, or when its backend leaves the route: datagrams carry no
connection that would be worth draining. The number of sessions is bounded; the oldest idle goes.
"""

from collections import OrderedDict
from collections.abc import Callable

import anyio
from anyio.abc import ConnectedUDPSocket, TaskGroup, UDPSocket

from kube_actors.proxy.balancer import Backend, Balancer
from kube_actors.proxy.limits import Limits
from kube_actors.proxy.routing import Frontend, Route

Client = tuple[str, int]


class _Session:
    def __init__(self, backend: Backend, upstream: ConnectedUDPSocket) -> None:
        self.backend = backend
        self.upstream = upstream
        self.used_s = anyio.current_time()


async def serve_udp(
    frontend: Frontend,
    route: Callable[[], Route | None],
    balancer: Balancer,
    *,
    limits: Limits,
    clock: Callable[[], float],
    bound: Callable[[OSError | None], None],
) -> None:
    """Relay datagrams until cancelled; ``bound`` is told once how binding went."""
    try:
        socket = await anyio.create_udp_socket(
            local_host=frontend.address, local_port=frontend.port, reuse_port=True
        )
    except OSError as error:
        bound(error)
        return
    bound(None)
    sessions: OrderedDict[Client, _Session] = OrderedDict()
    async with socket, anyio.create_task_group() as tasks:
        tasks.start_soon(_expire, sessions, limits.session_idle_s)
        try:
            async for packet, client in socket:
                current = route()
                if current is None:
                    continue
                while len(sessions) >= limits.sessions_max and client not in sessions:
                    await _end(sessions, next(iter(sessions)))
                session = await _session(socket, sessions, client, current, balancer, clock, tasks)
                if session is not None:
                    session.used_s = anyio.current_time()
                    try:
                        await session.upstream.send(packet)
                    except (OSError, anyio.BrokenResourceError, anyio.ClosedResourceError):
                        await _end(sessions, client)
        finally:
            with anyio.CancelScope(shield=True):
                for client in list(sessions):
                    await _end(sessions, client)
            tasks.cancel_scope.cancel()


async def _session(
    socket: UDPSocket,
    sessions: "OrderedDict[Client, _Session]",
    client: Client,
    route: Route,
    balancer: Balancer,
    clock: Callable[[], float],
    tasks: TaskGroup,
) -> _Session | None:
    known = sessions.get(client)
    if known is not None:
        if known.backend in route.backends:
            sessions.move_to_end(client)
            return known
        await _end(sessions, client)
    order = balancer.order(route, client[0], clock())
    if not order:
        return None
    host, port = order[0]
    try:
        upstream = await anyio.create_connected_udp_socket(host, port)
    except OSError:
        return None
    balancer.used(route, client[0], order[0], clock())
    session = sessions[client] = _Session(order[0], upstream)
    tasks.start_soon(_answers, socket, session, client)
    return session


async def _answers(socket: UDPSocket, session: _Session, client: Client) -> None:
    while True:
        try:
            packet = await session.upstream.receive()
        except (anyio.ClosedResourceError, anyio.EndOfStream):
            return
        except (OSError, anyio.BrokenResourceError):
            # ICMP "port unreachable" surfaces here; the session expires by itself.
            return
        session.used_s = anyio.current_time()
        try:
            await socket.sendto(packet, *client)
        except (OSError, anyio.BrokenResourceError, anyio.ClosedResourceError):
            # A datagram may get lost; the frontend lives on.
            continue


async def _expire(sessions: "OrderedDict[Client, _Session]", idle_s: float) -> None:
    while True:
        await anyio.sleep(idle_s / 2)
        now_s = anyio.current_time()
        for client, session in list(sessions.items()):
            if now_s - session.used_s > idle_s:
                await _end(sessions, client)


async def _end(sessions: "OrderedDict[Client, _Session]", client: Client) -> None:
    session = sessions.pop(client, None)
    if session is not None:
        await session.upstream.aclose()
