"""Real `kube-actors master` processes for the tests: started, stopped, killed, asked."""

import base64
import http.client
import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

import yaml
from attrs import evolve, frozen

from kube_actors.cluster import claim_block
from kube_actors.cluster.processes import PkiDirectory

PROGRAM = str(Path(sys.executable).with_name("kube-actors"))
KUBECTL = shutil.which("kubectl", path=str(Path(sys.executable).parent)) or "kubectl"
PATIENCE_S = 120.0
BUSY = (OSError, http.client.HTTPException, ssl.SSLError)


@frozen
class Answer:
    status: int
    body: Any
    warnings: str = ""


class Api:
    """One kept-alive connection to one master, as its administrator."""

    def __init__(self, kubeconfig: Path, timeout_s: float = 60.0) -> None:
        config = yaml.safe_load(kubeconfig.read_text())
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
        context = ssl.create_default_context(cadata=authority)
        pair = kubeconfig.with_name(f"{kubeconfig.name}.pair")
        pair.write_bytes(
            base64.b64decode(user["client-key-data"])
            + base64.b64decode(user["client-certificate-data"])
        )
        context.load_cert_chain(pair)
        where = urlsplit(cluster["server"])
        self._connection = http.client.HTTPSConnection(
            where.hostname or "", where.port, timeout=timeout_s, context=context
        )

    def send(self, method: str, path: str, body: Any = None) -> None:
        data = None if body is None else json.dumps(body)
        headers = {"Content-Type": "application/json"}
        self._connection.request(method, path, data, headers)

    def receive(self) -> Answer:
        response = self._connection.getresponse()
        data = response.read()
        return Answer(response.status, json.loads(data), response.headers.get("Warning", ""))

    def ask(self, method: str, path: str, body: Any = None) -> Answer:
        """Ask and wait; raises one of BUSY when the master is not there."""
        try:
            self.send(method, path, body)
            return self.receive()
        except BUSY:
            self.close()
            raise

    def close(self) -> None:
        self._connection.close()

    def insist(self, method: str, path: str, body: Any) -> Answer:
        """Write as a client does that minds neither a refusal nor a doubt; return what is done.

        A machine that is busy elsewhere changes leaders in the midst of a write. A POST whose fate
        was unknown may have been done: then the second one is a conflict.
        """
        until_s, doubted = time.monotonic() + PATIENCE_S, False
        while True:
            try:
                answer = self.ask(method, path, body)
            except BUSY:
                if time.monotonic() > until_s:
                    raise
                doubted = True
                continue
            if answer.status == 409 and method == "POST" and doubted:
                return evolve(answer, status=201)
            if answer.status < 500 or time.monotonic() > until_s:
                return answer
            doubted = True

    def read(self, path: str) -> Answer:
        """Read until the answer is no stale one."""
        until_s = time.monotonic() + PATIENCE_S
        answer = self.ask("GET", path)
        while (answer.status >= 500 or answer.warnings) and time.monotonic() < until_s:
            answer = self.ask("GET", path)
        return answer


CONFIGMAPS = "/api/v1/namespaces/default/configmaps"


