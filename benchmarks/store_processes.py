"""Puts and gets per second of a Raft group whose three durable members are three processes.

The client is a fourth process, over mutual TLS unless ``--plain``. Every put is a transaction of
its own with a value of 1 kB. ``ThreeMembers`` is for other benchmarks too.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
from report import Row, publish
from rivals import MEMBERS, Load, free_ports
from storemember import network_of

from kube_actors.actor import Actor, ActorError, ActorSystem, Blob, Clock
from kube_actors.cluster.processes import PkiDirectory
from kube_actors.store import Put, Range, StoreClient, Txn, member_address

VALUE = Blob(b"x" * 1000)
LEADER_WAIT_S = 120.0
PAUSE_S = 0.01


class ThreeMembers(AbstractContextManager["ThreeMembers"]):
    """Three members in three processes until the block ends; ``kill`` and ``start`` one at will.

    ``config`` are fields of ``MemberConfig``, e.g. ``tick_s`` and ``election_ticks``.
    """

    def __init__(
        self,
        *,
        secure: bool = True,
        durable: bool = True,
        backend: str = "asyncio",
        directory: str | None = None,
        **config: Any,
    ) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="store-processes-", dir=directory)
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self._secure = secure
        self._order: dict[str, Any] = {
            "ports": free_ports(MEMBERS),
            "directory": self._directory.name,
            "durable": durable,
            "backend": backend,
            "config": config,
            "pki": "",
        }

    def __enter__(self) -> "ThreeMembers":
        if self._secure:
            path = Path(self._directory.name) / "pki"
            now_s = time.time()
            pki = PkiDirectory.create(path, block=16, now_s=now_s, entropy=os.urandom)
            for name in ("m1", "m2", "m3", "client"):
                pki.issue(name, now_s=now_s, entropy=os.urandom)
            self._order["pki"] = str(path)
        for number in range(1, MEMBERS + 1):
            self.start(number)
        return self

    def __exit__(self, *_: object) -> None:
        for number in list(self._processes):
            self.kill(number)
        self._directory.cleanup()

    def start(self, number: int) -> None:
        """Start member ``number``, 1 to 3, with what it had stored."""
        order = json.dumps({**self._order, "number": number})
        script = str(Path(__file__).with_name("storemember.py"))
        self._processes[number] = subprocess.Popen(
            [sys.executable, script, order], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL
        )

    def pid(self, number: int) -> int:
        return self._processes[number].pid

    def kill(self, number: int) -> None:
        """SIGKILL a member and reap it."""
        process = self._processes.pop(number)
        process.kill()
        process.wait()
        assert process.stdin is not None
        process.stdin.close()

    @asynccontextmanager
    async def client(self) -> AsyncIterator["Driver"]:
        """Connect this process to the members, wait for a leader, and give what drives them."""
        async with (
            network_of(self._order, "client") as network,
            ActorSystem(network, Clock.of_machine(), 1, first_number=time.time_ns()) as system,
            system.client("client/bench") as actor,
        ):
            members = [member_address(number) for number in range(1, MEMBERS + 1)]
            with anyio.fail_after(LEADER_WAIT_S):
                for member in members:
                    await network.wait_for(member)
                leader = 0
                while not leader:
                    await anyio.sleep(0.02)
                    try:
                        leader = (await StoreClient(actor, members).status()).leader
                    except ActorError:
                        continue
            first = member_address(leader)
            store = StoreClient(actor, [first, *(each for each in members if each != first)])
            yield Driver(actor, store, leader)


class Driver:
    """``store`` asks the leader first; ``actor`` can make other clients."""

    def __init__(self, actor: Actor, store: StoreClient, leader: int) -> None:
        self.actor = actor
        self.store = store
        self.leader = leader

    async def put(self, number: int) -> None:
        await insist(self.store.txn, Txn((), (Put(b"key-%08d" % number, VALUE),)))

    async def get(self, number: int) -> None:
        await insist(self.store.range, Range(b"key-%08d" % (number % 100)))

    async def get_serializable(self, number: int) -> None:
        await insist(self.store.range, Range(b"key-%08d" % (number % 100), serializable=True))


async def insist(ask: Callable[[Any], Awaitable[object]], request: Any) -> None:
    """Ask, and again what is refused: on a busy machine leaders change."""
    while True:
        try:
            await ask(request)
        except ActorError:
            await anyio.sleep(PAUSE_S)
        else:
            return


async def load(operation: Callable[[int], Awaitable[None]], clients: int, seconds: float) -> Load:
    """Let clients do one operation after the other for a while."""
    latencies: list[float] = []
    began = time.perf_counter()
    numbers = iter(range(1 << 62))

    async def client() -> None:
        # Once at least: a machine may be elsewhere for longer than that.
        while not latencies or time.perf_counter() < began + seconds:
            before = time.perf_counter()
            await operation(next(numbers))
            latencies.append(time.perf_counter() - before)

    async with anyio.create_task_group() as tasks:
        for _ in range(clients):
            tasks.start_soon(client)
    return Load.of(latencies, time.perf_counter() - began)


async def cases(members: ThreeMembers, seconds: float) -> list[Row]:
    rows: list[Row] = []
    async with members.client() as driver:
        await load(driver.put, 10, min(1.0, seconds))
        for what, operation in (
            ("puts", driver.put),
            ("linearizable gets", driver.get),
            ("serializable gets", driver.get_serializable),
        ):
            for clients in (1, 100):
                found = await load(operation, clients, seconds)
                name = f"{what}, {clients} client{'s' if clients > 1 else ''}"
                rows += [
                    Row(name, found.per_s, "/s"),
                    Row(f"{name}, median", found.p50_ms, "ms"),
                    Row(f"{name}, 99th percentile", found.p99_ms, "ms"),
                ]
    return rows


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one line of JSON")
    parser.add_argument("--smoke", action="store_true", help="a size that only shows it works")
    parser.add_argument("--seconds", type=float, default=3.0, help="how long each case runs")
    parser.add_argument("--backend", choices=["asyncio", "trio"], default="asyncio")
    parser.add_argument("--plain", action="store_true", help="TCP without TLS")
    parser.add_argument("--directory", help="where the disks are; default: the temporary one")
    options = parser.parse_args(arguments)
    seconds = 0.1 if options.smoke else options.seconds
    with ThreeMembers(
        secure=not options.plain, backend=options.backend, directory=options.directory
    ) as members:
        rows = anyio.run(cases, members, seconds, backend=options.backend)
    how = "plain TCP" if options.plain else "mutual TLS"
    workload = f"three processes, {how}, puts of {len(VALUE)} bytes, {options.backend}"
    publish("store processes", workload, rows, as_json=options.json)


if __name__ == "__main__":
    main(sys.argv[1:])
