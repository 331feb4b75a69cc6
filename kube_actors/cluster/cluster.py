"""A whole Kubernetes cluster as an async context manager, on asyncio or trio.

``async with Cluster() as cluster:`` starts masters and nodes inside the caller's event loop.
Leaving the block, or cancelling it at any moment, ends every actor, process and socket. Nothing is
global: several clusters live in one process.
"""

import os
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Any

import anyio

from kube_actors.actor import Actor, ActorSystem, Address, Child, Clock, MemoryNetwork, Supervisor
from kube_actors.apiserver import ApiServerConfig, StaticToken
from kube_actors.apiserver.http import serve
from kube_actors.apiserver.who import kubeconfig, server_context
from kube_actors.client import Client, wait_for
from kube_actors.cluster.address_plan import SIMULATED_PLAN, AddressPlan, claim_block, reclaim_block
from kube_actors.cluster.config import (
    QUOTA_BYTES,
    ClusterConfig,
    InvalidConfig,
    NodeSpec,
    Timings,
    node_specs,
)
from kube_actors.cluster.directory import cluster_directory, keep_masters, keep_number, kept_number
from kube_actors.cluster.disks import StoreDisks
from kube_actors.cluster.faults import Faults, Machine
from kube_actors.cluster.front_door import FrontDoor, listen
from kube_actors.cluster.health import Health
from kube_actors.cluster.keys import (
    ADMIN_GROUP,
    ADMIN_USER,
    ClusterKeys,
    load_or_make,
    make_keys,
    write_kubeconfig,
)
from kube_actors.cluster.master import Engine, MasterPlan, run_master
from kube_actors.cluster.node import NodePlan, run_node
from kube_actors.cluster.readiness import describe_nodes, wait_ready
from kube_actors.cluster.requests import REQUESTS, ChaosVerb, Nothing
from kube_actors.cluster.store_administration import StoreAdministration
from kube_actors.node.runtimes import ContainerRuntime, ProcessRuntime, SimulatedRuntime
from kube_actors.store import Disk, StoreClient, disks_from_snapshot

RESTARTS_MAX = 1000
"""Machines fail alone: one that cannot live is tried for ever, and never ends the others."""


