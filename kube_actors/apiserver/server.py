"""Everything the pipeline's steps reach for, gathered once per apiserver."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from random import Random
from typing import Any, Protocol

import attrs

from kube_actors.actor import Clock
from kube_actors.api import Kind
from kube_actors.apiserver.cache import ReadIndex, ResourceCache, WatchCache
from kube_actors.apiserver.config import ApiServerConfig
from kube_actors.apiserver.metrics import Metrics
from kube_actors.apiserver.who import Authorizer, Signer
from kube_actors.store import Store

OpenStream = Callable[[str, Any], AbstractAsyncContextManager[AsyncIterator[Any]]]


class Identity(Protocol):
    """Where uids come from."""

    def __call__(self) -> str: ...


@attrs.frozen(kw_only=True, eq=False)
class Server:
    """``open_stream`` opens a stream to another actor (a kubelet) by its address."""

    name: str
    config: ApiServerConfig
    store: Store
    cache: WatchCache
    read_index: ReadIndex
    clock: Clock
    random: Random
    uid: Identity
    authorizer: Authorizer
    metrics: Metrics
    open_stream: OpenStream
    signer: Signer | None = None

    def storage_kind(self, kind: Kind) -> Kind:
        """Return the kind at the version at which objects of ``kind`` are stored."""
        return self.config.kinds.storage(kind)

    def cached(self, kind: Kind) -> ResourceCache:
        """Return the watch cache of a kind, whichever version of it is meant."""
        stored = self.storage_kind(kind)
        return self.cache.resource(stored.group, stored.plural)
