"""The apiserver as an actor: ``apiserver/N`` answers ``ApiRequest`` calls and watch streams.

Requests run as children of the actor, at most ``in_flight_max`` at once; more are told to come
back later. The channel vouches for who asks. The same ``Server`` is what an HTTP door is made
of; a caller that wants one waits for it through ``serving``.
"""

from collections.abc import Callable

import anyio

from kube_actors.actor import Actor
from kube_actors.api import Kind, errors
from kube_actors.apiserver.bootstrap import is_bootstrapped, run_bootstrap
from kube_actors.apiserver.cache import ReadIndex, WatchCache, run_feed
from kube_actors.apiserver.config import ApiServerConfig
from kube_actors.apiserver.doors import Door
from kube_actors.apiserver.housekeeping import run_bookmarks, run_compaction
from kube_actors.apiserver.metrics import Metrics
from kube_actors.apiserver.server import Server
from kube_actors.apiserver.who import Authorizer, Signer, load_key
from kube_actors.store import Store, StoreClient


async def run_apiserver(
    actor: Actor,
    config: ApiServerConfig,
    *,
    store: Callable[[Actor], Store] | None = None,
    serving: Callable[[Server], None] | None = None,
) -> None:
    """Serve for ever. ``store`` makes the engine's client; by default a Raft group's.

    ``serving`` is called once with the server, when its cache is filled.
    """
    server = build_server(actor, config, store(actor) if store else None)
    filled = anyio.Event()
    actor.spawn(run_feed, server.store, server.cache, filled, name="feed")
    actor.spawn(server.read_index.run, name="read-index")
    actor.spawn(run_bookmarks, server, name="bookmarks")
    if config.compacts:
        actor.spawn(run_compaction, server, name="compaction")
    await filled.wait()
    if config.bootstrap and is_bootstrapped(server):
        # Reads need no quorum: they are not kept waiting for one by what may be missing.
        actor.spawn(run_bootstrap, server, name="bootstrap")
    elif config.bootstrap:
        await run_bootstrap(server)
    if serving is not None:
        serving(server)
    door = Door(server)
    actor.spawn(door.run_sweep, name="sweep")
    while True:
        door.dispatch(actor, await actor.receive())


def build_server(actor: Actor, config: ApiServerConfig, store: Store | None) -> Server:
    """Return the server of ``actor``, with an empty cache."""

    def kind_of(group: str, plural: str) -> errors.Named:
        kinds: list[Kind] = [
            kind
            for kind in config.kinds.all()
            if kind.group == group and kind.plural == plural and not kind.storage
        ]
        return kinds[0] if kinds else errors.Resource(group, plural)

    chosen = store or StoreClient(actor, config.stores, learn=True)
    cache = WatchCache(kind_of, ring_max=config.watch_ring_max, buffer_max=config.watch_buffer_max)
    signer = None
    if config.service_account_key_pem:
        signer = Signer(load_key(config.service_account_key_pem), config.issuer)
    return Server(
        name=actor.address,
        config=config,
        store=chosen,
        cache=cache,
        read_index=ReadIndex(chosen.current_revision, cache, cache_timeout_s=config.read_timeout_s),
        clock=actor.clock,
        random=actor.random,
        uid=actor.uid,
        authorizer=Authorizer(cache),
        metrics=Metrics(),
        open_stream=actor.stream,
        signer=signer,
    )
