"""A real `kube-actors up` in its own process, driven by the real kubectl."""

import itertools
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

_NUMBERS = itertools.count(1)


class Kubectl:
    """Runs the real kubectl against one cluster, in one namespace."""

    def __init__(self, kubeconfig: Path, namespace: str = "default") -> None:
        found = shutil.which("kubectl", path=str(Path(sys.executable).parent))
        assert found, "kubectl comes with the development dependencies: run make setup"
        self.binary = found
        self.kubeconfig = kubeconfig
        self.namespace = namespace

    @property
    def environment(self) -> dict[str, str]:
        """What kubectl is run with; its caches go beside the kubeconfig."""
        home = str(self.kubeconfig.parent)
        return {**os.environ, "KUBECONFIG": str(self.kubeconfig), "HOME": home}

    def start(self, *args: str) -> "subprocess.Popen[str]":
        """Start it and leave it running; its stdout is a pipe of lines."""
        return subprocess.Popen(
            [self.binary, "-n", self.namespace, *args],
            stdout=subprocess.PIPE,
            text=True,
            env=self.environment,
        )

    def run(self, *args: str, stdin: str = "", timeout_s: float = 150) -> Any:
        return subprocess.run(
            [self.binary, "-n", self.namespace, *args],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            env=self.environment,
            check=False,
        )

    def __call__(self, *args: str, stdin: str = "", timeout_s: float = 150) -> str:
        """Run to success and return stdout."""
        done = self.run(*args, stdin=stdin, timeout_s=timeout_s)
        assert done.returncode == 0, f"kubectl {' '.join(args)}: {done.stdout}{done.stderr}"
        return str(done.stdout)

    def fails(self, *args: str, stdin: str = "") -> str:
        """Run to failure and return stderr."""
        done = self.run(*args, stdin=stdin)
        assert done.returncode != 0, f"kubectl {' '.join(args)} succeeded: {done.stdout}"
        return str(done.stderr)

    def watch(self, text: str, *args: str, timeout_s: float = 150) -> None:
        """Read ``kubectl get -w …`` line by line until one has ``text``."""
        seen = []
        with self.start("get", "-w", *args) as process:
            assert process.stdout is not None
            alarm = threading.Timer(timeout_s, process.kill)
            alarm.start()
            try:
                for line in process.stdout:
                    seen.append(line)
                    if text in line:
                        return
            finally:
                alarm.cancel()
                process.kill()
        raise AssertionError(f"{text!r} not seen in {''.join(seen)}")

    def json(self, *args: str) -> Any:
        return orjson.loads(self(*args, "-o", "json"))


class Up:
    """One running `kube-actors up`; ready when the constructor returns."""

    def __init__(self, directory: Path, *options: str) -> None:
        self.kubeconfig = directory / "kubeconfig"
        self._errors = directory / "up.err"
        with self._errors.open("ab") as errors:
            self.process = subprocess.Popen(
                [
                    str(Path(sys.executable).with_name("kube-actors")),
                    "up",
                    "--listen=127.0.0.1:0",
                    f"--kubeconfig={self.kubeconfig}",
                    *options,
                ],
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if "export KUBECONFIG=" in line:
                return
        raise AssertionError(f"`up` ended with {self.process.wait()}: {self.errors()}")

    def errors(self) -> str:
        return self._errors.read_text()

    def stop(self, how: signal.Signals = signal.SIGINT) -> int:
        if self.process.poll() is None:
            self.process.send_signal(how)
        self.process.communicate(timeout=120)
        return self.process.returncode


@pytest.fixture(scope="session")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    running = Up(tmp_path_factory.mktemp("up"), "--quick")
    yield running
    code = running.stop()
    assert code == 0, running.errors()


@pytest.fixture
def kubectl(up: Up, request: pytest.FixtureRequest) -> Iterator[Kubectl]:
    """kubectl in a namespace of the test's own."""
    words = "".join(c if c.isalnum() else "-" for c in request.node.name.lower())
    name = f"{words.removeprefix('test-')[:40].strip('-')}-{next(_NUMBERS)}"
    client = Kubectl(up.kubeconfig)
    client("create", "namespace", name)
    yield Kubectl(up.kubeconfig, name)
    client("delete", "namespace", name, "--wait=false")
