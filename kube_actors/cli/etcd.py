"""``up --etcd-listen`` and ``up --store``: etcd's API in front of the store, or etcd behind it."""

import os
import shlex
import tempfile
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import anyio
import click
from anyio.abc import TaskGroup
from attrs import frozen

from kube_actors.actor import ActorError, Address
from kube_actors.cluster import Cluster, cluster_number
from kube_actors.store import member_address
from kube_actors.store.messages import MemberNotFound, UpdateMember

if TYPE_CHECKING:
    from kube_actors.cluster import Engine
    from kube_actors.cluster.processes import MasterProcess

ANNOUNCE_AGAIN_S = 1.0
_STORE_PREFIX = "etcd="


@frozen
class EtcdListen:
    """Where member 1 is served; the others at the ports that follow."""

    host: str
    port: int
    secure: bool

    @classmethod
    def parse(cls, text: str) -> "EtcdListen":
        """Raises UsageError: without TLS only this machine may connect."""
        scheme, separator, rest = text.rpartition("://")
        host, colon, port = rest.rpartition(":")
        good = colon and host and port.isdecimal() and int(port) <= 65535
        if not good or (separator and scheme not in ("http", "https")):
            raise click.UsageError(
                f"--etcd-listen takes HOST:PORT or https://HOST:PORT, not {text!r}"
            )
        if scheme != "https" and not _is_loopback(host):
            raise click.UsageError(
                f"--etcd-listen without TLS is for this machine only: use https://{rest}"
            )
        return cls(host.strip("[]"), int(port), scheme == "https")

    @property
    def url(self) -> str:
        """The address for people and for ``etcdctl --endpoints``."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.secure else 'http'}://{host}:{self.port}"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def load_etcd() -> ModuleType:
    """Import ``kube_actors.etcd``; raises ClickException without the extra."""
    try:
        import kube_actors.etcd
    except ImportError as error:
        raise click.ClickException(str(error)) from None
    return kube_actors.etcd


def store_engine(
    text: str, authority: Path | None, certificate: Path | None, key: Path | None
) -> "Engine":
    """Make the engine of ``--store etcd=http://…``; raises ClickException."""
    if not text.startswith(_STORE_PREFIX):
        raise click.UsageError(f"--store takes etcd=http://HOST:PORT[,…], not {text!r}")
    etcd = load_etcd()
    try:
        made: Engine = etcd.engine(
            text.removeprefix(_STORE_PREFIX),
            authority=authority,
            certificate=certificate,
            key=key,
        )
    except ValueError as error:
        raise click.UsageError(f"--store: {error}") from None
    return made


