"""A control plane in one process for tests: real store members, one apiserver, a channel client."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import anyio
import attrs
import orjson

from kube_actors.actor import (
    Actor,
    ActorError,
    ActorSystem,
    Address,
    Blob,
    Child,
    Clock,
    MemoryNetwork,
    Supervisor,
)
from kube_actors.apiserver import ApiServerConfig, Server, run_apiserver
from kube_actors.client import ApiRequest, ApiResponse
from kube_actors.store import MemberConfig, MemoryDisk, Store, run_member
from tests.apiserver.memory_store import MemoryStore

EPOCH_S = 1_767_225_600.0
MASTERS = ("system:masters",)
STRATEGIC = "application/strategic-merge-patch+json"
MERGE = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
ENGINE: Callable[[Actor], Store] | None = None
"""Another engine for every world that does not ask for one; set by the tests of other engines."""


@attrs.frozen
class Answered:
    """A response with its body decoded."""

    status: int
    body: Any
    warnings: tuple[str, ...]


@attrs.frozen
class World:
    """``ask`` is one request as an administrator; ``server`` is the apiserver's inside."""

    network: MemoryNetwork
    supervisor: Supervisor
    server: Server
    client: Actor

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: dict[str, str] | None = None,
        content_type: str = "application/json",
        user: str = "admin",
        groups: tuple[str, ...] = MASTERS,
        accept: str = "application/json",
    ) -> Answered:
        raw = body if isinstance(body, bytes) else orjson.dumps(body) if body is not None else b""
        request = ApiRequest(
            method,
            path,
            tuple((query or {}).items()),
            content_type,
            Blob(raw),
            user,
            groups,
            accept,
        )
        response = await self.client.call("apiserver/1", request)
        assert isinstance(response, ApiResponse)
        return Answered(response.status, orjson.loads(response.body), response.warnings)

    async def ok(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        """Ask, insist on success, return the body."""
        answered = await self.ask(method, path, body, **options)
        assert answered.status < 300, answered.body
        return answered.body

    async def retried(self, method: str, path: str) -> Answered:
        """Ask until an apiserver answers; the caller bounds the time."""
        while True:
            try:
                return await self.ask(method, path)
            except ActorError:
                await anyio.sleep(0.1)

    def watch(self, path: str, query: dict[str, str], accept: str = "application/json") -> Any:
        asked = (("watch", "1"), *query.items())
        request = ApiRequest("GET", path, asked, user="admin", groups=MASTERS, accept=accept)
        return self.client.stream("apiserver/1", request)


class Events:
    """Watch events one by one, decoded, from a stream of batches."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._ready: list[tuple[str, Any]] = []

    async def next(self) -> tuple[str, Any]:
        while not self._ready:
            batch = await anext(self._stream)
            self._ready = [(event.type, orjson.loads(event.object)) for event in batch.events]
        return self._ready.pop(0)

    async def names(self, count: int) -> list[tuple[str, str]]:
        found = [await self.next() for _ in range(count)]
        return [(kind, obj["metadata"].get("name", "")) for kind, obj in found]


@asynccontextmanager
async def world(
    *, members: int = 1, store: MemoryStore | None = None, **options: Any
) -> AsyncIterator[World]:
    """Run ``members`` store members (or use ``store``) and one apiserver with ``options``."""
    network = MemoryNetwork(1)
    serving = anyio.Event()
    servers: list[Server] = []

    def started(server: Server) -> None:
        servers.append(server)
        serving.set()

    async with (
        ActorSystem(network, Clock(EPOCH_S), 7) as system,
        Supervisor(system, name="master/1") as supervisor,
        system.client("client/test") as client,
    ):
        addresses = tuple(Address(f"store/{number}") for number in range(1, members + 1))
        engine = ENGINE if store is None and members == 1 else None
        if store is None and engine is None:
            for number, address in enumerate(addresses, 1):
                config = MemberConfig(member=number, members=members)
                run = partial(run_member, config=config, disk=MemoryDisk())
                supervisor.start(Child(address, run))
        run_api = partial(
            run_apiserver,
            config=ApiServerConfig(stores=addresses, **options),
            store=(lambda actor: store) if store is not None else engine,
            serving=started,
        )
        supervisor.start(Child("apiserver/1", run_api))
        await serving.wait()
        yield World(network, supervisor, servers[0], client)


def config_map(name: str, **data: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "data": data}


def pod(name: str, node: str = "", **metadata: Any) -> dict[str, Any]:
    spec: dict[str, Any] = {"containers": [{"name": "c", "image": "web:1"}]}
    if node:
        spec["nodeName"] = node
    return {"metadata": {"name": name, **metadata}, "spec": spec}


MAPS = "/api/v1/namespaces/default/configmaps"
PODS = "/api/v1/namespaces/default/pods"


def names(body: dict[str, Any]) -> list[str]:
    """The names in a list, in its order."""
    return [item["metadata"]["name"] for item in body["items"]]


async def fill(w: World, count: int) -> None:
    """Create ConfigMaps c0, c1 and so on."""
    for number in range(count):
        await w.ok("POST", MAPS, config_map(f"c{number}"))
