"""The reading end of a watch session: open and cancel watches, iterate over what comes.

It lasts as long as the member it was opened at. When that goes away the iteration raises and so
does every method; whoever wants to go on opens another session, and every watch in it from the
revision after the last one it has seen.
"""

from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

from kube_actors.actor import Actor, Address
from kube_actors.store.messages import (
    SESSION_WATCH,
    SessionCancel,
    SessionItem,
    SessionOpen,
    SessionOpened,
    SessionProgress,
    SharedItem,
    Watch,
    WatchSession,
)


class WatchSessionClient:
    """An open session: an async iterator over ``SessionItem``; ``member`` serves it."""

    def __init__(
        self,
        actor: Actor,
        member: Address,
        number: int,
        items: AsyncIterator[SessionItem | SharedItem],
        timeout_s: float,
    ) -> None:
        self.member = member
        self._actor = actor
        self._number = number
        self._items = items
        self._shared: deque[SessionItem] = deque()
        self._timeout_s = timeout_s

    def __aiter__(self) -> "WatchSessionClient":
        return self

    async def __anext__(self) -> SessionItem:
        if self._shared:
            return self._shared.popleft()
        item = await anext(self._items)
        if isinstance(item, SessionItem):
            return item
        self._shared.extend(item.items())
        return self._shared.popleft()

    async def open(
        self, watch: Watch, *, watch_id: int = SESSION_WATCH, fragment: bool = False
    ) -> int:
        """Add a watch and return its id; its CREATED item comes with the others.

        Raises what ``SessionOpen`` says, and what the channel says when the member is gone.
        """
        opened = await self._call(SessionOpen(self._number, watch_id, watch, fragment))
        return opened.watch_id

    async def cancel(self, watch_id: int) -> None:
        """End a watch; its CANCELED item comes with the others."""
        await self._call(SessionCancel(self._number, watch_id))

    async def progress(self) -> None:
        """Ask for an item that says up to which revision every watch has been shown all."""
        await self._call(SessionProgress(self._number))

    async def _call(self, request: SessionOpen | SessionCancel | SessionProgress) -> SessionOpened:
        answer = await self._actor.call(self.member, request, timeout_s=self._timeout_s)
        assert isinstance(answer, SessionOpened)
        return answer


@asynccontextmanager
async def open_session(
    actor: Actor, member: Address, number: int, *, timeout_s: float = 10.0
) -> AsyncGenerator[WatchSessionClient, None]:
    """Open a session at one member; ``number`` is one that this actor has not in use there."""
    async with actor.stream(member, WatchSession(number)) as items:
        # It says that the session is there.
        await anext(items)
        yield WatchSessionClient(actor, member, number, items, timeout_s)
