"""The sockets a proxy holds open, kept equal to its routing table.

Each frontend is one task with its own cancel scope. A route's change is only a new value that the
next connection reads; a frontend that leaves the table stops listening at once, while its
connections go on until they end or the drain time is over. A route without backends is not
opened: the kernel refuses its clients at once, as kube-proxy does.
"""

from collections.abc import Callable
from random import Random

import anyio
from anyio.abc import TaskGroup

from kube_actors.proxy.balancer import Balancer
from kube_actors.proxy.limits import Limits
from kube_actors.proxy.routing import Frontend, Route
from kube_actors.proxy.tcp import serve_tcp
from kube_actors.proxy.udp import serve_udp

Refused = Callable[[Frontend, Route, OSError], None]


class Frontends:
    """Owned by one proxy; ``apply`` is synchronous and level-triggered."""

    def __init__(
        self,
        tasks: TaskGroup,
        random: Random,
        clock: Callable[[], float],
        refused: Refused,
        limits: Limits,
    ) -> None:
        self._tasks = tasks
        self._random = random
        self._clock = clock
        self._refused = refused
        self._limits = limits
        self._routes: dict[Frontend, Route] = {}
        self._scopes: dict[Frontend, anyio.CancelScope] = {}
        self._failed: dict[Frontend, None] = {}

    @property
    def bound(self) -> tuple[Frontend, ...]:
        """The frontends that are open or being opened: those not known to have failed."""
        return tuple(f for f in self._scopes if f not in self._failed)

    def apply(self, routes: dict[Frontend, Route]) -> None:
        """Open what is new, close what is gone, swap the rest in place."""
        self._routes = routes = {f: route for f, route in routes.items() if route.backends}
        for frontend in [f for f in self._scopes if f not in routes]:
            self._scopes.pop(frontend).cancel()
            self._failed.pop(frontend, None)
        for frontend in routes:
            if frontend not in self._scopes:
                scope = self._scopes[frontend] = anyio.CancelScope()
                self._tasks.start_soon(self._run, frontend, scope)

    def retry_failed(self) -> None:
        """Try again to bind what could not be bound, e.g. a port that was taken."""
        for frontend in list(self._failed):
            del self._failed[frontend]
            self._scopes.pop(frontend, None)
        self.apply(self._routes)

    async def _run(self, frontend: Frontend, scope: anyio.CancelScope) -> None:
        def route() -> Route | None:
            return self._routes.get(frontend)

        def bound(error: OSError | None) -> None:
            known = self._routes.get(frontend)
            # A frontend that left and came back has another task, and its own luck.
            current = self._scopes.get(frontend) is scope
            if error is not None and known is not None and current:
                self._failed[frontend] = None
                self._refused(frontend, known, error)

        balancer = Balancer(self._random)
        if frontend.protocol == "UDP":
            with scope:
                await serve_udp(
                    frontend,
                    route,
                    balancer,
                    limits=self._limits,
                    clock=self._clock,
                    bound=bound,
                )
            return
        async with anyio.create_task_group() as connections:
            with scope:
                await serve_tcp(
                    frontend,
                    route,
                    balancer,
                    connections,
                    limits=self._limits,
                    clock=self._clock,
                    bound=bound,
                )
            connections.cancel_scope.deadline = anyio.current_time() + self._limits.drain_s
