"""A master process joins a running cluster, votes, and takes the place of one that is removed."""

import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.processes.masters import (
    CONFIGMAPS,
    PROGRAM,
    Api,
    Masters,
    Process,
    configmap,
    free_ports,
)

pytestmark = pytest.mark.real_time


def store(masters: Masters, name: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "KUBECONFIG": str(masters.kubeconfig(name))}
    return subprocess.run(
        [PROGRAM, "store", *arguments], capture_output=True, text=True, env=environment, check=False
    )


def join_as(masters: Masters, name: str, number: int, *options: str) -> Process:
    mesh, api = free_ports(2)
    process = Process(
        [
            "master",
            f"--name={name}",
            *masters.join,
            f"--join={name}@{number}=127.0.0.1:{mesh}",
            f"--pki={masters.pki.path}",
            f"--data-dir={masters.directory / name}",
            f"--listen=127.0.0.1:{api}",
            "--quick",
            *options,
        ]
    )
    masters.processes[name] = process
    return process


def wait_members(api: Api, wanted: list[tuple[int, str, bool]]) -> None:
    """Wait until the group consists of these: number, name, learner."""
    found: Any = None
    until_s = time.monotonic() + 30.0
    while time.monotonic() < until_s:
        answer = api.ask("POST", "/debug/kube-actors/store/members", {}).body
        found = [(one["id"], one["name"], one["learner"]) for one in answer.get("members", ())]
        if found == wanted:
            return
        time.sleep(0.05)
    raise AssertionError(found)


def test_a_master_joins_and_takes_the_place_of_one_that_is_removed(tmp_path: Path) -> None:
    with Masters(tmp_path, also=("m4",)) as masters:
        leader = masters.leader()
        victim = next(name for name in masters.names if name != leader)
        api = masters.api(leader)
        assert api.ask("POST", CONFIGMAPS, configmap("before", value="x")).status == 201

        added = store(masters, leader, "add", "m4")
        assert "m4 is member 4" in added.stdout, added.stderr
        again = store(masters, leader, "add", "m4")
        assert again.returncode != 0
        assert "is called 'm4' already" in again.stderr
        joined = join_as(masters, "m4", 4, "--learner")
        joined.wait_line("m4 (master/4 of 4) is ready")
        everybody = [(1, "m1", False), (2, "m2", False), (3, "m3", False)]
        wait_members(api, [*everybody, (4, "m4", True)])
        own = masters.api("m4")
        assert own.ask("GET", f"{CONFIGMAPS}/before").status == 200
        until_s = time.monotonic() + 30.0
        promoted = store(masters, leader, "promote", "4")
        while promoted.returncode and time.monotonic() < until_s:
            # It is refused until the learner has everything and has said that it keeps a log.
            promoted = store(masters, leader, "promote", "4")
        assert promoted.stdout == "member 4 votes\n", promoted.stderr

        number = masters.names.index(victim) + 1
        removed = store(masters, leader, "remove", str(number))
        assert removed.stdout == f"member {number} was removed, 3 are left\n", removed.stderr
        masters.processes[victim].wait_line(f"{victim} was removed from the cluster and ends")
        assert masters.processes[victim].wait() == 0
        rest = [one for one in everybody if one[1] != victim]
        wait_members(own, [*rest, (4, "m4", False)])

        # Now it counts: without another founder there is a majority only with m4.
        other = next(name for name in masters.names if name not in (leader, victim))
        masters.processes[other].kill()
        assert own.ask("POST", CONFIGMAPS, configmap("after", value="x")).status == 201
        joined.kill()
        masters.start(other)
        masters.processes[other].wait_line("export KUBECONFIG")
        join_as(masters, "m4", 4).wait_line("export KUBECONFIG")
        again = masters.start(victim)
        again.wait_line("was removed from the cluster")
        assert again.wait() == 0
        own.close()
        own = masters.api("m4")
        assert own.ask("GET", f"{CONFIGMAPS}/after").status == 200
        status = own.ask("GET", "/debug/kube-actors/status").body
        assert len(status["masters"]) == 3
        assert "master/4" in status["masters"]
        own.close()
        api.close()
