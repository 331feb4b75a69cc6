"""How fast actors talk: tells, calls and streams a second in one process, and the wire's cost.

Prints a table with units and the machine; ``--json`` prints the same for comparison over time,
``--smoke`` runs a size that only shows that it works.
"""

import argparse
import gc
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
from report import Row, publish

from kube_actors.actor import Actor, ActorSystem, Blob, Child, Supervisor, decode, encode, message


@message("benchmark.small")
class Small:
    number: int
    text: str = "web-7d9c"
    done: bool = False


@message("benchmark.entry")
class Entry:
    term: int
    index: int
    data: Blob


@message("benchmark.append")
class Append:
    term: int
    commit_index: int
    entries: tuple[Entry, ...]


@message("benchmark.items")
class Items:
    count: int


@message("benchmark.stop")
class Stop:
    pass


async def run_echo(actor: Actor) -> None:
    """Answer calls, feed streams, and answer Stop once all tells before it were received."""
    while True:
        delivery = await actor.receive()
        if delivery.expects == "reply":
            delivery.reply(delivery.message)
        elif delivery.expects == "stream":
            writer = delivery.open()
            for number in range(delivery.message.count):
                await writer.send(Small(number))
            writer.close()


async def measure_tells(actor: Actor, count: int) -> None:
    for number in range(count):
        actor.tell("echo/1", Small(number))
        if number % 1000 == 999:
            await actor.call("echo/1", Stop())
    await actor.call("echo/1", Stop())


async def measure_calls(actor: Actor, count: int) -> None:
    for number in range(count):
        await actor.call("echo/1", Small(number))


async def measure_calls_of_64(actor: Actor, count: int) -> None:
    async def call_some() -> None:
        for number in range(count // 64):
            await actor.call("echo/1", Small(number))

    async with anyio.create_task_group() as tasks:
        for _ in range(64):
            tasks.start_soon(call_some)


async def measure_stream(actor: Actor, count: int) -> None:
    async with actor.stream("echo/1", Items(count)) as items:
        async for _ in items:
            pass


async def rate_of(measure: Callable[[Actor, int], Awaitable[None]], count: int) -> float:
    """Run one measurement on a fresh system; operations a second, the best of three."""
    best = 0.0
    for _ in range(3):
        async with ActorSystem() as system, Supervisor(system, name="benchmark") as supervisor:
            supervisor.start(Child("echo/1", run_echo))
            async with system.client("client/1") as actor:
                await measure(actor, 100)
                gc.collect()
                began = time.perf_counter()
                await measure(actor, count)
                best = max(best, count / (time.perf_counter() - began))
    return best


def wire_costs(count: int) -> dict[str, float]:
    """Microseconds for encoding and decoding, the best of five."""
    entries = tuple(Entry(3, index, Blob(b"x" * 1000)) for index in range(8))
    samples: dict[str, Any] = {"small": Small(7), "append of 8 blobs": Append(3, 9, entries)}
    costs: dict[str, float] = {}
    for name, sample in samples.items():
        frame = encode(sample)
        costs[f"encode {name}"] = _best(lambda sample=sample: encode(sample), count)
        costs[f"decode {name}"] = _best(lambda frame=frame: decode(frame), count)
    return costs


def _best(run: Callable[[], object], count: int) -> float:
    best = float("inf")
    for _ in range(5):
        began = time.perf_counter()
        for _ in range(count):
            run()
        best = min(best, time.perf_counter() - began)
    return best / count * 1e6


def measure_all(count: int) -> list[Row]:
    measures = {
        "tell": measure_tells,
        "call, 1 caller": measure_calls,
        "call, 64 callers": measure_calls_of_64,
        "stream item": measure_stream,
    }
    rows: list[Row] = []
    for backend in ("asyncio", "trio"):
        for name, measure in measures.items():
            rate = anyio.run(rate_of, measure, count, backend=backend)
            rows.append(Row(f"{name}, {backend}", rate, "1/s"))
    for name, cost in wire_costs(count).items():
        rows.append(Row(name, cost, "µs"))
    return rows


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--smoke", action="store_true", help="a size that only shows it works")
    options = parser.parse_args(arguments)
    count = 200 if options.smoke else 20_000
    workload = f"{count} operations between two actors of one process, best of several runs"
    publish("actor_channel", workload, measure_all(count), as_json=options.json)


if __name__ == "__main__":
    main(sys.argv[1:])
