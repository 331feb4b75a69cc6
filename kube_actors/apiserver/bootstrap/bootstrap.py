"""What every cluster has from the start: written once, by whichever apiserver comes first."""

import logging

import anyio

from kube_actors.actor import ActorError, Blob
from kube_actors.api import Kind, Object
from kube_actors.apiserver.bootstrap.objects import NAMESPACES, initial_objects, kubernetes_service
from kube_actors.apiserver.objects import created, encode_value, object_key
from kube_actors.apiserver.server import Server
from kube_actors.apiserver.transaction import Plan, Stored, absent, change
from kube_actors.store.messages import Put, Txn

_PER_TXN = 40
_RETRY_S = 0.5
_ADDRESSED = ("endpoints", "ports", "subsets")
_log = logging.getLogger(__name__)


async def run_bootstrap(server: Server) -> None:
    """Store what is missing; returns when it is in the cache, retries while there is no quorum."""
    while True:
        try:
            missing = _missing(server)
            if missing:
                await _write(server, missing)
                continue
            await _point_to_here(server)
            return
        except ActorError as error:
            _log.info("bootstrap waits: %r", error)
            await anyio.sleep(_RETRY_S)


def is_bootstrapped(server: Server) -> bool:
    """Whether an earlier run left its namespaces: then the rest need not be waited for."""
    return server.cache.resource("", "namespaces").get("", NAMESPACES[0]) is not None


async def _point_to_here(server: Server) -> None:
    """Let the ``kubernetes`` Service lead to where the API is now."""
    if not server.config.advertise_address:
        return
    for wanted in kubernetes_service(server.config):
        kind = server.config.kinds.by_kind(wanted["apiVersion"], wanted["kind"])
        assert kind is not None
        metadata = wanted["metadata"]

        def decide(stored: Stored, wanted: Object = wanted) -> Plan | None:
            old = stored.decode()
            new = {**old, **{key: wanted[key] for key in _ADDRESSED if key in wanted}}
            if wanted["kind"] == "Service":
                new = {**old, "spec": {**old["spec"], "ports": wanted["spec"]["ports"]}}
            return None if new == old else Plan(value=encode_value(new))

        await change(server, kind, metadata.get("namespace", ""), metadata["name"], decide)


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
