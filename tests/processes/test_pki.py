"""`kube-actors pki`: what it makes, who may read it, and that it never overwrites."""

import os
import ssl
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from kube_actors.cli import main
from kube_actors.cluster.processes import PkiDirectory, PkiRefused

NOW_S = 1_800_000_000.0


def made(path: Path) -> PkiDirectory:
    return PkiDirectory.create(path, block=20, now_s=NOW_S, entropy=os.urandom)


def kube_actors(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["pki", *arguments])


def test_every_file_is_for_its_owner_only(tmp_path: Path) -> None:
    pki = made(tmp_path / "pki")
    pki.issue("m1", now_s=NOW_S, entropy=os.urandom)
    assert stat.S_IMODE(pki.path.stat().st_mode) == 0o700
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in pki.path.iterdir()}
    assert set(modes.values()) == {0o600}
    assert {"ca.crt", "ca.key", "sa.key", "admin.crt", "admin.key", "m1.crt", "m1.key"} <= set(
        modes
    )


def test_a_process_certificate_is_good_for_both_ends(tmp_path: Path) -> None:
    pki = made(tmp_path / "pki")
    pki.issue("m1", ("10.0.0.1", "m1.example"), now_s=NOW_S, entropy=os.urandom)
    found = x509.load_pem_x509_certificate((pki.path / "m1.crt").read_bytes())
    get = found.extensions.get_extension_for_class
    assert set(get(x509.ExtendedKeyUsage).value) == {
        ExtendedKeyUsageOID.SERVER_AUTH,
        ExtendedKeyUsageOID.CLIENT_AUTH,
    }
    assert get(x509.KeyUsage).value.digital_signature
    assert get(x509.SubjectKeyIdentifier)
    assert get(x509.AuthorityKeyIdentifier)
    assert isinstance(found.public_key(), ec.EllipticCurvePublicKey)
    assert {"m1", "10.0.0.1", "m1.example", "127.0.0.1"} <= set(pki.hosts("m1"))
    tls = pki.tls("m1")
    assert tls.server.verify_mode is tls.client.verify_mode is ssl.CERT_REQUIRED


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    pki = made(tmp_path / "pki")
    pki.issue("m1", now_s=NOW_S, entropy=os.urandom)
    before = {path.name: path.read_bytes() for path in pki.path.iterdir()}
    with pytest.raises(PkiRefused, match="nothing is overwritten"):
        made(pki.path)
    with pytest.raises(PkiRefused, match="there already"):
        pki.issue("m1", now_s=NOW_S, entropy=os.urandom)
    assert {path.name: path.read_bytes() for path in pki.path.iterdir()} == before


def test_no_two_processes_share_a_number(tmp_path: Path) -> None:
    pki = made(tmp_path / "pki")
    for name in ("m1", "n1", "n2"):
        pki.issue(name, now_s=NOW_S, entropy=os.urandom)
    assert [pki.number(name) for name in ("m1", "n1", "n2")] == [1, 2, 3]
    # One that is issued anew keeps its place.
    (pki.path / "n1.crt").unlink()
    (pki.path / "n1.key").unlink()
    pki.issue("n1", now_s=NOW_S, entropy=os.urandom)
    assert pki.number("n1") == 2


def test_a_node_cannot_pose_as_the_api_server(tmp_path: Path) -> None:
    pki = made(tmp_path / "pki")
    assert kube_actors("issue", str(pki.path), "--node", "n1").exit_code == 0
    assert pki.hosts("n1") == ("n1",)
    assert pki.tls("n1")
    with pytest.raises(PkiRefused, match=r"n1\.crt is a node's .* without --node"):
        pki.keys("n1")
    assert kube_actors("issue", str(pki.path), "m1").exit_code == 0
    assert pki.keys("m1")


@pytest.mark.parametrize(
    "name", ["", "M1", "a/b", "../x", "ca", "admin", "kubernetes", "-a", "a" * 64]
)
def test_a_name_that_cannot_be_one_is_refused(tmp_path: Path, name: str) -> None:
    pki = made(tmp_path / "pki")
    with pytest.raises(PkiRefused, match="cannot name a process"):
        pki.issue(name, now_s=NOW_S, entropy=os.urandom)


