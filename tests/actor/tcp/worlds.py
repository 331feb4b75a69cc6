"""Processes' ends of a TCP network inside one test process, with certificates of their own."""

import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import anyio
from attrs import frozen

from kube_actors.actor import (
    Actor,
    ActorCrashed,
    ActorSystem,
    TcpConfig,
    TcpNetwork,
    Tls,
    Unreachable,
    mutual_tls,
)
from kube_actors.apiserver.who import KeyPair, create_authority, issue_process

WAIT_S = 60.0
PATIENT = TcpConfig(ping_s=30.0, silence_s=120.0, handshake_s=60.0, connect_s=60.0)
"""Of a process whose machine may be busy with something else."""


class Certificates:
    """One authority; certificates are made in ``directory`` as they are asked for."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.directory.mkdir(parents=True, exist_ok=True)
        self.authority = create_authority("test-ca", now_s=time.time(), entropy=os.urandom)
        (directory / "ca.crt").write_bytes(self.authority.certificate_pem)

    def issue(self, name: str, **options: Any) -> KeyPair:
        given = {"now_s": time.time(), "entropy": os.urandom, **options}
        return issue_process(self.authority, name, **given)

    def tls(self, name: str, pair: KeyPair | None = None) -> Tls:
        chosen = pair or self.issue(name)
        certificate, key = self.directory / f"{name}.crt", self.directory / f"{name}.key"
        certificate.write_bytes(chosen.certificate_pem)
        key.write_bytes(chosen.key_pem)
        return mutual_tls(str(self.directory / "ca.crt"), str(certificate), str(key))


@frozen
class End:
    network: TcpNetwork
    system: ActorSystem

    @property
    def endpoint(self) -> tuple[str, int]:
        assert self.network.endpoint is not None
        return self.network.endpoint


@asynccontextmanager
async def process(name: str, **options: Any) -> AsyncIterator[End]:
    """Open what one process would have: its network and its system."""
    options = {"listen": ("127.0.0.1", 0), "config": PATIENT, **options}
    if options.get("tls") is None:
        options.setdefault("plain", True)
    number = options.get("incarnation", 1) << 32 | sum(name.encode()) << 16
    async with (
        TcpNetwork(name, **options) as network,
        ActorSystem(network, first_number=number) as system,
    ):
        yield End(network, system)


async def until(condition: Callable[[], object]) -> None:
    """Let the event loop turn until something is so."""
    with anyio.fail_after(WAIT_S):
        while not condition():  # noqa: ASYNC110
            await anyio.sleep(0.002)


async def answer_of(client: Actor, to: str, said: object) -> object:
    """Call until the connection that carries the call is the one that stays."""
    with anyio.fail_after(WAIT_S):
        while True:
            with suppress(ActorCrashed, Unreachable):
                return await client.call(to, said)
