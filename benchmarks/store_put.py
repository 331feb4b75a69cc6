"""Puts per second into a Raft group of three members in one process, durable and in memory.

Every put is a transaction of its own with a value of 1 kB, acknowledged after a majority has it on
disk (one ``fdatasync`` per group commit and member) and the member that took it has applied it.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import anyio
from report import Row, publish

from kube_actors.actor import ActorSystem, Blob, Child, Supervisor
from kube_actors.store import (
    Disk,
    FileDisk,
    MemberConfig,
    MemoryDisk,
    Put,
    StoreClient,
    Txn,
    member_address,
    run_member,
)

MEMBERS = 3
VALUE = Blob(b"x" * 1000)


class Figures(NamedTuple):
    puts_per_s: float
    p50_ms: float
    p99_ms: float


async def measure(disks: Sequence[Disk], clients: int, seconds: float) -> Figures:
    """Let clients put as fast as they are answered; return rate and latencies."""
    latencies: list[float] = []
    async with (
        ActorSystem() as system,
        Supervisor(system, name="bench") as supervisor,
        system.client("client/bench") as actor,
    ):
        members = range(1, len(disks) + 1)
        for member, disk in zip(members, disks, strict=True):
            config = MemberConfig(member=member, members=len(disks))
            run = partial(run_member, config=config, disk=disk)
            supervisor.start(Child(member_address(member), run))
        store = StoreClient(actor, [member_address(member) for member in members])
        await store.txn(Txn((), (Put(b"warm", VALUE),)))

        async def client(number: int, until: float) -> None:
            count = 0
            while not count or time.perf_counter() < until:
                began = time.perf_counter()
                count += 1
                await store.txn(Txn((), (Put(b"key-%04d-%06d" % (number, count), VALUE),)))
                latencies.append(time.perf_counter() - began)

        async with anyio.create_task_group() as tasks:
            began = time.perf_counter()
            for number in range(clients):
                tasks.start_soon(client, number, began + seconds)
        elapsed_s = time.perf_counter() - began
    latencies.sort()
    return Figures(
        len(latencies) / elapsed_s,
        latencies[len(latencies) // 2] * 1e3,
        latencies[int(len(latencies) * 0.99)] * 1e3,
    )


def cases(seconds: float, backend: str, directory: str | None) -> list[Row]:
    """Measure each kind of disk with one client and with a hundred."""
    rows = []
    for kind, clients, goal in (
        ("durable", 1, "≥ 500"),
        ("durable", 100, "≥ 3000"),
        ("in memory", 1, ""),
        ("in memory", 100, ""),
    ):
        with tempfile.TemporaryDirectory(dir=directory) as where:
            disks: list[Disk] = [
                FileDisk(Path(where) / str(number)) if kind == "durable" else MemoryDisk()
                for number in range(MEMBERS)
            ]
            found = anyio.run(measure, disks, clients, seconds, backend=backend)
        what = f"{kind}, {clients} client{'s' if clients > 1 else ''}"
        rows += [
            Row(what, found.puts_per_s, "puts/s", goal),
            Row(f"{what}, median", found.p50_ms, "ms"),
            Row(f"{what}, 99th percentile", found.p99_ms, "ms"),
        ]
    return rows


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one line of JSON")
    parser.add_argument("--smoke", action="store_true", help="a size that only shows it works")
    parser.add_argument("--seconds", type=float, default=5.0, help="how long each case runs")
    parser.add_argument("--backend", choices=["asyncio", "trio"], default="asyncio")
    parser.add_argument("--directory", help="where the disks are; default: the temporary one")
    options = parser.parse_args(arguments)
    seconds = 0.1 if options.smoke else options.seconds
    rows = cases(seconds, options.backend, options.directory)
    workload = f"{MEMBERS} members in one process, puts of {len(VALUE)} bytes, {options.backend}"
    publish("store put", workload, rows, as_json=options.json)


if __name__ == "__main__":
    main(sys.argv[1:])