def test_what_is_missing_or_damaged_is_named(tmp_path: Path) -> None:
    with pytest.raises(PkiRefused, match="pki init"):
        PkiDirectory(tmp_path).block()
    pki = made(tmp_path / "pki")
    with pytest.raises(PkiRefused, match=r"m1\.crt.*pki issue"):
        pki.tls("m1")
    pki.issue("m1", now_s=NOW_S, entropy=os.urandom)
    (pki.path / "m1.key").write_bytes(b"nonsense")
    with pytest.raises(PkiRefused, match=r"m1.crt and .*m1.key cannot be used"):
        pki.tls("m1")
    (pki.path / "sa.key").write_bytes(b"nonsense")
    with pytest.raises(PkiRefused, match="damaged"):
        pki.keys("m1")
    (pki.path / "m1.number").write_bytes(b"x")
    with pytest.raises(PkiRefused, match="does not hold a number"):
        pki.number("m1")


def test_a_key_of_another_certificate_is_refused(tmp_path: Path) -> None:
    pki = made(tmp_path / "pki")
    for name in ("m1", "m2"):
        pki.issue(name, now_s=NOW_S, entropy=os.urandom)
    (pki.path / "m1.key").write_bytes((pki.path / "m2.key").read_bytes())
    with pytest.raises(PkiRefused, match="not a pair; remove both"):
        pki.tls("m1")


def test_a_key_that_others_may_read_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pki = made(tmp_path / "pki")
    pki.issue("m1", now_s=NOW_S, entropy=os.urandom)
    pki.tls("m1")
    assert not caplog.messages
    key = pki.path / "m1.key"
    key.chmod(0o640)
    pki.tls("m1")
    assert caplog.messages == [f"{key} may be read by others: chmod 600 {key}"]


def test_a_certificate_of_another_process_is_refused(tmp_path: Path) -> None:
    pki = made(tmp_path / "pki")
    for name in ("m1", "m2"):
        pki.issue(name, now_s=NOW_S, entropy=os.urandom)
    for suffix in ("crt", "key"):
        (pki.path / f"m1.{suffix}").write_bytes((pki.path / f"m2.{suffix}").read_bytes())
    with pytest.raises(PkiRefused, match=r"m1\.crt is for m2, .*not for m1: .*pki issue"):
        pki.tls("m1")
    (pki.path / "m1.crt").write_bytes(b"nonsense")
    with pytest.raises(PkiRefused, match=r"m1\.crt is no certificate"):
        pki.tls("m1")


def test_show_lists_the_authority_first_and_when_each_ends(tmp_path: Path) -> None:
    pki = made(tmp_path / "pki")
    pki.issue("m1", now_s=NOW_S, entropy=os.urandom, valid_s=3600.0)
    found = pki.show()
    assert [each.name for each in found] == ["ca", "admin", "m1"]
    assert found[0].authority
    assert found[2].expires == datetime.fromtimestamp(NOW_S + 3600, UTC)


def test_the_commands(tmp_path: Path) -> None:
    directory = str(tmp_path / "pki")
    done = kube_actors("init", directory)
    assert done.exit_code == 0, done.output
    done = kube_actors("issue", directory, "m1", "m2", "--host", "10.0.0.1", "--days", "30")
    assert done.exit_code == 0, done.output
    shown = kube_actors("show", directory)
    assert shown.exit_code == 0
    rows = {line.split()[0]: line.split() for line in shown.output.splitlines()[1:]}
    assert set(rows) == {"ca", "admin", "m1", "m2"}
    assert rows["m1"][2] in ("29", "30")
    assert "10.0.0.1" in rows["m1"][3]
    again = kube_actors("init", directory)
    assert again.exit_code == 1
    assert again.output.count("\n") == 1
    refused = kube_actors("issue", directory, "M1")
    assert refused.exit_code == 1
    assert "cannot name a process" in refused.output


def test_an_expired_certificate_is_shown_as_such(tmp_path: Path) -> None:
    pki = PkiDirectory.create(tmp_path / "pki", block=20, now_s=1e9, entropy=os.urandom)
    pki.issue("m1", now_s=1e9, entropy=os.urandom)
    assert "EXPIRED" in kube_actors("show", str(pki.path)).output