class Cluster:
    """Masters, nodes and everything between them.

    ``masters`` is 1, 3 or 5. ``nodes`` is a count or ``NodeSpec``s; ``runtime`` ("process": real
    processes on loopback addresses, or "simulated") goes for a count. ``data_dir`` keeps the store
    on disk there; without it everything is in memory. ``listen`` ("127.0.0.1:0" by default, None
    for no socket) is the HTTPS address. ``images`` maps image names to commands for the process
    runtime. ``seed``, ``network`` and ``clock`` decide randomness, links and wall time; by default
    the seed is drawn and the clock is the machine's.

    Raises InvalidConfig on construction, NotReady when the block is entered and ``ready_timeout_s``
    seconds do not suffice.

    ``engine`` makes an actor's client of another store than the embedded Raft group; ``disk`` gives
    a member's disk by its number, e.g. one that fails on purpose. ``snapshot`` is what another
    cluster's ``snapshot()`` gave: this one begins with its objects, in memory; CorruptLog when it
    is damaged. Over ``quota_bytes`` the store takes nothing more (0: no limit).
    """

    def __init__(
        self,
        masters: int = 3,
        nodes: int | Sequence[NodeSpec] = 3,
        *,
        runtime: str = "process",
        data_dir: str | Path | None = None,
        listen: str | None = "127.0.0.1:0",
        timings: Timings | None = None,
        images: Mapping[str, Sequence[str]] | None = None,
        seed: int | None = None,
        network: MemoryNetwork | None = None,
        clock: Clock | None = None,
        engine: Engine | None = None,
        disk: Callable[[int], Disk] | None = None,
        snapshot: bytes | None = None,
        ready_timeout_s: float = 30.0,
        quota_bytes: int = QUOTA_BYTES,
    ) -> None:
        self.config = ClusterConfig(
            masters=masters,
            nodes=node_specs(nodes if isinstance(nodes, int) else tuple(nodes), runtime),
            data_dir=Path(data_dir) if data_dir is not None else None,
            listen=listen,
            timings=timings or Timings(),
            seed=seed,
            images={name: tuple(argv) for name, argv in (images or {}).items()},
            quota_bytes=quota_bytes,
        )
        self._ready_timeout_s = ready_timeout_s
        self._seed = seed if seed is not None else int.from_bytes(os.urandom(8))
        self._network = network
        self._clock = clock
        if snapshot is not None and (data_dir is not None or disk is not None or engine):
            raise InvalidConfig("a snapshot is restored into memory: leave data_dir, disk, engine")
        restored: dict[int, Disk] = {}
        if snapshot is not None:
            # Two clusters from one snapshot are two groups; one seed makes the same twice.
            restored.update(disks_from_snapshot(snapshot, masters, token=str(self._seed)))
        self._keeps_store = engine is None and disk is None
        self._disks = StoreDisks(self.config.data_dir, disk, restored)
        self._engine = engine
        self._life: AbstractAsyncContextManager[Cluster]
        self._files: Path
        self.url = ""
        self.actor: Actor
        self.client: Client
        self.faults: Faults
        self.health: Health
        self.keys: ClusterKeys
        self.system: ActorSystem
        self.app: FrontDoor

    async def __aenter__(self) -> "Cluster":
        self._life = self._live()
        return await self._life.__aenter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        return await self._life.__aexit__(kind, error, traceback)

    # What an embedder asks.

    async def wait_for(
        self,
        target: str,
        condition: str = "",
        *,
        timeout_s: float = 30.0,
        namespace: str = "default",
    ) -> dict[str, Any] | None:
        """Wait until ``deployment/web`` is ``Available``.

        ``condition`` is a condition's type, ``Type=Status``, "create", "delete" or
        ``jsonpath={.path}=value``. Returns the object as it was then, None when it is gone; raises
        TimeoutError with what was seen last.
        """
        return await wait_for(
            self.client, target, condition, timeout_s=timeout_s, namespace=namespace
        )

    @property
    def kubeconfig(self) -> dict[str, Any]:
        """The administrator's kubeconfig for ``url``, as a dict."""
        return kubeconfig(self.url, self.keys.authority.certificate_pem, client=self.keys.admin)

    @property
    def troubles(self) -> list[str]:
        """Say which store members cannot use their disks, and why."""
        return self.faults.troubles

    def write_kubeconfig(self, path: str | Path) -> Path:
        """Write the kubeconfig where any Kubernetes client can read it; only its owner may."""
        return write_kubeconfig(Path(path), self.kubeconfig)

    async def snapshot(self) -> bytes:
        """Give the store's whole content as a file, for ``Cluster(snapshot=…)``.

        Raises ActorError when no member of the store answers, CorruptLog when one is damaged.
        """
        addresses = [Address(f"store/{n}") for n in range(1, self.config.masters + 1)]
        async with StoreClient(self.actor, addresses).snapshot() as parts:
            return b"".join([bytes(part.data) async for part in parts])

    async def status(self) -> dict[str, Any]:
        """Describe masters, store and nodes as plain JSON data; works without a quorum."""
        await self.health.refresh()
        return {
            "store": self.health.describe(),
            "masters": {
                name: {
                    "up": machine.supervisor is not None,
                    "actors": list(machine.addresses()),
                    "trouble": machine.trouble,
                }
                for name, machine in self.faults.machines.items()
                if name.startswith("master/")
            },
            "nodes": await describe_nodes(self.client, self.faults),
        }

    # How it is built.

    @asynccontextmanager
    async def _live(self) -> AsyncIterator["Cluster"]:
        with cluster_directory(self.config.data_dir) as self._files:
            if self._keeps_store:
                keep_masters(self.config.data_dir, self.config.masters)
            listener, host, port = await listen(self.config.listen)
            async with listener or nullcontext(), self._serving(listener, host, port):
                yield self

    @asynccontextmanager
    async def _serving(self, listener: Any, host: str, port: int) -> AsyncIterator[None]:
        clock = self._clock or Clock(time.time())
        network = self._network or MemoryNetwork(self._seed)
        self.keys = self._keys(host, clock)
        self.app = FrontDoor(ADMIN_GROUP, self.keys.admin_token, self._debug)
        self.url = f"https://{host}:{port}" if listener is not None else ""
        with self._claimed() as plan:
            async with (
                ActorSystem(network, clock, self._seed) as system,
                Supervisor(system, name="cluster", intensity=RESTARTS_MAX) as root,
                system.client("client/embedder") as embedder,
                anyio.create_task_group() as tasks,
            ):
                self.system = system
                self.actor = embedder
                self.faults = Faults(root, network)
                self._start_machines(system, root, plan, self._api_config(plan, host, port))
                self.client = Client(
                    embedder, self._apiservers, user=ADMIN_USER, groups=(ADMIN_GROUP,)
                )
                self.health = Health(
                    embedder,
                    self.config.masters,
                    self.app,
                    self._engine(embedder) if self._engine else None,
                )
                if listener is not None:
                    tls = server_context(self.keys.server, self.keys.authority.certificate_pem)
                    tasks.start_soon(partial(serve, self.app, listener, tls=tls))
                await wait_ready(
                    self.config,
                    self.client,
                    self.health,
                    self.faults,
                    self.app,
                    timeout_s=self._ready_timeout_s,
                    engine=self._engine is not None,
                )
                tasks.start_soon(self.health.run)
                yield
                tasks.cancel_scope.cancel()

    @property
    def _apiservers(self) -> tuple[Address, ...]:
        return tuple(Address(f"apiserver/{n}") for n in range(1, self.config.masters + 1))

    def _start_machines(
        self, system: ActorSystem, root: Supervisor, plan: AddressPlan, api: ApiServerConfig
    ) -> None:
        for number in range(1, self.config.masters + 1):
            self._start_master(system, root, number, api)
        for number, spec in enumerate(self.config.nodes, 1):
            self._start_node(system, root, number, spec, plan)

    @contextmanager
    def _claimed(self) -> Iterator[AddressPlan]:
        if all(node.runtime == "simulated" for node in self.config.nodes):
            yield SIMULATED_PLAN
            return
        # Stored Services keep their addresses: so does the cluster that finds them.
        kept = kept_number(self.config.data_dir, "block")
        start = Random(self._seed).randrange(200)
        claim = claim_block(start) if kept is None else reclaim_block(kept)
        if kept is None:
            keep_number(self.config.data_dir, "block", claim.block)
        try:
            yield claim.plan
        finally:
            claim.close()

    def _keys(self, host: str, clock: Clock) -> ClusterKeys:
        hosts = [host, "127.0.0.1", "localhost", "kubernetes", "kubernetes.default"]
        hosts = list(dict.fromkeys([*hosts, "kubernetes.default.svc"]))
        entropy: Callable[[int], bytes] = (
            os.urandom if self.config.seed is None else Random(f"{self._seed}/keys").randbytes
        )
        if self.config.data_dir is not None:
            directory = self.config.data_dir / "pki"
            return load_or_make(directory, hosts, now_s=clock.now(), entropy=entropy)
        return make_keys(hosts, now_s=clock.now(), entropy=entropy)

    def _api_config(self, plan: AddressPlan, host: str, port: int) -> ApiServerConfig:
        return ApiServerConfig(
            stores=(Address("store/1"),),
            service_cidr=plan.services,
            advertise_address=host,
            advertise_port=port,
            authority_pem=self.keys.authority.certificate_pem,
            service_account_key_pem=self.keys.service_account_key_pem,
            static_tokens={self.keys.admin_token: StaticToken(ADMIN_USER, (ADMIN_GROUP,))},
            toleration_s=self.config.timings.default_toleration_s,
        )

    def _start_master(
        self, system: ActorSystem, root: Supervisor, number: int, api: ApiServerConfig
    ) -> None:
        plan = MasterPlan(
            number=number,
            masters=self.config.masters,
            timings=self.config.timings,
            disk=partial(self._disks.open, number),
            api=api,
            authority_pem=self.keys.authority.certificate_pem,
            engine=self._engine,
            quota_bytes=self.config.quota_bytes,
        )
        machine = self.faults.machines[plan.name] = Machine(plan.name)

        async def run(actor: Actor) -> None:
            await run_master(system, plan, machine, self.app)

        root.start(Child(plan.name, run))

    def _start_node(
        self, system: ActorSystem, root: Supervisor, number: int, spec: NodeSpec, plan: AddressPlan
    ) -> None:
        apiservers = self._apiservers
        first = number % len(apiservers)
        real = spec.runtime == "process"
        addresses = plan if real else SIMULATED_PLAN
        node = NodePlan(
            spec=spec,
            address=addresses.node_address(number),
            pod_cidr=addresses.pod_cidr(number),
            apiservers=(*apiservers[first:], *apiservers[:first]),
            timings=self.config.timings,
            real=real,
        )
        machine = self.faults.machines[node.name] = Machine(node.name)

        async def run(actor: Actor) -> None:
            await run_node(system, node, machine, partial(self._open_runtime, spec, actor))

        root.start(Child(node.name, run))

    async def _open_runtime(self, spec: NodeSpec, actor: Actor) -> ContainerRuntime:
        if spec.runtime == "simulated":
            return SimulatedRuntime(lambda: actor.random, spec.script)
        return await ProcessRuntime.open(
            self._files / "nodes" / spec.name, images=self.config.images
        )

    async def rebuild_store(self, master: int) -> int:
        """Throw away what a master's store has and get it from the others; return its old number.

        For a member whose log is damaged. The others must have a majority without it.
        """
        return await self._disks.rebuild(self.faults, master)

    async def _debug(self, what: str, asked: object) -> dict[str, Any] | AsyncIterator[bytes]:
        """Answer the command line: ``status``, the chaos verbs, and what concerns the store."""
        if what.startswith("store/"):
            if self._engine is not None:
                raise ValueError("the store is an engine of its own: use its own tools (etcdctl)")
            administration = StoreAdministration(
                self.actor, self.config.masters, self.rebuild_store
            )
            return await administration.answer(what.removeprefix("store/"), asked)
        if what == "status":
            REQUESTS.read(Nothing, asked)
            return await self.status()
        if what == "chaos":
            said = REQUESTS.read(ChaosVerb, asked)
            return self.chaos(said.verb, said.targets)
        raise ValueError(f"unknown path {what!r}: use status or chaos")

    def chaos(self, verb: str, targets: Sequence[str]) -> dict[str, Any]:
        """Carry out one verb on its targets; ``leader`` stands for the leading store member.

        A target may be several names with commas between them: for ``partition``, one group.

        Raises ValueError on an unknown verb or missing targets, UnknownTarget on an unknown name.
        """
        groups = [
            [self._leader() if name == "leader" else name for name in target.split(",")]
            for target in targets
        ]
        self.faults.carry_out(verb, groups)
        return {"done": verb, "targets": [",".join(group) for group in groups]}

    def _leader(self) -> str:
        leader = self.health.leader
        if not leader:
            raise ValueError("the store has no leader now")
        return f"store/{leader}"
