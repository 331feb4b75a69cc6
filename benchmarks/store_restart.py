"""Time until a member of the store serves again: from a long log, and from a snapshot.

    python benchmarks/store_restart.py [--smoke] [--json] [--log-mb N] [--keys N]

The clock runs from the start of the member to its answer to a linearizable read. The files were
just written, so they come from the machine's page cache: what is measured is checking, decoding
and applying. The log holds puts of 1 kB, about a megabyte to an entry, over 1,000 keys.
"""

import argparse
import gc
import tempfile
import time
from functools import partial

import anyio
from report import Row, publish

from kube_actors.actor import ActorSystem, Blob, Child, Supervisor
from kube_actors.raft import Entry, HardState
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
from kube_actors.store.messages import Batch, Command, Defragment, encode_batch

VALUE_BYTES = 1000
PUTS_PER_ENTRY = 1000
LONG_S = 600


def batch(number: int) -> bytes:
    """Make the entry of that number: every put is a request of its own."""
    first = number * PUTS_PER_ENTRY
    commands = []
    for place in range(PUTS_PER_ENTRY):
        value = Blob(b"%020d" % (first + place) + bytes(VALUE_BYTES - 20))
        txn = Txn((), (Put(b"/registry/things/thing-%09d" % place, value),))
        commands.append(Command(1, 1, first + place + 1, first + place + 1, txn))
    return encode_batch(Batch(tuple(commands)))


async def write_log(directory: str, megabytes: int) -> None:
    disk = FileDisk(directory)
    await disk.open()
    for number in range(megabytes):
        entry = Entry(number + 1, 1, batch(number))
        await disk.save(HardState(1, 1, number + 1), [entry])
    await disk.close()


async def serve(directory: str) -> float:
    """Start a member there; return the seconds until it answered."""
    gc.collect()
    config = MemberConfig(member=1, members=1, snapshot_entries=1 << 30, snapshot_log_bytes=1 << 40)
    async with (
        ActorSystem() as system,
        Supervisor(system, name="bench") as supervisor,
        system.client("client/bench") as actor,
    ):
        began_s = time.perf_counter()
        run = partial(run_member, config=config, disk=FileDisk(directory))
        supervisor.start(Child(member_address(1), run))
        store = StoreClient(actor, [member_address(1)], timeout_s=LONG_S)
        found = await store.range(Range(b"/", b"0", count_only=True))
        elapsed_s = time.perf_counter() - began_s
        assert found.count
    return elapsed_s


async def write_keys(directory: str, keys: int) -> None:
    """Leave a snapshot of that many keys, and no log worth the name."""
    config = MemberConfig(member=1, members=1, snapshot_entries=1 << 30)
    async with (
        ActorSystem() as system,
        Supervisor(system, name="bench") as supervisor,
        system.client("client/bench") as actor,
    ):
        run = partial(run_member, config=config, disk=FileDisk(directory))
        supervisor.start(Child(member_address(1), run))
        store = StoreClient(actor, [member_address(1)], timeout_s=LONG_S)
        for first in range(0, keys, 100):
            puts = tuple(
                Put(b"/registry/things/thing-%09d" % number, Blob(b"%d" % number + bytes(990)))
                for number in range(first, first + 100)
            )
            await store.txn(Txn((), puts))
        await store.compact(await store.current_revision())
        await actor.call(member_address(1), Defragment(), timeout_s=LONG_S)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="a few megabytes and keys")
    parser.add_argument("--json", action="store_true", help="one JSON line")
    parser.add_argument("--log-mb", type=int, default=1024)
    parser.add_argument("--keys", type=int, default=100_000)
    arguments = parser.parse_args()
    megabytes = 4 if arguments.smoke else arguments.log_mb
    keys = 1000 if arguments.smoke else arguments.keys
    with tempfile.TemporaryDirectory() as directory:
        anyio.run(write_log, directory, megabytes)
        from_log_s = anyio.run(serve, directory)
    with tempfile.TemporaryDirectory() as directory:
        anyio.run(write_keys, directory, keys)
        from_snapshot_s = anyio.run(serve, directory)
    rows = [
        Row("restart with the log", from_log_s, "s"),
        Row("log read", megabytes / from_log_s, "MB/s"),
        Row("restart with the snapshot", from_snapshot_s, "s"),
        Row("keys read", keys / from_snapshot_s, "keys/s"),
    ]
    workload = f"a log of {megabytes} MB of puts of 1 kB; a snapshot of {keys} keys of 1 kB"
    publish("store_restart", workload, rows, as_json=arguments.json)


if __name__ == "__main__":
    main()
