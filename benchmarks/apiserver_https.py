"""Requests per second over HTTPS: 16 connections with client certificates, from another process.

One apiserver with three store members in memory answers creates and gets of 2 kB ConfigMaps. The
load comes from a process of its own, so that it does not steal the server's loop.
"""

import argparse
import asyncio
import json
import random
import ssl
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import anyio
from plane import CONFIG_MAPS, config_map, plane
from report import Row, publish

from kube_actors.apiserver import create_app
from kube_actors.apiserver.http import serve
from kube_actors.apiserver.who import create_authority, issue_client, issue_server, server_context

CONNECTIONS = 16


async def _exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, method: str, path: str, body: bytes
) -> int:
    head = f"{method} {path} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n"
    writer.write(head.encode() + b"content-length: %d\r\n\r\n" % len(body) + body)
    header = await reader.readuntil(b"\r\n\r\n")
    at = header.lower().index(b"content-length: ") + 16
    await reader.readexactly(int(header[at : header.index(b"\r", at)]))
    return int(header[9:12])


async def _caller(
    link: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    number: int,
    method: str,
    until: float,
    latencies: list[float],
) -> None:
    creates, count = method == "POST", 0
    while not count or time.perf_counter() < until:
        began = time.perf_counter()
        name = f"c-{number}-{count if creates else 0}"
        path = CONFIG_MAPS if creates else f"{CONFIG_MAPS}/{name}"
        body = bytes(config_map(name)) if creates else b""
        status = await _exchange(*link, method, path, body)
        if status != (201 if creates else 200):
            raise RuntimeError(f"{method} {path}: {status}")
        latencies.append(time.perf_counter() - began)
        count += 1


async def _load(port: int, directory: Path, seconds: float) -> dict[str, float]:
    context = ssl.create_default_context(cafile=str(directory / "ca.pem"))
    context.load_cert_chain(directory / "client.pem")
    figures: dict[str, float] = {}
    links = [
        await asyncio.open_connection("127.0.0.1", port, ssl=context) for _ in range(CONNECTIONS)
    ]
    for method in ("POST", "GET"):
        latencies: list[float] = []
        began = time.perf_counter()
        callers = (
            _caller(links[number], number, method, began + seconds, latencies)
            for number in range(CONNECTIONS)
        )
        await asyncio.gather(*callers)
        figures[method] = len(latencies) / (time.perf_counter() - began)
        latencies.sort()
        figures[method + "_p99_ms"] = latencies[int(len(latencies) * 0.99)] * 1e3
    for _, writer in links:
        writer.close()
    return figures


async def measure(seconds: float) -> dict[str, float]:
    entropy, now_s = random.Random(1).randbytes, time.time()
    authority = create_authority("bench", now_s=now_s, entropy=entropy)
    pair = issue_server(authority, "bench", ["127.0.0.1"], now_s=now_s, entropy=entropy)
    client = issue_client(authority, "admin", ["system:masters"], now_s=now_s, entropy=entropy)
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "ca.pem").write_bytes(authority.certificate_pem)
        (directory / "client.pem").write_bytes(client.key_pem + client.certificate_pem)
        async with plane() as running, anyio.create_task_group() as tasks:
            listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
            port = listener.extra(anyio.abc.SocketAttribute.local_port)
            tls = server_context(pair, authority.certificate_pem)
            app = create_app(running.servers[0])

            async def served() -> None:
                await serve(app, listener, tls=tls)

            tasks.start_soon(served)
            command = [sys.executable, __file__, "--load", str(port), name, str(seconds)]
            done = await anyio.run_process(command, stderr=subprocess.STDOUT, check=False)
            tasks.cancel_scope.cancel()
    if done.returncode:
        raise RuntimeError(done.stdout.decode())
    found: dict[str, float] = json.loads(done.stdout)
    return found


def main(arguments: list[str]) -> None:
    if arguments[:1] == ["--load"]:
        _, port, directory, seconds = arguments
        print(json.dumps(asyncio.run(_load(int(port), Path(directory), float(seconds)))))
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one line of JSON")
    parser.add_argument("--smoke", action="store_true", help="a size that only shows it works")
    parser.add_argument("--seconds", type=float, default=5.0, help="how long each case runs")
    parser.add_argument("--backend", choices=["asyncio", "trio"], default="asyncio")
    options = parser.parse_args(arguments)
    seconds = 0.2 if options.smoke else options.seconds
    found = anyio.run(measure, seconds, backend=options.backend)
    rows = [
        Row("create", found["POST"], "objects/s", "≥ 800"),
        Row("create, 99th percentile", found["POST_p99_ms"], "ms"),
        Row("get", found["GET"], "objects/s", "≥ 3000"),
        Row("get, 99th percentile", found["GET_p99_ms"], "ms"),
    ]
    workload = f"2 kB ConfigMaps, {CONNECTIONS} connections, 3 members in memory, {options.backend}"
    publish("apiserver https", workload, rows, as_json=options.json)


if __name__ == "__main__":
    main(sys.argv[1:])
