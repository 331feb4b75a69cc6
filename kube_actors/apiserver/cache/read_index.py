"""Consistent reads in batches: one ReadIndex of the store serves everyone who asked before it."""

from collections.abc import Awaitable, Callable

import anyio

from kube_actors.actor import ActorError
from kube_actors.apiserver.cache.watch_cache import WatchCache


class _Round:
    """Those who wait for one ReadIndex; ``stale`` holds why it could not be had."""

    def __init__(self) -> None:
        self.done = anyio.Event()
        self.wanted = False
        self.stale: ActorError | None = None


class ReadIndex:
    """``wait`` returns when the cache holds all that was acknowledged before the call.

    It returns the error instead when the store has no quorum: the cache may then be stale.
    """

    def __init__(
        self,
        current_revision: Callable[[], Awaitable[int]],
        cache: WatchCache,
        *,
        cache_timeout_s: float = 5.0,
    ) -> None:
        self._current_revision = current_revision
        self._cache = cache
        self._cache_timeout_s = cache_timeout_s
        self._next = _Round()
        self._wake = anyio.Event()

    async def wait(self) -> ActorError | None:
        """Wait until the cache has reached a read index taken after this call; return why if it
        could not.
        """
        joined = self._next
        if not joined.wanted:
            joined.wanted = True
            self._wake.set()
        await joined.done.wait()
        return joined.stale

    async def run(self) -> None:
        """Serve rounds, one at a time; those who come meanwhile share the next."""
        while True:
            await self._wake.wait()
            self._wake = anyio.Event()
            current, self._next = self._next, _Round()
            try:
                revision = await self._current_revision()
            except ActorError as error:
                current.stale = error
            else:
                with anyio.move_on_after(self._cache_timeout_s) as scope:
                    await self._cache.wait_revision(revision)
                if scope.cancelled_caught:
                    current.stale = _lagging(revision, self._cache.revision)
            finally:
                current.done.set()


def _lagging(revision: int, reached: int) -> ActorError:
    return ActorError(f"the watch cache is at revision {reached}, the store at {revision}")
