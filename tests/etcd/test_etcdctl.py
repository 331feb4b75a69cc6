"""A real etcdctl against a running ``kube-actors up --etcd-listen``, over TLS."""

import json
import re
import subprocess
import time
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from tests.cluster.test_up import Up, kube_actors
from tests.etcd.real_etcd import BIN, PATIENT, etcdctl

pytestmark = pytest.mark.real_time


@frozen
class Ctl:
    """``ctl(…)`` runs one command at every endpoint and insists on success."""

    endpoints: tuple[str, ...]
    certificates: tuple[str, ...]

    def __call__(
        self,
        *arguments: str,
        stdin: str | None = None,
        member: int = 0,
        cwd: Path | None = None,
    ) -> str:
        done = self.run(*arguments, stdin=stdin, member=member, cwd=cwd)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def run(
        self,
        *arguments: str,
        stdin: str | None = None,
        member: int = 0,
        cwd: Path | None = None,
    ) -> subprocess.CompletedProcess[str]:
        chosen = [self.endpoints[member - 1]] if member else self.endpoints
        return etcdctl(",".join(chosen), *self.certificates, *arguments, stdin=stdin, cwd=cwd)

    def refused(self, *arguments: str, stdin: str | None = None, member: int = 0) -> str:
        """Insist on failure; return the text after ``Error:``."""
        done = self.run(*arguments, stdin=stdin, member=member)
        assert done.returncode != 0, done.stdout
        return done.stderr.strip().splitlines()[-1].removeprefix("Error: ")

    def json(self, *arguments: str, member: int = 0) -> Any:
        return json.loads(self(*arguments, "-w", "json", member=member))

    def leader(self) -> int:
        return int(self.json("endpoint", "status", member=1)[0]["Status"]["leader"])

    def follow(self, *arguments: str) -> "subprocess.Popen[str]":
        """Start a command that does not end by itself."""
        return subprocess.Popen(
            [
                str(BIN / "etcdctl"),
                f"--endpoints={self.endpoints[0]}",
                *PATIENT,
                *self.certificates,
                *arguments,
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )


@contextmanager
def serving(directory: Path, *arguments: str) -> Iterator[Ctl]:
    """Run ``up`` with its store served as etcd while the block lasts."""
    up = Up(directory, "--nodes", "0", "--etcd-listen", "https://127.0.0.1:0", *arguments)
    try:
        up.ready()
        words = re.findall(r"--(\w+)=(\S+)", up.log)
        assert [name for name, _ in words] == ["endpoints", "cacert", "cert", "key"]
        endpoints = tuple(words[0][1].split(","))
        yield Ctl(endpoints, tuple(f"--{name}={value}" for name, value in words[1:]))
        assert up.end() == 0, up.log
    finally:
        up.process.kill()
        up.process.wait()
        assert up.process.stdout is not None
        up.process.stdout.close()


@pytest.fixture(scope="module")
def ctl(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ctl]:
    with serving(tmp_path_factory.mktemp("up")) as running:
        yield running


@pytest.fixture
def run() -> Iterator[Callable[..., Any]]:
    """End what was started, whatever became of the test."""
    started: list[subprocess.Popen[str]] = []

    def start(process: "subprocess.Popen[str]") -> "subprocess.Popen[str]":
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def lines(process: "subprocess.Popen[str]", count: int) -> list[str]:
    assert process.stdout is not None
    return [process.stdout.readline().rstrip("\n") for _ in range(count)]


def test_put_and_get(ctl: Ctl) -> None:
    for number, value in enumerate(("c", "a", "b"), 1):
        assert ctl("put", f"kv/{number}", value) == "OK\n"
    assert ctl("get", "kv/2") == "kv/2\na\n"
    assert ctl("get", "kv/", "--prefix", "--keys-only").split() == ["kv/1", "kv/2", "kv/3"]
    assert ctl("get", "kv/1", "kv/3", "--print-value-only").split() == ["c", "a"]
    by_value = ("--prefix", "--sort-by=VALUE", "--order=DESCEND", "--print-value-only")
    assert ctl("get", "kv/", *by_value).split() == ["c", "b", "a"]
    assert ctl("get", "kv/", "--prefix", "--limit=1", "--print-value-only").split() == ["c"]
    assert ctl("get", "kv/2", "--from-key", "--limit=2", "--keys-only").split() == [
        "kv/2",
        "kv/3",
    ]
    counted = ctl("get", "kv/", "--prefix", "--count-only", "--write-out=fields")
    assert '"Count" : 3' in counted
    assert ctl("put", "kv/1", "d", "--prev-kv") == "OK\nkv/1\nc\n"
    found = ctl.json("get", "kv/1")
    kv = found["kvs"][0]
    assert (b64decode(kv["value"]), kv["version"]) == (b"d", 2)
    old = kv["mod_revision"] - 1
    assert ctl("get", "kv/1", f"--rev={old}", "--print-value-only") == "c\n"
    assert ctl("get", "kv/1", "--consistency=s", "--print-value-only") == "d\n"
    assert "future revision" in ctl.refused("get", "kv/1", "--rev=100000000")


def test_keep_the_value_or_the_lease(ctl: Ctl) -> None:
    ctl("put", "keep", "it")
    assert ctl("put", "keep", "--ignore-value") == "OK\n"
    assert ctl("get", "keep") == "keep\nit\n"
    assert ctl.refused("put", "no such", "--ignore-value") == "etcdserver: key not found"
    assert ctl.refused("put", "keep", "x", "--lease=7") == "etcdserver: requested lease not found"


def test_del(ctl: Ctl) -> None:
    for name in ("del/1", "del/2", "del/3"):
        ctl("put", name, "v")
    assert ctl("del", "del/1", "--prev-kv") == "1\ndel/1\nv\n"
    assert ctl("del", "del/", "--prefix") == "2\n"
    assert ctl("del", "del/1") == "0\n"


def test_txn(ctl: Ctl) -> None:
    ctl("put", "txn/a", "1")
    asked = 'value("txn/a") = "1"\n\nput txn/b yes\nget txn/a\n\nput txn/b no\n\n'
    assert ctl("txn", stdin=asked).split() == ["SUCCESS", "OK", "txn/a", "1"]
    asked = 'mod("txn/a") > "100000000"\n\nput txn/b never\n\nget txn/b\ndel txn/b\n\n'
    assert ctl("txn", stdin=asked).split() == ["FAILURE", "txn/b", "yes", "1"]
    twice = "\nput txn/a 1\nput txn/a 2\n\n\n"
    assert ctl.refused("txn", stdin=twice) == "etcdserver: duplicate key given in txn request"


def test_watch(ctl: Ctl, run: Callable[..., Any]) -> None:
    ctl("put", "watch/a", "1")
    first = ctl.json("get", "watch/a")["kvs"][0]["mod_revision"]
    ctl("put", "watch/b", "2")
    ctl("del", "watch/a")
    watching = run(ctl.follow("watch", "watch/", "--prefix", f"--rev={first}", "--prev-kv"))
    assert (
        lines(watching, 10)
        == [
            *("PUT", "watch/a", "1"),
            *("PUT", "watch/b", "2"),
            *("DELETE", "watch/a", "1", "watch/a", ""),
        ][:10]
    )
    ctl("put", "watch/c", "new")
    assert [each for each in lines(watching, 4) if each][-3:] == ["PUT", "watch/c", "new"]


def test_watches_share_a_stream_and_ask_for_progress(ctl: Ctl, run: Callable[..., Any]) -> None:
    watching = run(ctl.follow("watch", "-i"))
    assert watching.stdin is not None
    watching.stdin.write("watch many/1\nwatch many/2\nprogress\n")
    watching.stdin.flush()
    assert lines(watching, 2)[0].startswith("progress notify:")
    for name in ("many/1", "many/2"):
        ctl("put", name, "x")
        assert name in [each for each in lines(watching, 3) if each]


def test_a_watch_from_before_the_compaction_is_told(ctl: Ctl) -> None:
    ctl("put", "old", "1")
    ctl("put", "old", "2")
    newest = ctl.json("get", "old")["kvs"][0]["mod_revision"]
    assert ctl("compaction", str(newest)).strip() == f"compacted revision {newest}"
    assert "required revision has been compacted" in ctl.refused("compaction", str(newest))
    assert "has been compacted" in ctl.refused("get", "old", f"--rev={newest - 1}")
    done = ctl.run("watch", "old", f"--rev={newest - 1}", member=1)
    assert "required revision has been compacted" in done.stderr


def test_leases(ctl: Ctl) -> None:
    granted = ctl("lease", "grant", "100")
    lease = re.findall(r"lease (\w+) granted with TTL\(100s\)", granted)[0]
    ctl("put", "leased", "v", f"--lease={lease}")
    kept = ctl("lease", "keep-alive", "--once", lease)
    assert f"lease {lease} keepalived with TTL(100)" in kept
    left = ctl("lease", "timetolive", "--keys", lease)
    remaining = re.search(r"granted with TTL\(100s\), remaining\((\d+)s\)", left)
    assert remaining is not None, left
    assert 30 < int(remaining[1]) <= 100
    assert "leased" in left
    assert lease in ctl("lease", "list")
    assert ctl("lease", "revoke", lease) == f"lease {lease} revoked\n"
    assert ctl("get", "leased") == ""
    assert ctl.refused("lease", "revoke", lease).endswith("requested lease not found)")
    assert f"lease {lease} already expired" in ctl("lease", "timetolive", lease)
    gone = ctl.refused("lease", "keep-alive", "--once", lease)
    assert gone == "etcdserver: requested lease not found"


def test_a_lease_that_is_over_takes_its_keys_with_it(ctl: Ctl, run: Callable[..., Any]) -> None:
    # Long enough for a slow machine to put something under it.
    granted = ctl.json("lease", "grant", "10")
    ctl("put", "short", "v", f"--lease={granted['ID']:x}")
    first = granted["revision"]
    watching = run(ctl.follow("watch", "short", f"--rev={first}"))
    assert lines(watching, 5)[:4] == ["PUT", "short", "v", "DELETE"]


def test_every_member_says_how_it_is(ctl: Ctl) -> None:
    status = ctl.json("endpoint", "status")
    assert [one["Status"]["header"]["member_id"] for one in status] == [1, 2, 3]
    assert len({one["Status"]["leader"] for one in status}) == 1
    assert all(one["Status"]["version"].startswith("3.5") for one in status)
    assert all(one["Status"]["dbSize"] > 0 for one in status)
    # The tables are made by etcdctl; that it can is what is seen here.
    assert ctl("endpoint", "status", "-w", "table").count("https://") == 3
    assert all(one["health"] for one in ctl.json("endpoint", "health"))
    hashes = ctl.json("endpoint", "hashkv", f"--rev={status[0]['Status']['header']['revision']}")
    assert len({one["HashKV"]["hash"] for one in hashes}) == 1


def test_members_are_listed_with_where_they_serve(ctl: Ctl) -> None:
    members = ctl.json("member", "list")["members"]
    assert [one["name"] for one in members] == ["master-1", "master-2", "master-3"]
    assert tuple(url for one in members for url in one["clientURLs"]) == ctl.endpoints
    assert all(one["health"] for one in ctl.json("endpoint", "health", "--cluster"))


def test_a_learner_is_added_named_refused_and_removed(ctl: Ctl) -> None:
    added = ctl.json("member", "add", "m4", "--learner", "--peer-urls=http://127.0.0.1:9")
    number = f"{added['member']['ID']:x}"
    assert added["member"]["isLearner"]
    assert len(added["members"]) == 4
    assert ctl.refused("member", "promote", number) == (
        "etcdserver: can only promote a learner member which is in sync with leader"
    )
    ctl("member", "update", number, "--peer-urls=http://127.0.0.1:10")
    listed = ctl.json("member", "list")["members"]
    assert [one.get("peerURLs") for one in listed][3] == ["http://127.0.0.1:10"]
    assert "removed from cluster" in ctl("member", "remove", number)
    assert len(ctl.json("member", "list")["members"]) == 3
    assert ctl.refused("member", "remove", "ffff") == "etcdserver: member not found"


def test_alarms(ctl: Ctl) -> None:
    assert ctl("alarm", "list") == ""
    assert ctl("alarm", "disarm") == ""


def test_defrag(ctl: Ctl) -> None:
    assert ctl("defrag").count("Finished defragmenting") == 3


def test_the_leader_moves(ctl: Ctl) -> None:
    leader = ctl.leader()
    target = leader % 3 + 1
    follower = next(number for number in (1, 2, 3) if number != leader)
    assert "no leader endpoint given" in ctl.refused("move-leader", f"{target:x}", member=follower)
    moved = ctl("move-leader", f"{target:x}")
    assert f"to {target:x}" in moved
    until_s = time.monotonic() + 60
    while ctl.leader() != target and time.monotonic() < until_s:
        # The member that is asked may not have heard from the new one yet.
        continue
    assert ctl.leader() == target


def test_a_snapshot_is_saved_and_a_new_cluster_begins_with_it(ctl: Ctl, tmp_path: Path) -> None:
    ctl("put", "kept", "in the snapshot")
    ctl("snapshot", "save", "saved", member=1, cwd=tmp_path)
    restored = kube_actors(
        "store", "snapshot", "restore", "saved", "--data-dir", "again", cwd=tmp_path
    )
    assert restored.returncode == 0, restored.stderr
    with serving(tmp_path, "--data-dir", str(tmp_path / "again")) as again:
        assert again("get", "kept") == "kept\nin the snapshot\n"
        assert len(again.json("member", "list")["members"]) == 3


def test_a_lock_is_held_and_a_leader_elected(ctl: Ctl, run: Callable[..., Any]) -> None:
    assert ctl("lock", "mutex", "echo", "mine").strip() == "mine"
    electing = run(ctl.follow("elect", "election", "candidate-1"))
    assert lines(electing, 2)[1] == "candidate-1"


def test_authentication_is_off_and_says_so(ctl: Ctl) -> None:
    assert "Authentication Status: false" in ctl("auth", "status")
    assert "no users and roles" in ctl.refused("user", "add", "root:root")


def test_a_client_without_a_certificate_is_not_served(ctl: Ctl) -> None:
    trusted = tuple(each for each in ctl.certificates if "cacert" in each)
    stranger = Ctl(ctl.endpoints, (*trusted, "--dial-timeout=1s", "--command-timeout=1s"))
    assert "deadline exceeded" in stranger.refused("get", "kv/1", member=1)


def test_a_watch_goes_on_when_its_member_is_killed(
    ctl: Ctl, run: Callable[..., Any], tmp_path: Path
) -> None:
    directory = Path(ctl.certificates[0].removeprefix("--cacert=")).parent.parent
    kubeconfig = ("--kubeconfig", str(directory / "kubeconfig"))
    first = ctl.json("put", "alive", "before", member=1)["header"]["revision"]
    watching = run(ctl.follow("watch", "alive", f"--rev={first}"))
    assert lines(watching, 3) == ["PUT", "alive", "before"]
    killed = kube_actors("chaos", "kill", "store/1", *kubeconfig, cwd=tmp_path)
    assert killed.returncode == 0, killed.stderr
    try:
        ctl("put", "alive", "meanwhile", member=2)
        assert lines(watching, 3) == ["PUT", "alive", "meanwhile"]
        # The endpoint of the dead member is served by the others.
        assert ctl("get", "alive", member=1) == "alive\nmeanwhile\n"
    finally:
        kube_actors("chaos", "revive", "store/1", *kubeconfig, cwd=tmp_path)
