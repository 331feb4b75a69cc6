"""Asks members about the group and has it changed: what ``Store`` leaves out, etcd's API has."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Any

from kube_actors.actor import Actor, Overloaded, Unreachable
from kube_actors.store import StoreClient
from kube_actors.store.messages import GetSnapshot

TIMEOUT_S = 10.0


class Administration:
    """Speaks to a store client's home, and only if that is not there to whoever else belongs."""

    def __init__(self, actor: Actor, store: StoreClient, *, timeout_s: float = TIMEOUT_S) -> None:
        self._actor = actor
        self._store = store
        self._home = store.known[0]
        self._timeout_s = timeout_s

    async def home(self, request: Any) -> Any:
        """Ask the home member itself, nobody else."""
        return await self._actor.call(self._home, request, timeout_s=self._timeout_s)

    async def group(self, request: Any) -> Any:
        """Ask the group: any member will do that takes the request."""
        *first, last = self._store.known
        for member in first:
            try:
                return await self._actor.call(member, request, timeout_s=self._timeout_s)
            except (Unreachable, Overloaded):
                continue
        return await self._actor.call(last, request, timeout_s=self._timeout_s)

    def snapshot(self) -> AbstractAsyncContextManager[AsyncIterator[Any]]:
        """Stream the home member's snapshot."""
        return self._actor.stream(self._home, GetSnapshot())
