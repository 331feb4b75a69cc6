"""How long writes stop when the leader is killed with SIGKILL: ours beside etcd, in one run.

Every 10 ms a new write goes to the next member, whatever became of those before it. The gap is from
the signal to the first acknowledgement. "At etcd's times" means a heartbeat of 100 ms and an
election timeout of 1 s on both sides. The rounds alternate.
"""

import argparse
import asyncio
import importlib.util
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from itertools import count

import anyio
from report import Row, publish
from rivals import MEMBERS, EtcdClient, etcd, find_etcd, put_request
from store_processes import ThreeMembers

from kube_actors.actor import ActorError, Blob
from kube_actors.store import Put, StoreClient, Txn, member_address

ATTEMPT_S = 5.0
PAUSE_S = 0.01
SETTLE_WRITES = 20
GAP_MAX_S = 120.0
VALUE = b"x" * 1000
Attempt = Callable[[int], Awaitable[bool]]


async def first_acknowledged(attempts: Sequence[Attempt]) -> None:
    """Return as soon as one of many writes to all members is acknowledged."""
    with anyio.fail_after(GAP_MAX_S):
        async with anyio.create_task_group() as tasks:

            async def write(attempt: Attempt, number: int) -> None:
                if await attempt(number):
                    tasks.cancel_scope.cancel()

            for number in count():
                tasks.start_soon(write, attempts[number % len(attempts)], number)
                await anyio.sleep(PAUSE_S)


async def gap(attempts: Sequence[Attempt], kill: Callable[[], None]) -> float:
    """Return the seconds from the kill to the next acknowledged write."""
    for _ in range(SETTLE_WRITES):
        await first_acknowledged(attempts)
    kill()
    killed = time.perf_counter()
    await first_acknowledged(attempts)
    return time.perf_counter() - killed


async def ours(**config: float) -> float:
    with ThreeMembers(**config) as members:
        async with members.client() as driver:
            stores = [
                StoreClient(driver.actor, [member_address(n)], timeout_s=ATTEMPT_S)
                for n in range(1, MEMBERS + 1)
            ]
            attempts = [attempt_of(store) for store in stores]
            return await gap(attempts, partial(members.kill, driver.leader))


def attempt_of(store: StoreClient) -> Attempt:
    async def attempt(number: int) -> bool:
        try:
            await store.txn(Txn((), (Put(b"key-%d" % number, Blob(VALUE)),)))
        except ActorError:
            return False
        return True

    return attempt


async def theirs() -> float:
    with etcd() as cluster:
        client = EtcdClient(cluster.endpoints)
        leader = await client.leader()
        attempts = [etcd_attempt(client, member) for member in range(MEMBERS)]
        found = await gap(attempts, partial(cluster.kill, leader))
        await client.aclose()
        return found


def etcd_attempt(client: EtcdClient, member: int) -> Attempt:
    import grpc

    put = client.call(member, "KV/Put")

    async def attempt(number: int) -> bool:
        try:
            await put(put_request(b"key-%d" % number, VALUE), timeout=ATTEMPT_S)
        except grpc.aio.AioRpcError:
            return False
        return True

    return attempt


async def measure(rounds: int) -> list[Row]:
    sides: dict[str, Callable[[], Awaitable[float]]] = {
        "ours, defaults": ours,
        "ours, etcd's times": partial(ours, tick_s=0.1, election_ticks=10),
    }
    if find_etcd() is not None and importlib.util.find_spec("grpc") is not None:
        sides["etcd, defaults"] = theirs
    found: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            found[name].append(await side())
    rival = statistics.median(found.get("etcd, defaults", [0.0]))
    rows = []
    for name, gaps in found.items():
        goal = f"≤ {rival:.3f}" if rival and name.startswith("ours") else ""
        rows.append(Row(f"{name}, median", statistics.median(gaps), "s", goal))
        rows.append(Row(f"{name}, longest", max(gaps), "s"))
    return rows


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one line of JSON")
    parser.add_argument("--smoke", action="store_true", help="a size that only shows it works")
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args(arguments)
    rounds = 1 if options.smoke else options.rounds
    workload = f"three durable members in three processes, {rounds} kills of the leader each"
    publish("store failover", workload, asyncio.run(measure(rounds)), as_json=options.json)


if __name__ == "__main__":
    main(sys.argv[1:])
