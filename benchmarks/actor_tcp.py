"""Calls and tells per second between actors in two processes over loopback, with TLS and without.

One client waits for each answer before it asks again; fifty ask at the same time; tells are
counted by who receives them.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import anyio
from report import Row, publish
from rivals import free_ports

from kube_actors.actor import (
    Actor,
    ActorSystem,
    Address,
    Blob,
    Clock,
    TcpNetwork,
    message,
    mutual_tls,
)
from kube_actors.cluster.processes import PkiDirectory

CALLERS = 50
SERVER, CLIENT = "server", "client"
ECHO = Address("echo")


@message("bench.note")
class Note:
    number: int
    data: Blob


def network_of(order: dict[str, Any], name: str) -> TcpNetwork:
    where = ("127.0.0.1", order["port"])
    tls = None
    if order["pki"]:
        pki = Path(order["pki"])
        tls = mutual_tls(str(pki / "ca.crt"), str(pki / f"{name}.crt"), str(pki / f"{name}.key"))
    return TcpNetwork(
        name,
        listen=where if name == SERVER else None,
        peers={} if name == SERVER else {SERVER: where},
        tls=tls,
        plain=tls is None,
        incarnation=os.getpid(),
    )


async def serve(order: dict[str, Any]) -> None:
    """Answer calls with what they said; count tells, and answer number 0 with the count."""
    async with (
        network_of(order, SERVER) as network,
        ActorSystem(network, Clock.of_machine(), 2, first_number=1 << 40) as system,
        system.client(ECHO, mailbox_max=100_000) as actor,
    ):
        told = 0
        while True:
            delivery = await actor.receive()
            if delivery.expects == "nothing":
                told += 1
            elif delivery.message.number == 0:
                delivery.reply(Note(told, Blob(b"")))
            else:
                delivery.reply(delivery.message)


async def drive(order: dict[str, Any], seconds: float) -> list[Row]:
    how = f"{'TLS' if order['pki'] else 'plain'}, {order['backend']}"
    rows: list[Row] = []
    async with (
        network_of(order, CLIENT) as network,
        ActorSystem(network, Clock.of_machine(), 1) as system,
        system.client("client/bench") as actor,
    ):
        await network.wait_for(ECHO)
        for size in (10, 1000):
            latencies = await ask(actor, 1, size, seconds)
            rows.append(Row(f"{how}, call of {size} bytes, median", latencies[0] * 1e6, "µs"))
        rate = (await ask(actor, CALLERS, 1000, seconds))[1]
        rows.append(Row(f"{how}, calls of 1000 bytes, {CALLERS} at once", rate, "/s"))
        rows.append(Row(f"{how}, tells of 1000 bytes", await tell(actor, seconds), "/s"))
    return rows


async def ask(actor: Actor, callers: int, size: int, seconds: float) -> tuple[float, float]:
    """Return the median time of a call in seconds, and calls per second."""
    latencies: list[float] = []
    began = time.perf_counter()
    note = Note(1, Blob(b"x" * size))

    async def caller() -> None:
        while not latencies or time.perf_counter() < began + seconds:
            before = time.perf_counter()
            await actor.call(ECHO, note)
            latencies.append(time.perf_counter() - before)

    async with anyio.create_task_group() as tasks:
        for _ in range(callers):
            tasks.start_soon(caller)
    took = time.perf_counter() - began
    return sorted(latencies)[len(latencies) // 2], len(latencies) / took


async def tell(actor: Actor, seconds: float) -> float:
    """Return how many tells per second were received, a thousand at most under way."""
    note, nothing = Note(1, Blob(b"x" * 1000)), Note(0, Blob(b""))
    began, told = time.perf_counter(), 0
    while not told or time.perf_counter() < began + seconds:
        for _ in range(1000):
            actor.tell(ECHO, note)
        told = (await actor.call(ECHO, nothing)).number
    return told / (time.perf_counter() - began)


def measure(secure: bool, backend: str, seconds: float) -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="actor-tcp-") as directory:
        order = {"port": free_ports(1)[0], "pki": "", "backend": backend}
        if secure:
            path = Path(directory) / "pki"
            pki = PkiDirectory.create(path, block=16, now_s=time.time(), entropy=os.urandom)
            for name in (SERVER, CLIENT):
                pki.issue(name, now_s=time.time(), entropy=os.urandom)
            order["pki"] = str(path)
        server = subprocess.Popen([sys.executable, __file__, "--serve", json.dumps(order)])
        try:
            return anyio.run(drive, order, seconds, backend=backend)
        finally:
            server.kill()
            server.wait()


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one line of JSON")
    parser.add_argument("--smoke", action="store_true", help="a size that only shows it works")
    parser.add_argument("--seconds", type=float, default=1.0, help="how long each case runs")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.serve:
        order = json.loads(options.serve)
        anyio.run(serve, order, backend=order["backend"])
        return
    seconds = 0.05 if options.smoke else options.seconds
    rows = [
        row
        for backend in ("asyncio", "trio")
        for secure in (True, False)
        for row in measure(secure, backend, seconds)
    ]
    publish("actor tcp", "two processes over loopback", rows, as_json=options.json)


if __name__ == "__main__":
    main(sys.argv[1:])
