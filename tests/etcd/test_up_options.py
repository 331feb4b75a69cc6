"""``kube-actors up --etcd-listen`` and ``--store``: what is refused, and that they go together."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from kube_actors.cli.command import main
from tests.cluster.test_up import Up, kube_actors
from tests.etcd.real_etcd import RealEtcd, etcdctl

WITHOUT = """
import sys
sys.modules["h2"] = None
from kube_actors.cli import main
main()
"""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--etcd-listen", "here"), "--etcd-listen takes HOST:PORT or https://HOST:PORT"),
        (("--etcd-listen", "ftp://127.0.0.1:1"), "--etcd-listen takes HOST:PORT"),
        (("--etcd-listen", "127.0.0.1:66000"), "--etcd-listen takes HOST:PORT"),
        (("--etcd-listen", "127.0.0.1:65534", "--nodes", "0"), "there is none after 65535"),
        (("--etcd-listen", "0.0.0.0:2379"), "is for this machine only: use https://0.0.0.0:2379"),
        (("--store", "http://127.0.0.1:1"), "--store takes etcd=http://HOST:PORT"),
        (("--store", "etcd=127.0.0.1:1"), "an etcd is http://HOST:PORT or https://HOST:PORT"),
        (("--store", "etcd=http://h:1/path"), "an etcd is http://HOST:PORT"),
        (
            ("--store", "etcd=http://127.0.0.1:1", "--store-cert", __file__),
            "a client certificate and its key go together",
        ),
        (
            ("--store", "etcd=http://127.0.0.1:1", "--store-cacert", __file__),
            "certificates are for https",
        ),
        (
            ("--store", "etcd=https://127.0.0.1:1", "--store-cacert", __file__),
            f"cannot use {__file__}",
        ),
        (
            ("--etcd-listen", "127.0.0.1:0", "--store", "etcd=http://127.0.0.1:1"),
            "--etcd-listen serves our own store",
        ),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(arguments: tuple[str, ...], said: str) -> None:
    done = CliRunner().invoke(main, ["up", "--listen", "127.0.0.1:0", *arguments])
    assert done.exit_code == 2 or done.exit_code == 1
    assert said in done.output
    assert done.output.count("\n") == 1
    assert done.output.startswith("error: ")


def test_without_the_extra_it_says_how_to_get_it(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, "up", "--store", "etcd=http://127.0.0.1:1"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(Path(__file__).parent.parent.parent)},
    )
    assert done.returncode == 1
    assert done.stderr == "error: etcd's API needs h2: pip install 'kube-actors[etcd]'\n"


@pytest.mark.real_time
def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = kube_actors(
            *("up", "--masters", "1", "--nodes", "0", "--listen", "127.0.0.1:0"),
            *("--etcd-listen", f"127.0.0.1:{port}"),
            cwd=tmp_path,
        )
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: cannot serve etcd at 127.0.0.1:{port}: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.real_time
def test_up_keeps_everything_in_an_etcd(etcd: RealEtcd, tmp_path: Path) -> None:
    assert etcdctl(etcd.url, "del", "", "--from-key").returncode == 0
    up = Up(tmp_path, "--nodes", "1", "--runtime", "simulated", "--store", f"etcd={etcd.url}")
    try:
        assert f"the store is etcd at {etcd.url}" in up.ready().log
        kept = etcdctl(etcd.url, "get", "/registry/", "--prefix", "--keys-only").stdout
        assert "/registry/core/nodes/-/node-1" in kept.split()
        assert up.end() == 0, up.log
    finally:
        up.process.kill()
        up.process.wait()
        assert up.process.stdout is not None
        up.process.stdout.close()
