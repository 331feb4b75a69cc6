"""Watch events delivered per second: one writer, 100 watchers of one resource, channel door.

Every watcher is a stream with credit-based flow control, as an informer's is; the writer updates
objects of 2 kB as fast as it is answered, from a few callers.
"""

import argparse
import sys
import time

import anyio
from plane import CONFIG_MAPS, ask, config_map, plane
from report import Row, publish

from kube_actors.client import ApiRequest, WatchBatch

WATCHERS = 100
WRITERS = 16


async def measure(seconds: float, watchers: int) -> list[Row]:
    delivered = written = 0
    last_s = 0.0
    async with plane() as running, anyio.create_task_group() as tasks:
        actor = running.actor
        opened = anyio.Event()
        open_count = 0

        async def watch() -> None:
            nonlocal delivered, open_count, last_s
            request = ApiRequest(
                "GET",
                CONFIG_MAPS,
                query=(("watch", "1"), ("resourceVersion", version)),
                user="system:admin",
                groups=("system:masters",),
            )
            async with actor.stream("apiserver/1", request) as stream:
                open_count += 1
                if open_count == watchers:
                    opened.set()
                async for batch in stream:
                    assert isinstance(batch, WatchBatch)
                    delivered += len(batch.events)
                    last_s = time.perf_counter()

        version = str(running.servers[0].cache.revision)
        for _ in range(watchers):
            tasks.start_soon(watch)
        await opened.wait()
        began = time.perf_counter()

        async def write(number: int) -> None:
            nonlocal written
            count = 0
            while not count or time.perf_counter() < began + seconds:
                await ask(actor, "POST", CONFIG_MAPS, config_map(f"c-{number}-{count}"))
                written += 1
                count += 1

        async with anyio.create_task_group() as writing:
            for number in range(WRITERS):
                writing.start_soon(write, number)
        with anyio.move_on_after(120):
            while delivered < written * watchers:
                await anyio.sleep(0.01)
        tasks.cancel_scope.cancel()
    elapsed_s = last_s - began
    return [
        Row("delivered", delivered / elapsed_s, "events/s", "≥ 20000"),
        Row("written", written / elapsed_s, "objects/s"),
        Row("lost", float(written * watchers - delivered), "events", "≤ 0"),
    ]


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one line of JSON")
    parser.add_argument("--smoke", action="store_true", help="a size that only shows it works")
    parser.add_argument("--seconds", type=float, default=5.0, help="how long the writer writes")
    parser.add_argument("--backend", choices=["asyncio", "trio"], default="asyncio")
    options = parser.parse_args(arguments)
    seconds, watchers = (0.1, 10) if options.smoke else (options.seconds, WATCHERS)
    rows = anyio.run(measure, seconds, watchers, backend=options.backend)
    workload = f"1 writer with {WRITERS} callers, {watchers} watchers, {options.backend}"
    publish("watch fan-out", workload, rows, as_json=options.json)


if __name__ == "__main__":
    main(sys.argv[1:])
