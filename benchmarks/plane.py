"""A control plane of store members and apiservers in one process, for the benchmarks of the API."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import anyio
import attrs
import orjson

from kube_actors.actor import Actor, ActorSystem, Address, Blob, Child, Supervisor
from kube_actors.apiserver import ApiServerConfig, Server, run_apiserver
from kube_actors.client import ApiRequest, ApiResponse
from kube_actors.store import Disk, FileDisk, MemberConfig, MemoryDisk, member_address, run_member

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"


@attrs.frozen
class Plane:
    """``servers`` are what HTTP doors are made of; ``actor`` asks over the channel."""

    system: ActorSystem
    servers: tuple[Server, ...]
    actor: Actor


@asynccontextmanager
async def plane(
    *, members: int = 3, apiservers: int = 1, durable: bool = False
) -> AsyncIterator[Plane]:
    """Run a control plane; with ``durable`` the members' disks are real and temporary."""
    servers: dict[int, Server] = {}
    with tempfile.TemporaryDirectory() as directory:
        async with (
            ActorSystem() as system,
            Supervisor(system, name="bench") as supervisor,
            system.client("client/bench") as actor,
        ):
            stores = tuple(Address(member_address(n)) for n in range(1, members + 1))
            for number, address in enumerate(stores, 1):
                disk: Disk = FileDisk(Path(directory) / str(number)) if durable else MemoryDisk()
                config = MemberConfig(member=number, members=members)
                supervisor.start(Child(address, partial(run_member, config=config, disk=disk)))
            ready = anyio.Event()

            def serving(number: int, server: Server) -> None:
                servers[number] = server
                if len(servers) == apiservers:
                    ready.set()

            for number in range(1, apiservers + 1):
                order = (*stores[number - 1 :], *stores[: number - 1])
                run = partial(
                    run_apiserver,
                    config=ApiServerConfig(stores=order),
                    serving=partial(serving, number),
                )
                supervisor.start(Child(f"apiserver/{number}", run))
            await ready.wait()
            yield Plane(system, tuple(servers[n] for n in sorted(servers)), actor)


def config_map(name: str, size: int = 2000) -> Blob:
    """Return the JSON of a ConfigMap of about ``size`` bytes."""
    data = {"key": "v" * max(size - 100, 1)}
    return Blob(
        orjson.dumps(
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}
        )
    )


async def ask(
    actor: Actor, method: str, path: str, body: bytes = b"", server: int = 1
) -> ApiResponse:
    """Send one request over the channel; raises ``RuntimeError`` for a failure."""
    request = ApiRequest(
        method, path, body=Blob(body), user="system:admin", groups=("system:masters",)
    )
    response = await actor.call(f"apiserver/{server}", request)
    assert isinstance(response, ApiResponse)
    if response.status >= 400:
        raise RuntimeError(f"{method} {path}: {response.status} {bytes(response.body)!r}")
    return response
