"""Our three durable members in three processes beside three of etcd and of PySyncObj, in one run.

The rounds alternate, so that what else the machine does falls on all alike; figures are medians of
rounds. Values have 1 kB. Every client asks the leader. etcd 3.5 and ours sync every write to disk,
PySyncObj never does. Ours speaks mutual TLS between its processes and to the client, etcd and
PySyncObj are in the clear. Ratios are ours over theirs.
"""

import argparse
import asyncio
import importlib.util
import statistics
import sys
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, ExitStack

from report import Row, median, publish
from rivals import (
    Etcd,
    EtcdClient,
    Load,
    PySyncObjProcesses,
    etcd,
    find_etcd,
    put_request,
    range_request,
)
from store_processes import Driver, ThreeMembers, load

VALUE = b"x" * 1000
KEYS = 100
CLIENTS = (1, 100)
Operation = Callable[[int], Awaitable[object]]
# Ours over theirs: (operation, clients) → goal.
GOALS = {
    ("puts", 1): "≥ 1.0",
    ("puts", 100): "≥ 0.7",
    ("linearizable gets", 1): "≥ 0.5",
    ("linearizable gets", 100): "≥ 0.5",
}


def ours(driver: Driver) -> dict[str, Operation]:
    return {
        "puts": driver.put,
        "linearizable gets": driver.get,
        "serializable gets": driver.get_serializable,
    }


async def theirs(cluster: Etcd, client: EtcdClient) -> dict[str, Operation]:
    leader = await client.leader()
    put, get = client.insisting(leader, "KV/Put"), client.insisting(leader, "KV/Range")

    async def write(number: int) -> None:
        await put(put_request(b"key-%08d" % number, VALUE))

    async def read(number: int) -> None:
        await get(range_request(b"key-%08d" % (number % KEYS), serializable=False))

    async def read_here(number: int) -> None:
        await get(range_request(b"key-%08d" % (number % KEYS), serializable=True))

    return {"puts": write, "linearizable gets": read, "serializable gets": read_here}


async def compare(seconds: float, rounds: int, plain: bool) -> list[Row]:
    found: dict[tuple[str, int, str], list[Load]] = {}
    with ExitStack() as processes:
        members = processes.enter_context(ThreeMembers(secure=not plain))
        async with AsyncExitStack() as clients:
            sides = {"ours": ours(await clients.enter_async_context(members.client()))}
            if find_etcd() is not None and importlib.util.find_spec("grpc") is not None:
                cluster = processes.enter_context(etcd())
                client = EtcdClient(cluster.endpoints)
                clients.push_async_callback(client.aclose)
                sides["etcd"] = await theirs(cluster, client)
            for side in sides.values():
                await load(side["puts"], 10, min(1.0, seconds))
            for _ in range(rounds):
                for operation in sides["ours"]:
                    for count in CLIENTS:
                        for name, side in sides.items():
                            one = await load(side[operation], count, seconds)
                            found.setdefault((operation, count, name), []).append(one)
    if importlib.util.find_spec("pysyncobj") is not None:
        with PySyncObjProcesses() as rival:
            for count in CLIENTS:
                for _ in range(rounds):
                    one = rival.puts(count, max(10, int(seconds * 60 * count)), len(VALUE))
                    found.setdefault(("puts", count, "PySyncObj"), []).append(one)
    return table(found)


def table(found: dict[tuple[str, int, str], list[Load]]) -> list[Row]:
    rows: list[Row] = []
    for (operation, count, side), loads in found.items():
        name = f"{operation}, {count} client{'s' if count > 1 else ''}"
        rows.append(Row(f"{name}, {side}", median([one.per_s for one in loads]), "/s"))
        rows.append(Row(f"{name}, {side}, p50", median([one.p50_ms for one in loads]), "ms"))
        rows.append(Row(f"{name}, {side}, p99", median([one.p99_ms for one in loads]), "ms"))
        if side == "ours":
            continue
        own = found[operation, count, "ours"]
        ratio = statistics.median(a.per_s / b.per_s for a, b in zip(own, loads, strict=True))
        goal = GOALS.get((operation, count), "") if side == "etcd" else ""
        if side == "PySyncObj" and count == 1:
            goal = "≥ 5"
        rows.append(Row(f"{name}, ours over {side}", ratio, "×", goal))
    return rows


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one line of JSON")
    parser.add_argument("--smoke", action="store_true", help="a size that only shows it works")
    parser.add_argument("--seconds", type=float, default=2.0, help="how long each round runs")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--plain", action="store_true", help="ours in the clear as well")
    options = parser.parse_args(arguments)
    seconds, rounds = (0.1, 1) if options.smoke else (options.seconds, options.rounds)
    rows = asyncio.run(compare(seconds, rounds, options.plain))
    how = "plain TCP" if options.plain else "mutual TLS"
    workload = f"{rounds} rounds of {seconds:g} s a case, values of 1 kB, ours over {how}"
    publish("store beside others", workload, rows, as_json=options.json)


if __name__ == "__main__":
    main(sys.argv[1:])