class EtcdDoor(AbstractAsyncContextManager[list[str]]):
    """Serves every store member of a cluster as an etcd while the block lasts.

    Entering returns the lines that say how to reach it.
    """

    def __init__(self, cluster: Cluster, listen: EtcdListen, directory: Path) -> None:
        self._cluster = cluster
        self._listen = listen
        self._directory = directory
        self._tasks = anyio.create_task_group()
        self._entered = False

    async def __aenter__(self) -> list[str]:
        etcd, cluster, listen = load_etcd(), self._cluster, self._listen
        names = {"127.0.0.1", "localhost", (cluster.config.listen or "").rpartition(":")[0]}
        if listen.secure and listen.host not in names:
            raise click.UsageError(
                f"--etcd-listen https://{listen.host}: the serving certificate is for "
                f"{', '.join(sorted(names - {''}))}"
            )
        listeners = await self._listeners(cluster.config.masters)
        await self._tasks.__aenter__()
        tls = self._tls(etcd) if listen.secure else None
        scheme = "https" if listen.secure else "http"
        urls: list[str] = []
        for number, (listener, port) in enumerate(listeners, 1):
            members = _own_first(number, cluster.config.masters)
            urls.append(f"{scheme}://{listen.host}:{port}")
            self._tasks.start_soon(_serve, etcd, cluster, members, listener, tls)
        self._tasks.start_soon(_announce, cluster, urls)
        return [self._line(urls)]

    async def __aexit__(self, kind: Any, error: Any, traceback: Any) -> bool | None:
        self._tasks.cancel_scope.cancel()
        return await self._tasks.__aexit__(kind, error, traceback)

    async def _listeners(self, masters: int) -> list[tuple[Any, int]]:
        found: list[tuple[Any, int]] = []
        if self._listen.port + masters - 1 > 65535:
            raise click.UsageError(
                f"--etcd-listen: each of the {masters} members is served at its own port, from "
                f"{self._listen.port} on, and there is none after 65535: choose a lower one"
            )
        for number in range(masters):
            port = self._listen.port and self._listen.port + number
            try:
                listener = await anyio.create_tcp_listener(
                    local_host=self._listen.host, local_port=port
                )
            except OSError as error:
                for opened, _ in found:
                    await opened.aclose()
                raise click.ClickException(
                    f"cannot serve etcd at {self._listen.host}:{port}: {error.strerror or error}: "
                    "choose another --etcd-listen"
                ) from None
            chosen = listener.extra(anyio.abc.SocketAttribute.local_port)
            found.append((listener, chosen))
        return found

    def _tls(self, etcd: ModuleType) -> Any:
        """Write what a client needs beside the kubeconfig; make the server's side."""
        keys = self._cluster.keys
        self._directory.mkdir(parents=True, exist_ok=True)
        for name, data in (
            ("ca.crt", keys.authority.certificate_pem),
            ("client.crt", keys.admin.certificate_pem),
            ("client.key", keys.admin.key_pem),
        ):
            _write(self._directory / name, data)
        with tempfile.TemporaryDirectory() as directory:
            pair = Path(directory) / "pair.pem"
            _write(pair, keys.server.key_pem + keys.server.certificate_pem)
            return etcd.tls_context(str(pair), str(pair), str(self._directory / "ca.crt"))

    def _line(self, urls: Sequence[str]) -> str:
        words = ["etcdctl", f"--endpoints={','.join(urls)}"]
        if self._listen.secure:
            directory = os.path.abspath(self._directory)
            words += [
                f"--cacert={directory}/ca.crt",
                f"--cert={directory}/client.crt",
                f"--key={directory}/client.key",
            ]
        return shlex.join([*words, "endpoint", "status"])


def _own_first(number: int, masters: int) -> tuple[Address, ...]:
    others = [other for other in range(1, masters + 1) if other != number]
    return tuple(Address(f"store/{member}") for member in (number, *others))


async def _serve(
    etcd: ModuleType, cluster: Cluster, members: Sequence[Address], listener: Any, tls: Any
) -> None:
    number = cluster_number(cluster.keys.authority)
    await etcd.serve_etcd(cluster.actor, members, listener, tls=tls, cluster_id=number)


async def serve_master(
    tasks: TaskGroup, etcd: Any, master: "MasterProcess", listen: EtcdListen
) -> None:
    """Serve a master's member as an etcd; raises ClickException when that cannot be."""
    pki, name = master.options.pki, master.options.name
    if listen.secure and listen.host not in pki.hosts(name):
        raise click.UsageError(
            f"--etcd-listen https://{listen.host}: the certificate of {name} is for "
            f"{', '.join(pki.hosts(name))}"
        )
    try:
        listener = await anyio.create_tcp_listener(local_host=listen.host, local_port=listen.port)
    except OSError as error:
        raise click.ClickException(
            f"cannot serve etcd at {listen.url}: {error.strerror or error}: choose another "
            "--etcd-listen"
        ) from None
    tls = None
    if listen.secure:
        chain, key = str(pki.path / f"{name}.crt"), str(pki.path / f"{name}.key")
        tls = etcd.tls_context(chain, key, str(pki.path / "ca.crt"))
    places = (master.number, *(one for one in master.master_list.places if one != master.number))
    members = tuple(member_address(place) for place in places)
    serve = partial(etcd.serve_etcd, tls=tls, cluster_id=master.cluster)
    tasks.start_soon(serve, master.actor, members, listener)


async def _announce(cluster: Cluster, urls: Sequence[str]) -> None:
    """Tell the group where its members are served, for ``etcdctl member list``."""
    for number, url in enumerate(urls, 1):
        update = UpdateMember(number, client_urls=(url,), name=f"master-{number}")
        while True:
            try:
                await cluster.actor.call(f"store/{number}", update)
            except MemberNotFound:
                break
            except ActorError:
                # No quorum, or the member is down: a client's list of members can wait for it.
                await anyio.sleep(ANNOUNCE_AGAIN_S)
            else:
                break


def _write(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
