"""The one watch that keeps an apiserver's cache: list everything, then follow every change.

It survives the store member it watches: it opens the watch again from where it was. Only when the
store has compacted past that point is everything listed again, and every watcher ended.
"""

import logging

import anyio

from kube_actors.actor import ActorError
from kube_actors.apiserver.cache.watch_cache import WatchCache
from kube_actors.apiserver.objects import PREFIX, prefix_end
from kube_actors.store import Store
from kube_actors.store.messages import Compacted, FutureRevision, KeyValue, NoQuorum, Range, Watch

_PAGE = 1000
_BACKOFF_S = (0.02, 1.0)
_log = logging.getLogger(__name__)


async def run_feed(store: Store, cache: WatchCache, filled: anyio.Event) -> None:
    """Keep ``cache`` current for ever; ``filled`` is set when the first listing is in."""
    pause_s = _BACKOFF_S[0]
    revision = 0
    while True:
        try:
            if not revision:
                revision, kvs = await _list(store)
                cache.reset(revision, kvs)
                filled.set()
            # Every key is watched, not the registry alone, so that the cache's revision never
            # lags behind the store's for a write that no object was part of.
            watch = Watch(b"\0", b"\0", start_revision=revision + 1)
            async with store.watch(watch) as stream:
                async for watched in stream:
                    pause_s = _BACKOFF_S[0]
                    cache.apply(watched)
                    revision = max(revision, watched.revision)
        except (Compacted, FutureRevision) as error:
            _log.warning("the watch cache starts over: %r", error)
            revision = 0
        except ActorError as error:
            _log.info("the store watch broke: %r", error)
        await anyio.sleep(pause_s)
        pause_s = min(pause_s * 2, _BACKOFF_S[1])


async def _list(store: Store) -> tuple[int, list[KeyValue]]:
    try:
        return await _list_pages(store, serializable=False)
    except NoQuorum:
        # Stale reads are better than none, and every answer made of them will say so.
        return await _list_pages(store, serializable=True)


async def _list_pages(store: Store, *, serializable: bool) -> tuple[int, list[KeyValue]]:
    kvs: list[KeyValue] = []
    start, revision = PREFIX, 0
    while True:
        ranged = await store.range(
            Range(
                start,
                prefix_end(PREFIX),
                revision=revision,
                limit=_PAGE,
                serializable=serializable,
            )
        )
        revision = revision or ranged.revision
        kvs.extend(ranged.kvs)
        if not ranged.more:
            return revision, kvs
        start = ranged.kvs[-1].key + b"\0"
