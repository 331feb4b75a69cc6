"""What a master or node cannot be started with, and that it says so in one line."""

import os
import socket
import time
from pathlib import Path

import anyio
import pytest
from click.testing import CliRunner, Result

from kube_actors.cli import main
from kube_actors.cluster import InvalidConfig
from kube_actors.cluster.directory import kept_number
from kube_actors.cluster.processes import (
    NodeOptions,
    NodeProcess,
    PkiDirectory,
    parse_endpoint,
    parse_join,
)
from kube_actors.cluster.processes import master as master_process
from kube_actors.cluster.processes.master_list import MasterList
from kube_actors.store import MemberInfo
from kube_actors.store.disk import Identity, IdentityFile
from tests.processes.masters import free_ports

THREE = ("m2=h:2", "m1=h:1", "m3=[::1]:3")


def test_the_same_masters_in_any_order_have_the_same_numbers() -> None:
    join = parse_join(THREE)
    assert join == parse_join(sorted(THREE))
    assert [join.number(name) for name in ("m1", "m2", "m3")] == [1, 2, 3]
    assert join.others("m2") == {"m1": ("h", 1), "m3": ("::1", 3)}
    with pytest.raises(InvalidConfig, match="--join m9=HOST:PORT"):
        join.number("m9")


def test_who_was_added_later_has_the_number_that_the_group_gave() -> None:
    join = parse_join(["m2=h:2", "m0@4=h:4", "m1=h:1"])
    assert join.places == {1: "m1", 2: "m2", 4: "m0"}
    assert join.founders == ("m1", "m2")
    with pytest.raises(InvalidConfig, match="m9"):
        join.number("m9")


def test_a_master_that_the_group_names_may_have_any_address_too() -> None:
    known = MasterList(parse_join(THREE), "m1")
    changes: list[tuple[int, ...]] = []
    known.changed = changes.append
    assert not known.may_hold("m4", "store/4")
    known.update(())
    assert not changes
    members = [MemberInfo(1, "m1"), MemberInfo(2), MemberInfo(5, address="store/3")]
    known.update(members)
    assert (known.places, changes) == ({1: "m1", 2: "m2", 3: "m3"}, [])
    known.update([*members[:2], MemberInfo(6, "m6")])
    assert (known.places, changes) == ({1: "m1", 2: "m2", 6: "m6"}, [(1, 2, 6)])
    assert known.may_hold("m6", "store/6")
    assert known.may_send("m6", "store/6", "store/1")
    assert not known.may_hold("n1", "store/6")
    # Who was removed must still be told so.
    known.update(members)
    assert known.may_hold("m6", "store/6")


def test_a_master_that_joins_and_is_killed_before_it_kept_its_number_votes_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    join = parse_join([*THREE, "m4@4=h:4"])

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(master_process, "keep_number", killed)
        with pytest.raises(KeyboardInterrupt):
            master_process._keep_place(tmp_path, join, "m4", promote=True)
    assert IdentityFile(tmp_path / "store").load() == Identity(4, promote=True)
    master_process._keep_place(tmp_path, join, "m4", promote=True)
    assert kept_number(tmp_path, "number") == 4


def test_a_node_may_have_only_its_own_addresses() -> None:
    join = parse_join(THREE)
    assert join.may_hold("m1", "store/2")
    assert join.may_hold("n1", "kubelet/n1")
    assert join.may_hold("n1", "client/n1/exec")
    for address in ("store/1", "kubelet/n2", "kubelet/n11", "apiserver/n1", "n1", ""):
        assert not join.may_hold("n1", address), address


def test_a_node_speaks_for_itself_and_with_apiservers_only() -> None:
    join = parse_join(THREE)
    assert join.may_send("m1", "kubelet/n1", "store/2")
    assert join.may_send("n1", "kubelet/n1", "apiserver/3")
    assert not join.may_send("n1", "kubelet/n1", "store/1")
    assert not join.may_send("n1", "kubelet/n1", "kubelet/n2")
    assert not join.may_send("n1", "controllers/1", "apiserver/1")
    assert not join.may_send("n1", "kubelet/n2", "apiserver/1")


def test_what_a_node_sends_is_known_to_be_its_own() -> None:
    join = parse_join(THREE)
    sources = ("kubelet/n1", "client/n1/exec", "proxy/n1", "controllers/1", "client/m1", "store/1")
    assert [join.node_of(source) for source in sources] == ["n1", "n1", "n1", "", "", ""]


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (("m1",), "NAME=HOST:PORT"),
        (("=h:1",), "NAME=HOST:PORT"),
        (("m1=h",), "HOST:PORT"),
        (("m1=h:x",), "HOST:PORT"),
        (("m1=h:70000",), "HOST:PORT"),
        (("m1=h:٣",), "HOST:PORT"),
        (("m1=h:0",), "must know the port"),
        (("m1=h:1", "m1=h:2"), "twice"),
        (("m1=h:1", "m2=h:1", "m3=h:3"), "same address"),
        (("m1=h:1", "m2=h:2"), "use 1, 3 or 5"),
        (("m1=h:1", "m4@x=h:4"), "the number that `kube-actors store add` gave"),
        (("m1=h:1", "m4@0=h:4"), "the number that `kube-actors store add` gave"),
        (("m1=h:1", "m4@1=h:4"), "the same number"),
    ],
)
def test_a_join_that_makes_no_sense_is_refused(given: tuple[str, ...], why: str) -> None:
    with pytest.raises(InvalidConfig, match=why):
        parse_join(given)


