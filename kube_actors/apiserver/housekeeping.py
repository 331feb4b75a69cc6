"""What an apiserver does by itself now and then: bookmarks for watchers, compaction of history."""

import anyio

from kube_actors.actor import ActorError
from kube_actors.apiserver.server import Server


async def run_bookmarks(server: Server) -> None:
    """Tell watchers how far they are, so that they can resume after a quiet time."""
    while True:
        await anyio.sleep(server.config.bookmark_interval_s)
        server.cache.bookmark_all()


async def run_compaction(server: Server) -> None:
    """Let the store forget what is older than one interval."""
    before = 0
    while True:
        await anyio.sleep(server.config.compact_interval_s)
        if before:
            try:
                await server.store.compact(before)
            except ActorError:
                # No quorum, or another apiserver was faster; the next round tries again.
                server.metrics.count("apiserver_compactions_failed_total")
        before = server.cache.revision
