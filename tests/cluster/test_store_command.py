"""``kube-actors store`` against real processes and real files."""

from pathlib import Path
from typing import Any

from .test_up import CONFIG_MAP, kube_actors, manifest, ups

__all__ = ["ups"]


def damage(log: Path, offset: int) -> None:
    content = bytearray(log.read_bytes())
    content[offset : offset + 40] = bytes(byte ^ 0xFF for byte in content[offset : offset + 40])
    log.write_bytes(content)


def test_a_damaged_member_is_rebuilt_by_one_command_and_the_store_saved_and_restored(
    ups: Any, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    arguments = ("--nodes", "0", "--data-dir", str(data))
    assert ups(*arguments, "-f", manifest(tmp_path, CONFIG_MAP)).ready().end() == 0
    place = data / "store" / "2"
    (log,) = place.glob("*.seg")
    damage(log, 600)
    done = kube_actors("store", "rebuild", str(place), cwd=tmp_path)
    assert "the log of member 2 was put aside" in done.stdout, done.stderr
    assert (place / "damaged-1" / log.name).exists()

    up = ups(*arguments).ready()
    up.until("is rebuilt as member 4")
    refused = kube_actors("store", "rebuild", str(place), cwd=tmp_path)
    assert refused.returncode == 1
    assert "in use" in refused.stderr
    saved = tmp_path / "saved"
    done = up.ask("store", "snapshot", "save", str(saved))
    assert done.returncode == 0, done.stderr
    assert "leads" in up.ask("status").stdout
    members = up.ask("store", "members").stdout.partition("\n")[2].split()
    assert (members[0], members[3], members[6]) == ("1", "3", "4")
    assert members[8] == "store/2"
    assert up.ask("store", "alarms").stdout == ""
    assert up.ask("store", "defrag").stdout.count("log") == 3
    assert up.end() == 0

    shown = kube_actors("store", "snapshot", "status", str(saved), cwd=tmp_path).stdout
    assert f"bytes         {saved.stat().st_size}" in shown
    other = tmp_path / "other"
    restore = ("store", "snapshot", "restore", str(saved), "--data-dir", str(other))
    done = kube_actors(*restore, "--masters", "1", "--bump-revision", "1000", cwd=tmp_path)
    assert "for 1 masters" in done.stdout, done.stderr
    assert "not empty" in kube_actors(*restore, cwd=tmp_path).stderr
    (data / "kubeconfig").unlink()
    up = ups("--nodes", "0", "--masters", "1", "--data-dir", str(other)).ready()
    assert up.status()["store"]["members"]["1"]["revision"] > 1000
    assert up.end() == 0
    refused = kube_actors("store", "rebuild", str(other / "store" / "1"), cwd=tmp_path)
    assert "the only member of its group" in refused.stderr

    damage(saved, saved.stat().st_size // 2)
    for command in (("status", str(saved)), restore[2:]):
        refused = kube_actors("store", "snapshot", *command, cwd=tmp_path)
        assert refused.returncode == 1
        assert f"{saved}: offset" in refused.stderr
    refused = kube_actors("store", "rebuild", str(tmp_path), cwd=tmp_path)
    assert "no directory of a store member" in refused.stderr
    refused = kube_actors("store", "rebuild", str(other), cwd=tmp_path)
    assert f"{other} is a data directory: name the member's own in it" in refused.stderr
    assert not (other / "identity.json").exists()
