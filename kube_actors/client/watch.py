"""One watch on one API server: its events in order, until it ends.

It ends by itself whenever the server wants; going on from the last revision is
for the one who watches. A failure at opening or within the watch is raised as what it is.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Any

import orjson

from kube_actors.actor import ActorError
from kube_actors.api import from_status
from kube_actors.client.door import Door
from kube_actors.client.messages import ApiRefused, ApiRequest, WatchBatch, WatchEvent

INITIAL_EVENTS_END = "k8s.io/initial-events-end"


class Watch:
    """``async with Watch(…) as events: async for event in events: …``.

    Entry and iteration raise ``StatusError`` when the server refuses the watch or sends an ERROR
    event, and ``ActorError`` when the server is gone.
    """

    def __init__(self, door: Door, request: ApiRequest, *, credit: int = 64) -> None:
        self.apiserver = door.apiserver
        self._door = door
        self._stream: AbstractAsyncContextManager[AsyncIterator[Any]] = door.actor.stream(
            self.apiserver, door.signed(request), credit=credit
        )
        self._batches: AsyncIterator[Any] | None = None
        self._events: Iterator[WatchEvent] = iter(())

    async def __aenter__(self) -> "Watch":
        try:
            self._batches = await self._stream.__aenter__()
        except ActorError as error:
            raise self._translated(error) from error
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._stream.__aexit__(kind, error, traceback)

    def __aiter__(self) -> "Watch":
        return self

    async def __anext__(self) -> WatchEvent:
        event = next(self._events, None)
        while event is None:
            self._events = iter((await self.next_batch()).events)
            event = next(self._events, None)
        if event.type == "ERROR":
            raise from_status(orjson.loads(event.object))
        return event

    async def next_batch(self) -> WatchBatch:
        """Give the next events as they came; raises StopAsyncIteration at the end."""
        assert self._batches is not None
        try:
            batch: WatchBatch = await anext(self._batches)
        except ActorError as error:
            raise self._translated(error) from error
        return batch

    def _translated(self, error: ActorError) -> Exception:
        if not isinstance(error, ApiRefused):
            self._door.avoid(self.apiserver, error)
            return error
        if error.status in {500, 503, 504}:
            self._door.avoid(self.apiserver)
        try:
            return from_status(orjson.loads(error.body), error.status)
        except orjson.JSONDecodeError:
            return from_status(bytes(error.body).decode(errors="replace"), error.status)
