"""Objects created per second over the channel door: one process, 64 callers, three members.

Every create of a 2 kB ConfigMap passes the whole pipeline and is acknowledged once a majority of
the store has it. Reads of the same objects are linearizable.
"""

import argparse
import sys
import time
from typing import Any

import anyio
from plane import CONFIG_MAPS, Plane, ask, config_map, plane
from report import Row, publish

CALLERS = 64


async def _rate(callers: int, seconds: float, one: Any) -> tuple[float, float]:
    """Return operations per second and the 99th percentile in milliseconds."""
    latencies: list[float] = []
    until = time.perf_counter() + seconds

    async def caller(number: int) -> None:
        count = 0
        while not count or time.perf_counter() < until:
            began = time.perf_counter()
            await one(number, count)
            latencies.append(time.perf_counter() - began)
            count += 1

    began = time.perf_counter()
    async with anyio.create_task_group() as tasks:
        for number in range(callers):
            tasks.start_soon(caller, number)
    elapsed_s = time.perf_counter() - began
    latencies.sort()
    return len(latencies) / elapsed_s, latencies[int(len(latencies) * 0.99)] * 1e3


async def measure(seconds: float, apiservers: int, durable: bool) -> list[Row]:
    kind = "durable" if durable else "in memory"
    async with plane(apiservers=apiservers, durable=durable) as running:
        found: Plane = running

        async def create(number: int, count: int) -> None:
            name = f"c-{number}-{count}"
            await ask(found.actor, "POST", CONFIG_MAPS, config_map(name), number % apiservers + 1)

        async def get(number: int, count: int) -> None:
            server = number % apiservers + 1
            await ask(found.actor, "GET", f"{CONFIG_MAPS}/c-{number}-0", b"", server)

        goal = "≥ 1000" if durable else "≥ 1500"
        created, slow_create_ms = await _rate(CALLERS, seconds, create)
        read, slow_read_ms = await _rate(CALLERS, seconds, get)
    return [
        Row(f"create, {kind}", created, "objects/s", goal),
        Row(f"create, {kind}, 99th percentile", slow_create_ms, "ms"),
        Row(f"get, {kind}", read, "objects/s"),
        Row(f"get, {kind}, 99th percentile", slow_read_ms, "ms"),
    ]


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one line of JSON")
    parser.add_argument("--smoke", action="store_true", help="a size that only shows it works")
    parser.add_argument("--seconds", type=float, default=5.0, help="how long each case runs")
    parser.add_argument("--apiservers", type=int, default=1)
    parser.add_argument("--backend", choices=["asyncio", "trio"], default="asyncio")
    options = parser.parse_args(arguments)
    seconds = 0.1 if options.smoke else options.seconds
    rows = []
    for durable in (False, True):
        rows += anyio.run(measure, seconds, options.apiservers, durable, backend=options.backend)
    workload = (
        f"2 kB ConfigMaps, {CALLERS} callers, 3 members, {options.apiservers} apiserver(s), "
        f"{options.backend}"
    )
    publish("apiserver create", workload, rows, as_json=options.json)


if __name__ == "__main__":
    main(sys.argv[1:])
