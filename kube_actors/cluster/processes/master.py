"""One master in a process of its own: it meets the others over TCP and serves the API itself.

The same actors as in ``Cluster``, wired to a ``TcpNetwork``. Any master can be killed and started
again: what it acknowledged is in its data directory, and the others go on without it.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import attrs
from anyio.abc import SocketAttribute

from kube_actors.actor import Actor, ActorSystem, Address, Child, Clock, Supervisor, TcpNetwork
from kube_actors.apiserver import ApiServerConfig, StaticToken
from kube_actors.apiserver.http import serve
from kube_actors.apiserver.who import kubeconfig, server_context
from kube_actors.client import Client
from kube_actors.cluster.address_plan import real_plan
from kube_actors.cluster.api_endpoint import run_api_endpoint
from kube_actors.cluster.cluster import RESTARTS_MAX
from kube_actors.cluster.config import (
    MASTER_COUNTS,
    QUOTA_BYTES,
    InvalidConfig,
    Timings,
    masters_refused,
)
from kube_actors.cluster.directory import (
    DirectoryRefused,
    cluster_directory,
    keep_masters,
    keep_number,
    kept_number,
)
from kube_actors.cluster.faults import Machine
from kube_actors.cluster.front_door import FrontDoor
from kube_actors.cluster.health import Health
from kube_actors.cluster.keys import ADMIN_GROUP, ADMIN_USER, ClusterKeys, cluster_number
from kube_actors.cluster.master import MasterPlan, run_master
from kube_actors.cluster.processes.join import Endpoint, Join
from kube_actors.cluster.processes.master_list import MasterList
from kube_actors.cluster.processes.pki_directory import PkiDirectory
from kube_actors.cluster.processes.refusals import refusals
from kube_actors.cluster.requests import REQUESTS, Nothing
from kube_actors.cluster.store_administration import StoreAdministration
from kube_actors.store import FileDisk
from kube_actors.store.disk import Identity, IdentityFile

READY_POLL_S = 0.02
DISK_LOOP_S = 0.005
"""How long a write may keep this process waiting before the disk is given a thread."""
COMMIT_NOTICE_S = 0.003
"""What other masters may learn later of a write, for half the messages of a busy store."""


@attrs.frozen(kw_only=True)
class MasterOptions:
    """``listen`` is where the API is served; ``data_dir`` is this master's alone.

    A master that joins a running cluster votes as soon as it has caught up, a ``learner`` when
    somebody promotes it. ``client_urls`` is where it serves etcd's API. Over ``quota_bytes`` the
    store takes nothing more (0: no limit).
    """

    name: str
    join: Join
    pki: PkiDirectory
    data_dir: Path
    listen: Endpoint
    learner: bool = False
    client_urls: tuple[str, ...] = ()
    quota_bytes: int = QUOTA_BYTES
    timings: Timings = attrs.field(factory=Timings)


class MasterProcess:
    """``async with MasterProcess(options) as master: await master.ready()``.

    Raises InvalidConfig, PkiRefused and DirectoryRefused when it cannot be built as asked, OSError
    when an address cannot be bound.
    """

    def __init__(self, options: MasterOptions) -> None:
        self.options = options
        self.master_list = MasterList(options.join, options.name)
        self.number = self.master_list.number
        self.actor: Actor
        self.network: TcpNetwork
        self.client: Client
        self.health: Health
        self.app: FrontDoor
        self.url = ""
        self.removed = anyio.Event()
        """The group has removed this master: it has nothing more to do."""
        self._machine = Machine(f"master/{self.number}")
        self._keys: ClusterKeys

    async def __aenter__(self) -> "MasterProcess":
        self._life = self._live()
        return await self._life.__aenter__()

    async def __aexit__(self, *error: Any) -> bool | None:
        return await self._life.__aexit__(*error)

    @property
    def cluster(self) -> int:
        """The number of the cluster, which no other one has."""
        return cluster_number(self._keys.authority)

    @property
    def masters(self) -> int:
        """How many there are, as far as this one knows."""
        return len(self.master_list.places)

    async def ready(self) -> None:
        """Wait until this master serves and the store has a leader."""
        while self.missing():
            await anyio.sleep(READY_POLL_S)
            await self.health.refresh()

    def missing(self) -> str:
        """Say what is not there yet; "" when everything is."""
        if self._machine.trouble:
            return self._machine.trouble
        if not self.health.leader:
            answering = sum(1 for each in self.health.members.values() if each is not None)
            said = f"the store has no leader: {answering} of {self.masters} members answer"
            return "; ".join((said, *refusals(self.network)))
        return "" if self.app.masters() else "the API is not served yet"

    @property
    def kubeconfig(self) -> dict[str, Any]:
        """The administrator's kubeconfig for this master."""
        return kubeconfig(self.url, self._keys.authority.certificate_pem, client=self._keys.admin)

    async def status(self) -> dict[str, Any]:
        """Describe masters, store and nodes as ``Cluster.status`` does; works without a quorum."""
        await self.health.refresh()
        members = self.health.members
        own = self._machine
        return {
            "store": self.health.describe(),
            "masters": {
                f"master/{number}": {
                    "up": own.supervisor is not None if number == self.number else bool(status),
                    "name": self.master_list.places.get(number, ""),
                    "actors": list(own.addresses()) if number == self.number else [],
                    "trouble": own.trouble if number == self.number else "",
                }
                for number, status in members.items()
            },
            "nodes": await self._nodes(),
        }

    async def _nodes(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        listed = await self.client.list("nodes", resource_version="0")
        for node in listed.get("items") or ():
            conditions = (node.get("status") or {}).get("conditions") or ()
            name = node["metadata"]["name"]
            found[name] = {
                "ready": any(c["type"] == "Ready" and c["status"] == "True" for c in conditions),
                "up": self.network.knows(Address(f"kubelet/{name}")),
                "unschedulable": bool((node.get("spec") or {}).get("unschedulable")),
            }
        return found

    # How it is built.

    @asynccontextmanager
    async def _live(self) -> AsyncIterator["MasterProcess"]:
        options = self.options
        pki, name = options.pki, options.name
        self._keys, tls = pki.keys(name), pki.tls(name)
        _check_host(options)
        incarnation = int.from_bytes(os.urandom(4)) >> 1
        seed = int.from_bytes(os.urandom(8))
        with cluster_directory(options.data_dir) as directory:
            _keep_cluster(directory, self.cluster, options.pki)
            _keep_place(directory, options.join, name, promote=not options.learner)
            api = await self._listen()
            async with (
                api,
                TcpNetwork(
                    name,
                    listen=options.join.masters[name],
                    peers=options.join.others(name),
                    tls=tls,
                    incarnation=incarnation,
                    seed=seed,
                    may_hold=self.master_list.may_hold,
                    may_send=self.master_list.may_send,
                ) as self.network,
                ActorSystem(
                    self.network, Clock.of_machine(), seed, first_number=(incarnation << 32) + 1
                ) as system,
                Supervisor(system, name=name, intensity=RESTARTS_MAX) as root,
                system.client(f"client/{name}") as self.actor,
                anyio.create_task_group() as tasks,
            ):
                self._begin(system, root, directory)
                served = server_context(self._keys.server, self._keys.authority.certificate_pem)
                tasks.start_soon(partial(serve, self.app, api, tls=served))
                tasks.start_soon(self.health.run)
                endpoint = options.join.masters[name]
                tasks.start_soon(self.master_list.follow, self.actor, endpoint, options.client_urls)
                tasks.start_soon(
                    run_api_endpoint, self.client, self._api_config(), self.health, self.number
                )
                yield self
                tasks.cancel_scope.cancel()

    def _begin(self, system: ActorSystem, root: Supervisor, directory: Path) -> None:
        actor = self.actor
        # Its own alone: another one may be stopped, and would keep the status waiting.
        apiservers = (Address(f"apiserver/{self.number}"),)
        self.app = FrontDoor(ADMIN_GROUP, self._keys.admin_token, self._debug)
        self._administration = StoreAdministration(actor, self.masters, _refuse_rebuild)
        self.client = Client(actor, apiservers, user=ADMIN_USER, groups=(ADMIN_GROUP,))
        self.health = Health(actor, self.masters, self.app)
        self.master_list.changed = self._follow
        # It survives the member that writes to it; one that has failed is not trusted again.
        disk = FileDisk(directory / "store", loop_s=DISK_LOOP_S)
        plan = MasterPlan(
            number=self.number,
            masters=max(self.options.join.places),
            founders=kept_number(directory, "masters") or 0,
            timings=self.options.timings,
            disk=lambda: disk,
            api=self._api_config(),
            authority_pem=self._keys.authority.certificate_pem,
            removed=self.removed.set,
            places=tuple(self.options.join.places),
            quota_bytes=self.options.quota_bytes,
            commit_notice_s=COMMIT_NOTICE_S,
        )

        async def run(actor: Actor) -> None:
            await run_master(system, plan, self._machine, self.app)

        root.start(Child(plan.name, run))

    def _follow(self, places: tuple[int, ...]) -> None:
        self.health.follow(places)
        self._administration.follow(places)

    def _api_config(self) -> ApiServerConfig:
        host, port = self.url.removeprefix("https://").rsplit(":", 1)
        return ApiServerConfig(
            stores=(Address(f"store/{self.number}"),),
            service_cidr=real_plan(self.options.pki.block()).services,
            advertise_address=host,
            advertise_port=int(port),
            authority_pem=self._keys.authority.certificate_pem,
            service_account_key_pem=self._keys.service_account_key_pem,
            static_tokens={self._keys.admin_token: StaticToken(ADMIN_USER, (ADMIN_GROUP,))},
            toleration_s=self.options.timings.default_toleration_s,
            node_of=self.master_list.node_of,
        )

    async def _listen(self) -> Any:
        host, port = self.options.listen
        listener = await anyio.create_tcp_listener(local_host=host, local_port=port, backlog=1024)
        bound = listener.extra(SocketAttribute.local_address)
        self.url = f"https://{_dialled(host)}:{bound[1]}"
        return listener

    async def _debug(self, what: str, asked: object) -> dict[str, Any] | AsyncIterator[bytes]:
        if what == "status":
            REQUESTS.read(Nothing, asked)
            return await self.status()
        if what.startswith("store/"):
            return await self._administration.answer(what.removeprefix("store/"), asked)
        if what == "chaos":
            raise ValueError(
                "chaos acts inside one process: here kill, stop or cut off the processes"
            )
        raise ValueError(f"unknown path {what!r}: use status or store/VERB")


def _keep_cluster(directory: Path, cluster: int, pki: PkiDirectory) -> None:
    """Keep whose data this is; raises DirectoryRefused when it is another cluster's.

    A member that found itself among strangers would take their log for the sequel of its own.
    """
    kept = kept_number(directory, "cluster")
    if kept is None:
        keep_number(directory, "cluster", cluster)
    elif kept != cluster:
        raise DirectoryRefused(
            f"{directory} holds the data of another cluster than that of {pki.path}/ca.crt: give "
            "the --data-dir or the --pki that belongs here, or an empty --data-dir"
        )


def _keep_place(directory: Path, join: Join, name: str, *, promote: bool) -> None:
    """Keep which member's log this is; raises DirectoryRefused when it is another's.

    In a new directory of a master that joins a running cluster the store begins empty, as the
    member that the group has added.
    """
    number, founders = join.number(name), len(join.founders)
    kept = kept_number(directory, "number")
    joining = kept is None and name in join.numbers
    if not join.numbers:
        keep_masters(directory, founders)
    elif kept is None and not joining:
        if founders not in MASTER_COUNTS:
            raise InvalidConfig(masters_refused(founders))
        keep_masters(directory, founders)
    if kept is None:
        if joining:
            # Before the number, which says that this is done.
            _join_as(directory / "store", number, promote=promote)
        keep_number(directory, "number", number)
    elif kept != number:
        raise DirectoryRefused(
            f"{directory} holds the data of master {kept}, this is master {number}: every master "
            f"has a directory of its own, and keeps its number: --join {name}@{kept}=HOST:PORT"
        )


def _join_as(store: Path, number: int, *, promote: bool) -> None:
    store.mkdir(exist_ok=True)
    IdentityFile(store).keep(Identity(number, promote=promote))


def _dialled(host: str) -> str:
    """Return where a listener on all addresses is reached from this machine."""
    return "127.0.0.1" if host in ("", "0.0.0.0", "::") else host


def _check_host(options: MasterOptions) -> None:
    host = _dialled(options.listen[0])
    hosts = options.pki.hosts(options.name)
    if host not in hosts:
        raise InvalidConfig(
            f"the certificate of {options.name} is not for {host}, so no client would trust the "
            f"API there: issue it with `kube-actors pki issue … {options.name} --host {host}`"
        )


async def _refuse_rebuild(master: int) -> int:
    raise ValueError(
        f"end the process of master/{master}, run `kube-actors store rebuild DATA_DIR/store` "
        "beside it and start it again"
    )
