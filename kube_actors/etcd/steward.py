"""Asks members about the group and has it changed: what ``Store`` leaves out, etcd's API has."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from kube_actors.actor import Actor, Address, Overloaded, Unreachable
from kube_actors.store.maintenance_messages import GetSnapshot

TIMEOUT_S = 10.0


class Steward:
    """Speaks to the first of ``members``, its home; to the others only if that is not there."""

    def __init__(
        self, actor: Actor, members: Sequence[Address], *, timeout_s: float = TIMEOUT_S
    ) -> None:
        self._actor = actor
        self._members = tuple(members)
        self._timeout_s = timeout_s

    async def home(self, request: Any) -> Any:
        """Ask the home member itself, nobody else."""
        return await self._actor.call(self._members[0], request, timeout_s=self._timeout_s)

    async def group(self, request: Any) -> Any:
        """Ask the group: any member will do that takes the request."""
        for member in self._members[:-1]:
            try:
                return await self._actor.call(member, request, timeout_s=self._timeout_s)
            except (Unreachable, Overloaded):
                continue
        return await self._actor.call(self._members[-1], request, timeout_s=self._timeout_s)

    def snapshot(self) -> AbstractAsyncContextManager[AsyncIterator[Any]]:
        """Stream the home member's snapshot."""
        return self._actor.stream(self._members[0], GetSnapshot())
