"""``kube-actors up`` as its users run it: in a process of its own, ended and killed for real."""

import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import psutil
import pytest

from tests.cluster.leftovers import processes_below

MANIFEST = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: "kube-actors/web:1"}]
"""

CONFIG_MAP = """
apiVersion: v1
kind: ConfigMap
metadata: {name: kept}
data: {key: value}
"""


def kube_actors(*arguments: str, cwd: Path, timeout_s: float = 120) -> Any:
    """Run one command to its end."""
    return subprocess.run(
        [sys.executable, "-c", "from kube_actors.cli import main; main()", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
        env=_environment(cwd),
    )


def _environment(cwd: Path) -> dict[str, str]:
    environment = {k: v for k, v in os.environ.items() if k != "KUBECONFIG"}
    root = str(Path(__file__).parent.parent.parent)
    return {**environment, "TMPDIR": str(cwd), "PYTHONPATH": root, "PYTHONWARNINGS": "error"}


class Up:
    """A running ``up`` below a directory of its own."""

    def __init__(self, cwd: Path, *arguments: str) -> None:
        self.cwd = cwd
        self.log = ""
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-u", "-c", "from kube_actors.cli import main; main()"),
                *("up", "--listen", "127.0.0.1:0", "--quick", *arguments),
            ],
            cwd=cwd,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=_environment(cwd),
        )

    def until(self, text: str, timeout_s: float = 120) -> str:
        """Read its output until ``text`` has come."""
        assert self.process.stdout is not None
        descriptor = self.process.stdout.fileno()
        while text not in self.log:
            ready, _, _ = select.select([descriptor], [], [], timeout_s)
            chunk = os.read(descriptor, 65536) if ready else b""
            assert chunk, f"{text!r} never came:\n{self.log}"
            self.log += chunk.decode()
        return self.log

    def ready(self) -> "Up":
        self.until("then: kubectl")
        return self

    def end(self, number: int = signal.SIGINT) -> int:
        self.process.send_signal(number)
        assert self.process.stdout is not None
        self.log += self.process.stdout.read().decode()
        return self.process.wait(120)

    def ask(self, *arguments: str) -> Any:
        kubeconfig = next(p for p in self.cwd.rglob("kubeconfig") if p.is_file())
        return kube_actors(*arguments, "--kubeconfig", str(kubeconfig), cwd=self.cwd)

    def status(self) -> Any:
        return orjson.loads(self.ask("status", "-o", "json").stdout)


@pytest.fixture
def ups(tmp_path: Path) -> Iterator[Any]:
    started: list[Up] = []

    def start(*arguments: str) -> Up:
        started.append(Up(tmp_path, *arguments))
        return started[-1]

    yield start
    for up in started:
        if up.process.poll() is None:
            up.process.kill()
        assert up.process.stdout is not None
        up.process.stdout.close()
        up.process.wait()


def manifest(directory: Path, text: str) -> str:
    path = directory / f"manifest-{len(text)}.yaml"
    path.write_text(text)
    return str(path)


def gone(processes: list[psutil.Process], timeout_s: float = 60) -> bool:
    _, alive = psutil.wait_procs(processes, timeout=timeout_s)
    return not [p for p in alive if p.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.parametrize(
    ("backend", "number"), [("asyncio", signal.SIGINT), ("trio", signal.SIGTERM)]
)
def test_a_signal_ends_it_with_0_and_nothing_is_left(
    ups: Any, tmp_path: Path, backend: str, number: int
) -> None:
    up = ups("--backend", backend, "-f", manifest(tmp_path, MANIFEST)).ready()
    up.until("applied deployment/web")
    children = psutil.Process(up.process.pid).children(recursive=True)
    assert up.end(number) == 0, up.log
    assert up.log.rstrip().endswith("stopped")
    assert "Traceback" not in up.log
    assert gone(children)
    assert processes_below(tmp_path) == ()
    kubeconfig = tmp_path / ".kube-actors" / "kubeconfig"
    assert kubeconfig.stat().st_mode & 0o077 == 0
    assert f"export KUBECONFIG={kubeconfig}" in up.log
    left = [p.name for p in tmp_path.iterdir() if not p.name.startswith("manifest-")]
    assert left == [".kube-actors"]


def test_a_signal_before_it_is_ready_ends_it_too(ups: Any, tmp_path: Path) -> None:
    up = ups()
    assert up.end(signal.SIGTERM) in (0, -signal.SIGTERM)
    assert processes_below(tmp_path) == ()


def test_killed_it_leaves_no_process_and_a_second_one_finds_everything(
    ups: Any, tmp_path: Path
) -> None:
    data = str(tmp_path / "data")
    files = [manifest(tmp_path, text) for text in (MANIFEST, CONFIG_MAP)]
    first = ups("--data-dir", data, "-f", files[0], "-f", files[1]).ready()
    first.until("applied configmap/kept")
    wait_for_pods(first, 2)
    children = psutil.Process(first.process.pid).children(recursive=True)
    assert children
    before = first.status()["store"]["members"]["1"]["revision"]
    first.end(signal.SIGKILL)
    assert gone(children)
    second = ups("--data-dir", data).ready()
    status = second.status()
    assert status["store"]["members"]["1"]["revision"] >= before
    assert kubectl(second, "get", "configmap", "kept", "-o", "jsonpath={.data.key}") == "value"
    wait_for_pods(second, 2)
    assert second.end() == 0, second.log
    assert processes_below(tmp_path) == ()


def kubectl(up: Up, *arguments: str) -> str:
    kubeconfig = next(p for p in up.cwd.rglob("kubeconfig") if p.is_file())
    done = subprocess.run(
        [str(Path(sys.executable).parent / "kubectl"), "--kubeconfig", str(kubeconfig), *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return str(done.stdout)


def wait_for_pods(up: Up, count: int) -> None:
    kubectl(up, "rollout", "status", "deployment/web", "--timeout=90s")
    pods = kubectl(up, "get", "pods", "-l", "app=web", "-o", "name").split()
    assert len(pods) >= count


def test_a_taken_port_is_one_line_and_exit_code_1(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = kube_actors("up", "--listen", address, "--nodes", "0", cwd=tmp_path)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert "--listen" in line


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--masters", "2"], "use 1, 3 or 5"),
        (["--masters", "0"], "1, 3 or 5"),
        (["--nodes", "-1"], "0 or more nodes"),
        (["--listen", "nowhere"], "HOST:PORT"),
        (["--listen", "127.0.0.1:none"], "HOST:PORT"),
        (["--listen", "127.0.0.1:99999"], "HOST:PORT"),
        (["-f", "missing.yaml"], "missing.yaml"),
    ],
)
def test_what_was_asked_wrongly_is_said_and_exits_with_2(
    tmp_path: Path, arguments: list[str], says: str
) -> None:
    done = kube_actors("up", "--listen", "127.0.0.1:0", *arguments, cwd=tmp_path)
    assert (done.returncode, says in done.stderr) == (2, True), done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("manifest", "says"),
    [
        ("{apiVersion: foo/v1, kind: Bar, metadata: {name: x}}", "resource type 'Bar.foo/v1'"),
        ("{apiVersion: v1, kind: Pod, metadata: {name: [}", "error converting YAML"),
        ("# nothing", "no objects"),
    ],
)
def test_a_manifest_that_cannot_be_applied_is_named_and_exits_with_1(
    tmp_path: Path, manifest: str, says: str
) -> None:
    (tmp_path / "m.yaml").write_text(manifest)
    options = ("--masters", "1", "--nodes", "0", "--listen", "127.0.0.1:0", "-f", "m.yaml")
    done = kube_actors("up", *options, cwd=tmp_path)
    (line,) = done.stderr.splitlines()
    assert (done.returncode, line.startswith("error: m.yaml: "), says in line) == (1, True, True)


def test_an_unusable_data_directory_is_one_line_and_exit_code_1(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    data = tmp_path / "file" / "data"
    done = kube_actors(
        "up", "--listen", "127.0.0.1:0", "--nodes", "0", "--data-dir", str(data), cwd=tmp_path
    )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert "--data-dir" in line


def test_a_damaged_store_is_refused_at_once_naming_file_and_offset(
    ups: Any, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    arguments = ("--masters", "1", "--nodes", "0", "--data-dir", str(data))
    assert ups(*arguments).ready().end() == 0
    logs = [
        path
        for path in (data / "store").rglob("*")
        if path.is_file() and path.stat().st_size > 4096
    ]
    assert logs
    content = bytearray(logs[0].read_bytes())
    content[600:640] = bytes(byte ^ 0xFF for byte in content[600:640])
    logs[0].write_bytes(content)
    done = kube_actors("up", "--listen", "127.0.0.1:0", *arguments, cwd=tmp_path)
    assert done.returncode == 1
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert logs[0].name in line
    assert "offset" in line


def test_damaged_keys_are_refused_in_one_line(ups: Any, tmp_path: Path) -> None:
    data = tmp_path / "data"
    arguments = ("--masters", "1", "--nodes", "0", "--data-dir", str(data))
    assert ups(*arguments).ready().end() == 0
    (data / "pki" / "ca.crt").write_text("not a certificate")
    done = kube_actors("up", "--listen", "127.0.0.1:0", *arguments, cwd=tmp_path)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert str(data / "pki") in line


def test_one_damaged_member_of_three_stays_down_and_is_named(ups: Any, tmp_path: Path) -> None:
    data = tmp_path / "data"
    arguments = ("--nodes", "0", "--data-dir", str(data))
    assert ups(*arguments).ready().end() == 0
    (log,) = (data / "store" / "2").glob("*.seg")
    content = bytearray(log.read_bytes())
    content[600:640] = bytes(byte ^ 0xFF for byte in content[600:640])
    log.write_bytes(content)
    up = ups(*arguments).ready()
    text = up.ask("status").stdout
    assert "DEGRADED: store/" in text
    assert "2 of 3 store members answer (store/2 silent); no more may fail" in text
    assert f"DEGRADED: store/2: {log}: offset" in text
    assert up.status()["store"]["members"]["2"] == {"answers": False}


def test_two_at_once_on_one_directory_are_refused(ups: Any, tmp_path: Path) -> None:
    arguments = ("--masters", "1", "--nodes", "0", "--data-dir", str(tmp_path / "data"))
    ups(*arguments).ready()
    done = kube_actors("up", "--listen", "127.0.0.1:0", *arguments, cwd=tmp_path)
    assert done.returncode in (1, 2)
    assert "another running cluster" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_status_and_chaos_work_through_faults(ups: Any, tmp_path: Path) -> None:
    up = ups("--nodes", "1").ready()
    text = up.ask("status")
    assert text.returncode == 0
    assert "healthy: store/" in text.stdout
    assert "node-1" in text.stdout
    leader = up.status()["store"]["leader"]
    killed = up.ask("chaos", "kill", "leader")
    assert (killed.returncode, killed.stdout) == (0, f"kill store/{leader}\n")
    others = [n for n in (1, 2, 3) if n != leader]
    assert up.ask("chaos", "partition", f"master/{others[0]}").returncode == 0
    for _ in range(100):
        silent = up.ask("status")
        if silent.returncode == 3:
            break
    assert silent.returncode == 3
    assert "READ-ONLY: " in silent.stdout
    assert up.ask("chaos", "heal").returncode == 0
    for _ in range(100):
        healed = up.ask("status")
        if healed.returncode == 0:
            break
    assert healed.returncode == 0
    wrong = up.ask("chaos", "kill", "nobody")
    assert wrong.returncode == 2
    assert "nobody" in wrong.stderr
    assert up.ask("chaos", "kill").returncode == 2
    assert up.end() == 0, up.log
    after = up.ask("status")
    assert after.returncode == 3
    assert len(after.stderr.splitlines()) == 1


def test_without_a_cluster_status_says_what_to_do(tmp_path: Path) -> None:
    done = kube_actors("status", cwd=tmp_path)
    assert done.returncode == 3
    assert done.stderr == (
        "error: no kubeconfig at .kube-actors/kubeconfig: start `kube-actors up` first, "
        "or give --kubeconfig\n"
    )