def test_an_endpoint_keeps_its_brackets_to_itself() -> None:
    assert parse_endpoint("[::1]:80", "--listen") == ("::1", 80)
    with pytest.raises(InvalidConfig, match="--listen: expected HOST:PORT"):
        parse_endpoint("6443", "--listen")


@pytest.fixture
def pki(tmp_path: Path) -> PkiDirectory:
    found = PkiDirectory.create(tmp_path / "pki", block=20, now_s=1.9e9, entropy=os.urandom)
    for name in ("m1", "n1"):
        found.issue(name, now_s=1.9e9, entropy=os.urandom)
    return found


def master(tmp_path: Path, *options: str) -> Result:
    given = ["--name=m1", "--join=m1=127.0.0.1:1", f"--pki={tmp_path / 'pki'}"]
    given += [f"--data-dir={tmp_path / 'data'}", "--listen=127.0.0.1:0"]
    return CliRunner().invoke(main, ["master", *given, *options])


def check_refused(result: Result, why: str) -> None:
    assert result.exit_code != 0
    assert why in result.output
    assert result.output.count("\n") == 1, result.output


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--name=m9"], "'m9' is not among the masters m1"),
        (["--join=m2=h:2"], "use 1, 3 or 5"),
        (["--etcd-listen=127.0.0.1:0"], "0 says nothing"),
        (["--etcd-listen=10.9.8.7:1"], "use https://10.9.8.7:1"),
        (["--listen=nowhere"], "--listen: expected HOST:PORT"),
        (["--listen=10.9.8.7:1"], "issue it with `kube-actors pki issue … m1 --host 10.9.8.7`"),
        (["--pki=/dev/null"], "cannot read /dev/null/"),
    ],
)
def test_a_master_says_what_is_wrong(
    tmp_path: Path, pki: PkiDirectory, options: list[str], why: str
) -> None:
    check_refused(master(tmp_path, *options), why)
    assert not (tmp_path / "data" / "store").exists()


def test_an_address_in_use_is_named(tmp_path: Path, pki: PkiDirectory) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        check_refused(master(tmp_path, f"--listen=127.0.0.1:{port}"), "--listen")


def test_data_of_another_master_is_refused(tmp_path: Path, pki: PkiDirectory) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "masters").write_text("1\n")
    (tmp_path / "data" / "number").write_text("3\n")
    check_refused(master(tmp_path), "holds the data of master 3, this is master 1")
    (tmp_path / "data" / "masters").write_text("5\n")
    check_refused(master(tmp_path), "holds a cluster of 5 masters, not 1")


def test_data_of_another_cluster_is_refused(tmp_path: Path, pki: PkiDirectory) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "cluster").write_text("7\n")
    check_refused(master(tmp_path), "holds the data of another cluster")
    assert not (tmp_path / "data" / "number").exists()


@pytest.mark.parametrize("size", ["2", "lots", "-1Gi"])
def test_a_quota_that_is_none_is_refused(tmp_path: Path, pki: PkiDirectory, size: str) -> None:
    check_refused(master(tmp_path, f"--store-quota={size}"), "--store-quota takes at least 1Mi")


@pytest.mark.anyio
@pytest.mark.real_time
async def test_a_node_waits_for_masters_and_says_for_whom(pki: PkiDirectory) -> None:
    pki.issue("n2", now_s=time.time(), entropy=os.urandom)
    join = parse_join([f"m1=127.0.0.1:{free_ports(1)[0]}"])
    node = NodeProcess(NodeOptions(name="n2", join=join, pki=pki, runtime="simulated"))
    async with node:
        with anyio.move_on_after(0.2):
            await node.ready()
        assert node.missing() == "the node is not Ready: connected to 0 of 1 masters"
        node.network.refusals["m1"] = "it claims node/n2, which n2 may not have"
        assert "m1 refuses this process: it claims node/n2" in node.missing()
        assert "kube-actors store add NAME" in node.missing()


def test_a_node_needs_a_name_of_its_own(tmp_path: Path, pki: PkiDirectory) -> None:
    given = ["node", "--name=m1", "--join=m1=127.0.0.1:1", f"--pki={pki.path}"]
    check_refused(CliRunner().invoke(main, given), "m1 is a master's name")
    given[1] = "--name=n9"
    check_refused(CliRunner().invoke(main, given), "pki issue")
