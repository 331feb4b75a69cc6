"""Memory of one durable member of the store per key with a value of 1 kB.

    python benchmarks/store_memory.py [--smoke] [--json] [--keys N]

Memory is the growth of a process' resident set after a full garbage collection and after the C
library gave back what it held free. The keys are written to a member with a log on disk; counted
is what it holds when its log was replaced by a snapshot, and again after a restart from that. The
part beyond the bytes of key and value is what a key costs by itself.
"""

import argparse
import ctypes
import gc
import os
import tempfile
from collections.abc import AsyncIterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import anyio
from report import Row, publish

from kube_actors.actor import Actor, ActorSystem, Blob, Child, Supervisor
from kube_actors.store import (
    FileDisk,
    MemberConfig,
    Put,
    Range,
    StoreClient,
    Txn,
    member_address,
    run_member,
)
from kube_actors.store.messages import Defragment

VALUE_BYTES = 1000
KEYS_PER_TXN = 100


def resident_bytes() -> float:
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return float(pages * os.sysconf("SC_PAGESIZE"))


@asynccontextmanager
async def open_member(directory: str) -> AsyncIterator[tuple[StoreClient, Actor]]:
    async with (
        ActorSystem() as system,
        Supervisor(system, name="bench") as supervisor,
        system.client("client/bench") as actor,
    ):
        config = MemberConfig(member=1, members=1, snapshot_entries=1 << 30, keep_entries=1)
        run = partial(run_member, config=config, disk=FileDisk(directory))
        supervisor.start(Child(member_address(1), run))
        yield StoreClient(actor, [member_address(1)], timeout_s=300), actor


def key(number: int) -> bytes:
    return b"/registry/things/default/thing-%09d" % number


async def fill(directory: str, keys: int) -> float:
    """Write the keys; return what they take in memory."""
    async with open_member(directory) as (store, actor):
        await store.txn(Txn((), (Put(b"warm", Blob(bytes(VALUE_BYTES))),)))
        before = resident_bytes()
        for first in range(0, keys, KEYS_PER_TXN):
            puts = tuple(
                Put(key(number), Blob((b"%d" % number + bytes(VALUE_BYTES))[:VALUE_BYTES]))
                for number in range(first, first + KEYS_PER_TXN)
            )
            await store.txn(Txn((), puts))
        await store.compact(await store.current_revision())
        # The log goes, and with it what only the log holds.
        await actor.call(member_address(1), Defragment(), timeout_s=300)
        await store.status()
        return resident_bytes() - before


async def reopen(directory: str, keys: int) -> float:
    """Return what a member takes that begins with a snapshot of the keys."""
    before = resident_bytes()
    async with open_member(directory) as (store, _):
        found = await store.range(Range(b"/", b"0", count_only=True))
        assert found.count == keys
        return resident_bytes() - before


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="a few thousand keys")
    parser.add_argument("--json", action="store_true", help="one JSON line")
    parser.add_argument("--keys", type=int, default=100_000)
    arguments = parser.parse_args()
    keys = 2000 if arguments.smoke else arguments.keys
    rows = []
    content = VALUE_BYTES + len(key(0))
    with tempfile.TemporaryDirectory() as directory:
        for what, measured in (("written", fill), ("after a restart", reopen)):
            # A process of its own: what another has freed and kept would be used again.
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as processes:
                grown = processes.submit(anyio.run, measured, directory, keys).result()
            size = max(0.0, grown) / keys
            rows += [
                Row(f"memory per key, {what}", size, "B"),
                Row(f"beyond its bytes, {what}", max(0.0, size - content), "B"),
            ]
    workload = f"{keys} keys of {VALUE_BYTES} B, one revision each, one member"
    publish("store_memory", workload, rows, as_json=arguments.json)


if __name__ == "__main__":
    main()
