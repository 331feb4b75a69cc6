"""A master process joins a running cluster, votes, and takes the place of one that is removed."""

import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.processes.masters import (
    CONFIGMAPS,
    PATIENCE_S,
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


class Growing(Masters):
    """Masters that others join; a number, and where it listens, belong to a name for good."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, also=("m4", "m5"))
        ports = free_ports(4)
        self._late = {"m4": (4, ports[0], ports[1]), "m5": (5, ports[2], ports[3])}

    def joining(self, name: str, *options: str) -> Process:
        late = [f"--join={one}@{at[0]}=127.0.0.1:{at[1]}" for one, at in self._late.items()]
        self.processes[name] = Process(
            [
                "master",
                f"--name={name}",
                *self.join,
                *late,
                f"--pki={self.pki.path}",
                f"--data-dir={self.directory / name}",
                f"--listen=127.0.0.1:{self._late[name][2]}",
                "--quick",
                *options,
            ]
        )
        return self.processes[name]


def wait_members(api: Api, wanted: list[tuple[int, str, bool]]) -> None:
    """Wait until the group consists of these: number, name, learner."""
    found: Any = None
    until_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < until_s:
        answer = api.ask("POST", "/debug/kube-actors/store/members", {}).body
        found = [(one["id"], one["name"], one["learner"]) for one in answer.get("members", ())]
        if found == wanted:
            return
    raise AssertionError(found)


def test_a_master_joins_and_takes_the_place_of_one_that_is_removed(tmp_path: Path) -> None:
    with Growing(tmp_path) as masters:
        leader = masters.leader()
        victim = next(name for name in masters.names if name != leader)
        api = masters.api(leader)
        assert api.insist("POST", CONFIGMAPS, configmap("before", value="x")).status == 201

        added = store(masters, leader, "add", "m4")
        assert "m4 is member 4" in added.stdout, added.stderr
        again = store(masters, leader, "add", "m4")
        assert again.returncode != 0
        assert "is called 'm4' already" in again.stderr
        joined = masters.joining("m4", "--learner")
        joined.wait_line("m4 (master/4 of ")
        everybody = [(1, "m1", False), (2, "m2", False), (3, "m3", False)]
        wait_members(api, [*everybody, (4, "m4", True)])
        own = masters.api("m4")
        assert own.read(f"{CONFIGMAPS}/before").status == 200
        until_s = time.monotonic() + PATIENCE_S
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

        # The next one is to vote as soon as it can.
        assert "m5 is member 5" in store(masters, "m4", "add", "m5").stdout
        masters.joining("m5").wait_line("export KUBECONFIG")
        wait_members(own, [*rest, (4, "m4", False), (5, "m5", False)])

        # Now they count: without another founder there is a majority only with both.
        other = next(name for name in masters.names if name not in (leader, victim))
        masters.processes[other].kill()
        assert own.insist("POST", CONFIGMAPS, configmap("after", value="x")).status == 201
        joined.kill()
        masters.start(other)
        masters.processes[other].wait_line("export KUBECONFIG")
        masters.joining("m4").wait_line("export KUBECONFIG")
        again = masters.start(victim)
        again.wait_line("was removed from the cluster")
        assert again.wait() == 0
        own.close()
        own = masters.api("m4")
        assert own.read(f"{CONFIGMAPS}/after").status == 200
        status = own.ask("GET", "/debug/kube-actors/status").body
        assert len(status["masters"]) == 4
        assert "master/4" in status["masters"]
        own.close()
        api.close()
