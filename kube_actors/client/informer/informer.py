"""A view of all objects of a kind, kept by watching, that outlives any API server.

It starts as a stream of what is there, ended by a bookmark, and goes on with changes; when the
watch breaks it goes on from the last revision at another server, and when that revision is gone
(410) it takes stock anew. Handlers see every change of the view, in order, after the view and its
indexes have changed. What it keeps per object is what ``project`` gives, never a decoded tree.
"""

import sys
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Generic, TypeVar, cast
from zlib import crc32

import anyio
import orjson
from attrs import frozen

from kube_actors.actor import ActorError, Blob
from kube_actors.api import Kind, Object, StatusError, from_status
from kube_actors.client.backoff import Backoff
from kube_actors.client.client import Client
from kube_actors.client.informer.record import record_of
from kube_actors.client.informer.view import Key, View
from kube_actors.client.messages import STORED, WatchEvent
from kube_actors.client.watch import INITIAL_EVENTS_END

T = TypeVar("T")
Handler = Callable[[T | None, T | None], None]
_WATCH_MIN_S = 300.0
_IDLE_MAX_S = 150.0
_CREDIT = 8


@lru_cache(maxsize=1024)
def _shared_key(namespace: str, name: str) -> Key:
    """Make a key; views of one process that hear of an object at about one time share it."""
    return (sys.intern(namespace), sys.intern(name))


@frozen
class InformerStatistics:
    """How the informer fares; ``relists`` counts the times it took stock."""

    objects: int
    relists: int
    watches: int
    failures: int
    resource_version: int


