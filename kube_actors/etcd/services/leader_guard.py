"""What clients mean by ``hasleader: true``: rather no answer than one of a member without a leader.

`etcdctl watch` and Kubernetes' apiserver say so of their watches: they would otherwise wait for
ever at a member that is cut off, while the others go on.
"""

from collections.abc import Awaitable, Callable

import anyio

from kube_actors.actor import ActorError
from kube_actors.actor.loop import only
from kube_actors.etcd.failures import NO_LEADER
from kube_actors.etcd.grpc import Code, GrpcError, Headers
from kube_actors.etcd.services.origin import Origin

WANTED = (b"hasleader", b"true")
POLL_S = 1.0
MISSES_MAX = 3
"""So often in a row a stream may find that there is none (etcd's number)."""


class LeaderGuard:
    """Refuses calls that want a leader while there is none, and ends streams that lose it."""

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self._asking = anyio.Lock()

    async def run(
        self, headers: Headers, handler: Callable[[], Awaitable[None]], *, lasting: bool
    ) -> None:
        """Run a handler; raises GrpcError "no leader"."""
        if WANTED not in headers:
            await handler()
            return
        if not await self._has_leader():
            raise GrpcError(Code.UNAVAILABLE, NO_LEADER)
        if not lasting:
            await handler()
            return
        with anyio.CancelScope() as scope:
            try:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(self._watch_over, scope)
                    await handler()
                    tasks.cancel_scope.cancel()
            except BaseExceptionGroup as group:
                raise only(group) from None
        if scope.cancelled_caught:
            raise GrpcError(Code.UNAVAILABLE, NO_LEADER)

    async def _watch_over(self, scope: anyio.CancelScope) -> None:
        misses = 0
        while misses < MISSES_MAX:
            await anyio.sleep(POLL_S)
            misses = 0 if await self._has_leader() else misses + 1
        scope.cancel()

    async def _has_leader(self) -> bool:
        # Many streams ask at the same time: one question is enough for all of them.
        async with self._asking:
            try:
                return not (await self._origin.recent()).read_only
            except ActorError:
                return False
