"""Watch events delivered by one member to 100 and 1,000 watchers of one writer's keys.

All watches are on one stream of one client process, as etcd's own clients do it; three durable
members in three processes, ours over mutual TLS, etcd in the clear. The writer waits for each put
of 1 kB. A delivered event is one that the client has taken from the stream; ours are decoded
objects, etcd's are only counted.
"""

import argparse
import asyncio
import importlib.util
import sys
import time
from collections.abc import Awaitable, Callable

import anyio
from report import Row, publish
from rivals import EtcdClient, etcd, event_count, find_etcd, put_request, watch_request
from store_processes import ThreeMembers

from kube_actors.store import Watch
from kube_actors.store.messages import SessionKind

VALUE = b"x" * 1000
PREFIX, END = b"key-", b"key."
DRAIN_S = 60.0


class Count:
    """Events delivered so far."""

    def __init__(self) -> None:
        self.events = 0
        self.opened = 0


async def fan_out(
    count: Count, watchers: int, seconds: float, put: Callable[[int], Awaitable[object]]
) -> tuple[float, int]:
    """Write until the time is over and all is delivered; return events per second and lost ones."""
    with anyio.fail_after(DRAIN_S):
        while count.opened < watchers:
            await anyio.sleep(0.005)
    began, written = time.perf_counter(), 0
    while written == 0 or time.perf_counter() < began + seconds:
        await put(written)
        written += 1
    with anyio.move_on_after(DRAIN_S):
        while count.events < written * watchers:
            await anyio.sleep(0.005)
    return count.events / (time.perf_counter() - began), written * watchers - count.events


async def ours(watchers: int, seconds: float) -> tuple[float, int]:
    count = Count()
    with ThreeMembers() as members:
        async with members.client() as driver, driver.store.watch_session() as session:

            async def take() -> None:
                async for item in session:
                    count.events += len(item.events)
                    count.opened += item.kind is SessionKind.CREATED

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(take)
                for _ in range(watchers):
                    await session.open(Watch(PREFIX, END))
                found = await fan_out(count, watchers, seconds, driver.put)
                tasks.cancel_scope.cancel()
    return found


async def theirs(watchers: int, seconds: float) -> tuple[float, int]:
    count = Count()
    with etcd() as cluster:
        client = EtcdClient(cluster.endpoints)
        leader = await client.leader()
        put = client.insisting(leader, "KV/Put")
        stream = client.stream(leader, "Watch/Watch")()

        async def take() -> None:
            while True:
                created, events = event_count(await stream.read())
                count.opened += created
                count.events += events

        async def write(number: int) -> None:
            await put(put_request(b"key-%08d" % number, VALUE))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(take)
            for _ in range(watchers):
                await stream.write(watch_request(PREFIX, END))
            found = await fan_out(count, watchers, seconds, write)
            tasks.cancel_scope.cancel()
        stream.cancel()
        await client.aclose()
    return found


async def measure(seconds: float, counts: tuple[int, ...]) -> list[Row]:
    rows: list[Row] = []
    compare = find_etcd() is not None and importlib.util.find_spec("grpc") is not None
    for watchers in counts:
        for name, side in {"ours": ours, **({"etcd": theirs} if compare else {})}.items():
            per_s, lost = await side(watchers, seconds)
            rows.append(Row(f"{watchers} watchers, {name}", per_s, "events/s"))
            rows.append(Row(f"{watchers} watchers, {name}, lost", float(lost), "events", "≤ 0"))
    return rows


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one line of JSON")
    parser.add_argument("--smoke", action="store_true", help="a size that only shows it works")
    parser.add_argument("--seconds", type=float, default=3.0, help="how long the writer writes")
    options = parser.parse_args(arguments)
    seconds, counts = (0.1, (5,)) if options.smoke else (options.seconds, (100, 1000))
    workload = f"one writer for {seconds:g} s, all watches on one stream"
    rows = asyncio.run(measure(seconds, counts))
    publish("store watchers", workload, rows, as_json=options.json)


if __name__ == "__main__":
    main(sys.argv[1:])