class Informer(Generic[T]):
    """Spawn ``run``, await ``wait_synced``, then read.

    ``project`` makes what is kept of a decoded object; without it that is a ``Record``. Handlers
    are called with (old, new): None for old is an addition, None for new a deletion, and then old
    is the object's last state. An object deleted and made again under its name while no watch was
    open is seen as one change from the old to the new.
    """

    def __init__(
        self,
        client: Client,
        kind: Kind | str,
        *,
        project: Callable[[Object], T] | None = None,
        namespace: str | None = None,
        label_selector: str = "",
        field_selector: str = "",
        indexes: Mapping[str, Callable[[T], Iterable[str]]] | None = None,
    ) -> None:
        self._client = client
        self._kind = kind
        self._project = project
        self._namespace = namespace
        self._label_selector = label_selector
        self._field_selector = field_selector
        self._view: View[T] = View(indexes or {})
        self._handlers: list[Handler[T]] = []
        self._synced = False
        self._syncing: anyio.Event | None = None
        self._revision = 0
        self._unseen: dict[Key, None] | None = None
        self._relists = self._watches = self._failures = 0

    @property
    def synced(self) -> bool:
        """The view has been complete once; it may lag, but never goes back."""
        return self._synced

    @property
    def resource_version(self) -> int:
        """The revision up to which the view has seen all changes."""
        return self._revision

    async def wait_synced(self) -> None:
        """Wait until the view has been complete once; at once if it already has."""
        if not self._synced:
            if self._syncing is None:
                self._syncing = anyio.Event()
            await self._syncing.wait()

    def get(self, namespace: str, name: str) -> T | None:
        """Give what is kept of an object, None if the view does not show it."""
        return self._view.get((namespace, name))

    def values(self) -> list[T]:
        """Give everything in the view, in the order in which it came."""
        return self._view.values()

    def indexed(self, index: str, value: str) -> list[T]:
        """Objects that ``index`` gives ``value``; KeyError if there is no such index."""
        return self._view.indexed(index, value)

    def __len__(self) -> int:
        return len(self._view)

    def statistics(self) -> InformerStatistics:
        """Give the counts as they are now, in a value of its own."""
        return InformerStatistics(
            len(self._view), self._relists, self._watches, self._failures, self._revision
        )

    def subscribe(self, handler: Handler[T]) -> None:
        """Call ``handler`` for what is there now and then for every change.

        Handlers must not wait, and run one after the other in the order of their subscription.
        """
        for value in self._view.values():
            handler(None, value)
        self._handlers.append(handler)

    async def run(self) -> None:
        """Keep the view until cancelled."""
        actor = self._client.actor
        backoff = Backoff(lambda: actor.random)
        while True:
            failed_at = self._client.door.apiserver
            try:
                await self._watch_once(backoff)
                continue
            except (StatusError, ActorError) as error:
                self._failures += 1
                if isinstance(error, StatusError) and error.code == 410:
                    self._revision = 0
                # Another server is tried at once; when the first comes round again it is time
                # to wait.
                delay_s = backoff.next_s()
                moved = self._client.door.apiserver != failed_at
            if not moved or self._failures % len(self._client.door.apiservers) == 0:
                await anyio.sleep(delay_s)

    async def _watch_once(self, backoff: Backoff) -> None:
        """Watch until the server ends it, it falls silent, or it fails."""
        taking_stock = self._revision == 0
        if taking_stock:
            self._relists += 1
            self._unseen = dict.fromkeys(self._view.keys())
        self._watches += 1
        kind = await self._client.kind(self._kind)
        timeout_s = int(_WATCH_MIN_S * (1 + self._spread(kind)))
        watch = self._client.watch(
            kind,
            self._namespace,
            resource_version="" if taking_stock else str(self._revision),
            label_selector=self._label_selector,
            field_selector=self._field_selector,
            bookmarks=True,
            initial_events=taking_stock,
            timeout_s=timeout_s,
            credit=_CREDIT,
            accept=STORED,
        )
        # A server that is cut off from the store says nothing at all, not even bookmarks.
        with anyio.CancelScope(deadline=anyio.current_time() + _IDLE_MAX_S) as patience:
            async with watch:
                while True:
                    try:
                        batch = await watch.next_batch()
                    except StopAsyncIteration:
                        await self._ended(taking_stock)
                        return
                    patience.deadline = anyio.current_time() + _IDLE_MAX_S
                    for event in batch.events:
                        self._accept(event)
                    if self._unseen is None:
                        backoff.reset()
        if patience.cancelled_caught:
            self._client.door.avoid(watch.apiserver)

    def _spread(self, kind: Kind) -> float:
        """From 0 to 1, so that watches do not end together; a draw would cost more than a view."""
        name = f"{self._client.actor.address}/{kind.plural}/{self._watches}"
        return crc32(name.encode()) / 2**32

    async def _ended(self, taking_stock: bool) -> None:
        if taking_stock and self._unseen is not None:
            # Ended before everything had come: the server lost its store or us.
            await anyio.sleep(0.05)

    def _accept(self, event: WatchEvent) -> None:
        if event.type == "ERROR":
            raise from_status(orjson.loads(event.object))
        if event.type == "BOOKMARK":
            self._bookmark(event)
            return
        obj: Object = orjson.loads(event.object)
        meta = obj["metadata"]
        meta.setdefault("resourceVersion", str(event.resource_version))
        key = _shared_key(meta.get("namespace", ""), meta["name"])
        if event.type == "DELETED":
            if self._view.drop(key) is not None:
                self._tell(self._projected(obj, event.object), None)
        else:
            self._put(key, self._projected(obj, event.object))
        if self._unseen is None:
            self._revision = max(self._revision, event.resource_version)

    def _put(self, key: Key, new: T) -> None:
        old = self._view.put(key, new)
        if self._unseen is not None:
            self._unseen.pop(key, None)
            if old is not None and old == new:
                return
        self._tell(old, new)

    def _bookmark(self, event: WatchEvent) -> None:
        if self._unseen is not None:
            meta = orjson.loads(event.object).get("metadata") or {}
            if (meta.get("annotations") or {}).get(INITIAL_EVENTS_END) != "true":
                return
            gone = [key for key in self._unseen if self._view.get(key) is not None]
            self._unseen = None
            for key in gone:
                self._tell(self._view.drop(key), None)
        self._revision = max(self._revision, event.resource_version)
        self._synced = True
        if self._syncing is not None:
            self._syncing.set()
            self._syncing = None

    def _projected(self, obj: Object, blob: Blob) -> T:
        if self._project is None:
            return cast("T", record_of(obj, blob))
        return self._project(obj)

    def _tell(self, old: T | None, new: T | None) -> None:
        for handler in self._handlers:
            handler(old, new)