def configmap(name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


class Process:
    """One `kube-actors` process; its output is read as it comes."""

    def __init__(self, arguments: Sequence[str], prefix: Sequence[str] = ()) -> None:
        self._process = subprocess.Popen(
            [*prefix, PROGRAM, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines: list[str] = []
        self._changed = threading.Condition()
        self._ended = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._changed:
                self.lines.append(line)
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    @property
    def output(self) -> str:
        return "".join(self.lines)

    def wait_line(self, text: str, timeout_s: float = PATIENCE_S) -> str:
        """Wait until a line of output has ``text``, and return it."""

        def found() -> str:
            return next((line for line in self.lines if text in line), "")

        with self._changed:
            seen = self._changed.wait_for(lambda: found() or self._ended, timeout_s)
            assert seen, f"{text!r} not within {timeout_s} s in:\n{self.output}"
        assert found(), f"ended without {text!r}:\n{self.output}"
        return found()

    def signal(self, number: signal.Signals) -> None:
        # Also when it runs under `ip netns exec`, which becomes the command itself.
        self._process.send_signal(number)

    def wait(self, timeout_s: float = PATIENCE_S) -> int:
        code = self._process.wait(timeout_s)
        self._reader.join(timeout_s)
        if self._process.stdout is not None:
            self._process.stdout.close()
        return code

    def kill(self) -> None:
        """SIGKILL: no chance to say goodbye."""
        self._process.kill()
        self.wait()

    @property
    def alive(self) -> bool:
        return self._process.poll() is None


class Masters:
    """Three masters on loopback (or at ``hosts``), each with its directory; ended with the block.

    ``prefix`` puts a master's command behind another, e.g. into a network namespace.
    """

    names = ("m1", "m2", "m3")

    def __init__(
        self,
        directory: Path,
        *,
        hosts: dict[str, str] | None = None,
        prefix: Callable[[str], Sequence[str]] = lambda name: (),
        backend: str = "asyncio",
        also: Sequence[str] = (),
    ) -> None:
        self.directory = directory
        self.hosts = hosts or dict.fromkeys(self.names, "127.0.0.1")
        self.processes: dict[str, Process] = {}
        self._prefix = prefix
        self._backend = backend
        ports = free_ports(6)
        self._mesh = dict(zip(self.names, ports[:3], strict=True))
        self._api = dict(zip(self.names, ports[3:], strict=True))
        claim = claim_block(ports[0])
        claim.close()
        now_s = time.time()
        self.pki = PkiDirectory.create(
            directory / "pki", block=claim.block, now_s=now_s, entropy=os.urandom
        )
        for name in self.names:
            self.pki.issue(name, (self.hosts[name],), now_s=now_s, entropy=os.urandom)
        for name in also:
            node = name.startswith("n")
            self.pki.issue(name, now_s=now_s, entropy=os.urandom, node=node)

    def __enter__(self) -> "Masters":
        with ExitStack() as stack:
            stack.push(self.__exit__)
            for name in self.names:
                self.start(name)
            for name in self.names:
                self.processes[name].wait_line("export KUBECONFIG")
            stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for process in self.processes.values():
            with suppress(ProcessLookupError):
                process.signal(signal.SIGCONT)
            if process.alive:
                process.kill()

    @property
    def join(self) -> list[str]:
        return [f"--join={name}={self.hosts[name]}:{self._mesh[name]}" for name in self.names]

    def start(self, name: str, *options: str) -> Process:
        """Start a master, or start it again, with what it had stored."""
        kubeconfig = self.kubeconfig(name)
        kubeconfig.unlink(missing_ok=True)
        process = Process(
            [
                "master",
                f"--name={name}",
                *self.join,
                f"--pki={self.pki.path}",
                f"--data-dir={self.directory / name}",
                f"--listen={self.hosts[name]}:{self._api[name]}",
                "--quick",
                f"--backend={self._backend}",
                *options,
            ],
            self._prefix(name),
        )
        self.processes[name] = process
        return process

    def kubeconfig(self, name: str) -> Path:
        return self.directory / name / "kubeconfig"

    def api(self, name: str, timeout_s: float = 60.0) -> Api:
        return Api(self.kubeconfig(name), timeout_s)

    def api_port(self, name: str) -> int:
        return self._api[name]

    def kubectl(self, name: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run the real kubectl against one master, from where that master is."""
        home = str(self.directory)
        return subprocess.run(
            [*self._prefix(name), KUBECTL, *arguments],
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            env={**os.environ, "KUBECONFIG": str(self.kubeconfig(name)), "HOME": home},
            check=False,
        )

    def create(self, name: str, configmap: str) -> None:
        """Create a ConfigMap with kubectl, minding neither a refusal nor a doubt."""
        until_s = time.monotonic() + PATIENCE_S
        while True:
            done = self.kubectl(name, "create", "configmap", configmap, "--from-literal=a=1")
            if done.returncode == 0 or "already exists" in done.stderr:
                return
            assert time.monotonic() < until_s, done.stderr

    def leader(self, *asked: str) -> str:
        """Wait until those asked (all by default) agree on a leader, and return its name."""
        names = asked or self.names
        until_s = time.monotonic() + PATIENCE_S
        seen: list[Any] = []
        while time.monotonic() < until_s:
            with suppress(*BUSY):
                seen = [self._leader_of(name) for name in names]
                if seen[0] and len(set(seen)) == 1:
                    return self.names[seen[0] - 1]
        raise AssertionError(f"no agreement on a leader: {seen}")

    def _leader_of(self, name: str) -> int:
        """Ask one member whom it follows; 0 when it follows nobody."""
        api = self.api(name, 5.0)
        try:
            answer = api.ask("GET", "/debug/kube-actors/status")
        finally:
            api.close()
        number = self.names.index(name) + 1
        member = answer.body["store"]["members"][str(number)]
        return 0 if member.get("readOnly", True) else int(member["leader"])


def free_ports(count: int) -> list[int]:
    """Return ports of the loopback address that nobody uses now."""
    import socket

    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
