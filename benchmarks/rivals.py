"""Other stores, started as they would be used: three etcd processes, three PySyncObj processes.

Each is driven by what suits it best: etcd by the gRPC library's C core with ready-made request
bytes, PySyncObj from inside its leader's process, since it has no client over a network.
"""

import asyncio
import json
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

import attrs

MEMBERS = 3
LEADER_WAIT_S = 120.0
PAUSE_S = 0.01


@attrs.frozen
class Load:
    """What one run of a load showed: operations per second, latencies in milliseconds."""

    per_s: float
    p50_ms: float
    p99_ms: float

    @classmethod
    def of(cls, latencies_s: Sequence[float], took_s: float) -> "Load":
        ordered = sorted(latencies_s)
        last = len(ordered) - 1
        return cls(len(ordered) / took_s, ordered[last // 2] * 1e3, ordered[int(last * 0.99)] * 1e3)


def free_ports(count: int) -> list[int]:
    """Return ports of the loopback address that nobody uses now."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def find_etcd() -> str | None:
    """Return the path of an etcd, that of this virtual environment first."""
    beside = Path(sys.executable).with_name("etcd")
    return str(beside) if beside.exists() else shutil.which("etcd")


class Etcd:
    """Three members on loopback; heartbeat and election timeout in milliseconds."""

    def __init__(self, directory: Path, heartbeat_ms: int, election_ms: int) -> None:
        self._directory = directory
        self._times = (heartbeat_ms, election_ms)
        ports = free_ports(2 * MEMBERS)
        self.endpoints = [f"127.0.0.1:{port}" for port in ports[:MEMBERS]]
        self._peers = [f"http://127.0.0.1:{port}" for port in ports[MEMBERS:]]
        self._processes: dict[int, subprocess.Popen[bytes]] = {}

    def start(self, number: int) -> None:
        program = find_etcd()
        assert program is not None
        client, peer = f"http://{self.endpoints[number]}", self._peers[number]
        everyone = ",".join(f"m{n}={url}" for n, url in enumerate(self._peers))
        options = {
            "name": f"m{number}",
            "data-dir": str(self._directory / str(number)),
            "listen-client-urls": client,
            "advertise-client-urls": client,
            "listen-peer-urls": peer,
            "initial-advertise-peer-urls": peer,
            "initial-cluster": everyone,
            "heartbeat-interval": str(self._times[0]),
            "election-timeout": str(self._times[1]),
            "log-level": "error",
        }
        self._processes[number] = subprocess.Popen(
            [program, *(f"--{name}={value}" for name, value in options.items())],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def kill(self, number: int) -> None:
        process = self._processes.pop(number)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def end(self) -> None:
        for number in list(self._processes):
            self.kill(number)


@contextmanager
def etcd(heartbeat_ms: int = 100, election_ms: int = 1000) -> Iterator[Etcd]:
    """Run three members (etcd's default times) until the block ends."""
    with tempfile.TemporaryDirectory(prefix="rival-etcd-") as directory:
        cluster = Etcd(Path(directory), heartbeat_ms, election_ms)
        try:
            for number in range(MEMBERS):
                cluster.start(number)
            yield cluster
        finally:
            cluster.end()


# Just enough of protobuf: etcd's requests are bytes fields and flags.


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _bytes_field(number: int, value: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def put_request(key: bytes, value: bytes) -> bytes:
    return _bytes_field(1, key) + _bytes_field(2, value)


def range_request(key: bytes, *, serializable: bool) -> bytes:
    return _bytes_field(1, key) + (b"\x38\x01" if serializable else b"")


def watch_request(key: bytes, range_end: bytes) -> bytes:
    return _bytes_field(1, _bytes_field(1, key) + _bytes_field(2, range_end))


def event_count(response: bytes) -> tuple[bool, int]:
    """Read of a WatchResponse whether a watch was created and how many events it has."""
    created, events = False, 0
    for number, _ in _fields(response):
        created = created or number == 3
        events += number == 11
    return created, events


def _fields(data: bytes) -> Iterator[tuple[int, Any]]:
    at = 0

    def number() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(data):
        tag = number()
        if tag & 7 == 0:
            yield tag >> 3, number()
        else:
            size = number()
            yield tag >> 3, data[at : at + size]
            at += size


class EtcdClient:
    """One channel per endpoint, on asyncio (the C core's own loop does the work)."""

    def __init__(self, endpoints: Sequence[str]) -> None:
        import grpc.aio

        self._channels = [grpc.aio.insecure_channel(endpoint) for endpoint in endpoints]

    def call(self, member: int, method: str) -> Any:
        return self._channels[member].unary_unary(f"/etcdserverpb.{method}")

    def insisting(self, member: int, method: str) -> Callable[[bytes], Awaitable[bytes]]:
        """Like ``call``, but what is refused is asked again: on a busy machine leaders change."""
        import grpc

        once = self.call(member, method)

        async def insist(request: bytes) -> bytes:
            while True:
                try:
                    answer: bytes = await once(request)
                except grpc.aio.AioRpcError:
                    await asyncio.sleep(PAUSE_S)
                else:
                    return answer

        return insist

    def stream(self, member: int, method: str) -> Any:
        return self._channels[member].stream_stream(f"/etcdserverpb.{method}")

    async def leader(self) -> int:
        """Return the number of the leader; waits until there is one and all answer it."""
        deadline = time.monotonic() + LEADER_WAIT_S
        while time.monotonic() < deadline:
            for member in range(len(self._channels)):
                try:
                    answer = await self.call(member, "Maintenance/Status")(b"", timeout=1)
                except Exception:
                    continue
                fields = dict(_fields(answer))
                header = dict(_fields(fields.get(1, b"")))
                if fields.get(4) and fields[4] == header.get(2):
                    return member
            await asyncio.sleep(0.05)
        raise TimeoutError("etcd has no leader")

    async def aclose(self) -> None:
        for channel in self._channels:
            await channel.close()


async def run_load(calls: Sequence[Any], clients: int, operations: int) -> Load:
    """Let ``clients`` share ``operations`` calls; each waits for its answer before the next.

    ``calls`` are async functions of the operation's number, one per client or one for all.
    """
    latencies: list[float] = []
    left = iter(range(operations))

    async def client(call: Any) -> None:
        for number in left:
            began = time.perf_counter()
            await call(number)
            latencies.append(time.perf_counter() - began)

    began = time.perf_counter()
    await asyncio.gather(*(client(calls[n % len(calls)]) for n in range(clients)))
    return Load.of(latencies, time.perf_counter() - began)


class PySyncObjProcesses(AbstractContextManager["PySyncObjProcesses"]):
    """Three replicated dictionaries with a journal on disk; it does not sync the journal."""

    def __enter__(self) -> "PySyncObjProcesses":
        self._directory = tempfile.TemporaryDirectory(prefix="rival-pysyncobj-")
        addresses = [f"127.0.0.1:{port}" for port in free_ports(MEMBERS)]
        script = str(Path(__file__).with_name("pysyncobjmember.py"))
        self._members = [
            subprocess.Popen(
                [sys.executable, script, str(n), self._directory.name, *addresses],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for n in range(MEMBERS)
        ]
        self._leader = self._find_leader()
        return self

    def _find_leader(self) -> subprocess.Popen[str]:
        deadline = time.monotonic() + LEADER_WAIT_S
        while time.monotonic() < deadline:
            for member in self._members:
                if self._ask(member, {"do": "lead"})["leads"]:
                    return member
        raise TimeoutError("PySyncObj has no leader")

    @staticmethod
    def _ask(member: "subprocess.Popen[str]", request: dict[str, Any]) -> dict[str, Any]:
        assert member.stdin is not None
        assert member.stdout is not None
        member.stdin.write(json.dumps(request) + "\n")
        member.stdin.flush()
        answer: dict[str, Any] = json.loads(member.stdout.readline())
        return answer

    def puts(self, clients: int, operations: int, value_bytes: int) -> Load:
        """Put from threads of the leader's process."""
        answer = self._ask(
            self._leader,
            {"do": "puts", "clients": clients, "operations": operations, "bytes": value_bytes},
        )
        return Load.of(answer["latencies_s"], answer["took_s"])

    def __exit__(self, *_: object) -> None:
        for member in self._members:
            member.kill()
            member.wait()
            for pipe in (member.stdin, member.stdout):
                if pipe is not None:
                    pipe.close()
        self._directory.cleanup()
