"""What every cluster has from the start: written once, by whichever apiserver comes first."""

import logging

import anyio

from kube_actors.actor import ActorError, Blob
from kube_actors.api.kinds import Kind, Object
from kube_actors.apiserver.bootstrap_objects import initial_objects
from kube_actors.apiserver.rules import created
from kube_actors.apiserver.server import Server
from kube_actors.apiserver.storage import encode_value, object_key
from kube_actors.apiserver.transaction import absent
from kube_actors.store.messages import Put, Txn

_PER_TXN = 40
_RETRY_S = 0.5
_log = logging.getLogger(__name__)


async def run_bootstrap(server: Server) -> None:
    """Store what is missing; returns when it is in the cache, retries while there is no quorum."""
    missing = _missing(server)
    while missing:
        try:
            await _write(server, missing)
        except ActorError as error:
            _log.info("bootstrap waits: %r", error)
            await anyio.sleep(_RETRY_S)
        missing = _missing(server)


def _missing(server: Server) -> list[tuple[Kind, Object]]:
    found = []
    for obj in initial_objects(server.config):
        kind = server.config.kinds.by_kind(obj["apiVersion"], obj["kind"])
        assert kind is not None, obj["kind"]
        metadata = obj["metadata"]
        cached = server.cached(kind)
        if cached.get(metadata.get("namespace", ""), metadata["name"]) is None:
            found.append((kind, obj))
    return found


async def _write(server: Server, missing: list[tuple[Kind, Object]]) -> None:
    timestamp = server.clock.timestamp()
    puts = []
    for kind, obj in missing:
        stored = created(kind, obj, uid=server.uid(), timestamp=timestamp)
        metadata = obj["metadata"]
        key = object_key(kind.group, kind.plural, metadata.get("namespace", ""), metadata["name"])
        puts.append((absent(key), Put(key, Blob(encode_value(stored)))))
    revision = 0
    for start in range(0, len(puts), _PER_TXN):
        chunk = puts[start : start + _PER_TXN]
        # One nested transaction per object: who is there already stays as it is.
        done = await server.store.txn(Txn((), tuple(Txn((guard,), (put,)) for guard, put in chunk)))
        revision = done.revision
    await server.cache.wait_revision(revision)
