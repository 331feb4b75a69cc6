"""The directory that makes processes one cluster: authority, certificates and shared secrets.

``create`` makes it once; ``issue`` adds a certificate per process. A master needs ``ca.crt``, its
own ``NAME.crt`` and ``NAME.key``, ``sa.key``, ``admin.*`` and ``block``; a node only ``ca.crt``,
its pair, ``NAME.number`` and ``block``. ``ca.key`` can stay at home. Every file is for its owner
only, and none is ever overwritten.
"""

import logging
import os
import re
from datetime import datetime
from pathlib import Path

import attrs
from cryptography import x509

from kube_actors.actor import Tls, mutual_tls
from kube_actors.apiserver.who import (
    YEAR_S,
    Entropy,
    KeyPair,
    create_authority,
    create_key,
    encode_key,
    issue_client,
    issue_process,
    load_key,
)
from kube_actors.cluster.keys import ADMIN_GROUP, ADMIN_USER, ClusterKeys

logger = logging.getLogger(__name__)

API_HOSTS = (
    "127.0.0.1",
    "localhost",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
)
"""Names that every master's certificate bears, so that any of them can serve the API."""

RESERVED = ("ca", "sa", "admin", *(host for host in API_HOSTS if "." not in host))
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


class PkiRefused(OSError):
    """The directory cannot be used as asked; the message says why and what to do."""


@attrs.frozen
class Issued:
    """One certificate in the directory, for people."""

    name: str
    hosts: tuple[str, ...]
    expires: datetime
    authority: bool = False


@attrs.frozen
class PkiDirectory:
    """Reads and writes ``path``; raises PkiRefused."""

    path: Path

    @classmethod
    def create(cls, path: Path, *, block: int, now_s: float, entropy: Entropy) -> "PkiDirectory":
        """Make the authority, the shared token key and the administrator's credentials.

        ``block`` is the loopback block of the cluster's addresses (127.BLOCK.0.0/16).
        """
        directory = cls(path)
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise PkiRefused(f"{path} is not empty: nothing is overwritten, choose another place")
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.chmod(0o700)
        authority = create_authority("kube-actors-ca", now_s=now_s, entropy=entropy)
        admin = issue_client(authority, ADMIN_USER, [ADMIN_GROUP], now_s=now_s, entropy=entropy)
        directory._keep("block", f"{block}\n".encode())
        directory._keep("sa.key", encode_key(create_key(entropy)))
        directory._keep("admin.token", entropy(24).hex().encode())
        directory._keep_pair("admin", admin)
        # The authority last: a directory without it is no cluster's.
        directory._keep_pair("ca", authority)
        return directory

    def issue(
        self,
        name: str,
        hosts: tuple[str, ...] = (),
        *,
        now_s: float,
        entropy: Entropy,
        valid_s: float = YEAR_S,
        node: bool = False,
    ) -> Issued:
        """Make the certificate of the process ``name``, reachable at ``hosts``.

        With that of a ``node`` nobody can pose as the API server.
        """
        if not _NAME.fullmatch(name) or name in RESERVED:
            raise PkiRefused(
                f"{name!r} cannot name a process: use lower-case letters, digits and dashes, and "
                f"none of {', '.join(RESERVED)}"
            )
        if (self.path / f"{name}.crt").exists() or (self.path / f"{name}.key").exists():
            raise PkiRefused(
                f"{self.path / name}.crt is there already: remove it and its key to issue anew"
            )
        authority = self._pair("ca")
        pair = issue_process(
            authority,
            name,
            hosts if node else (*hosts, *API_HOSTS),
            now_s=now_s,
            entropy=entropy,
            valid_s=valid_s,
        )
        if not (self.path / f"{name}.number").exists():
            self._keep(f"{name}.number", f"{self._next_number()}\n".encode())
        self._keep_pair(name, pair)
        return _issued(name, pair.certificate())

    def show(self) -> list[Issued]:
        """Describe every certificate, the authority first."""
        found = [
            _issued(path.stem, self._certificate(path)) for path in sorted(self.path.glob("*.crt"))
        ]
        if not found:
            raise PkiRefused(f"no certificates in {self.path}: make them with `pki init`")
        return sorted(found, key=lambda each: (not each.authority, each.name))

    # What processes read.

    def tls(self, name: str) -> Tls:
        """Return the contexts with which ``name`` talks to the other processes."""
        certificate, key = self.path / f"{name}.crt", self.path / f"{name}.key"
        for path in (self.path / "ca.crt", certificate, key):
            if not path.exists():
                raise PkiRefused(f"no {path}: issue it with `kube-actors pki issue`")
            self._read(path.name)
        if key.stat().st_mode & 0o077:
            logger.warning("%s may be read by others: chmod 600 %s", key, key)
        if name not in self.hosts(name):
            raise PkiRefused(
                f"{certificate} is for {', '.join(self.hosts(name)) or 'nobody'}, not for {name}: "
                "the others would refuse it; issue one with `kube-actors pki issue`"
            )
        try:
            return mutual_tls(str(self.path / "ca.crt"), str(certificate), str(key))
        except OSError as error:
            raise PkiRefused(
                f"{certificate} and {key} cannot be used ({error}): one of them is damaged or they "
                "are not a pair; remove both and issue them anew with `kube-actors pki issue`"
            ) from error

    def keys(self, name: str) -> ClusterKeys:
        """Return what master ``name`` needs to serve; its authority has no key here."""
        if not set(API_HOSTS) <= set(self.hosts(name)):
            raise PkiRefused(
                f"{self.path / name}.crt is a node's and cannot serve the API: remove it and its "
                f"key, then `kube-actors pki issue {self.path} {name}` without --node"
            )
        try:
            sa_key = self._read("sa.key")
            load_key(sa_key)
            return ClusterKeys(
                authority=KeyPair(self._read("ca.crt"), b""),
                server=self._pair(name),
                admin=self._pair("admin"),
                service_account_key_pem=sa_key,
                admin_token=self._read("admin.token").decode("ascii").strip(),
            )
        except ValueError as error:
            raise PkiRefused(f"a key in {self.path} is damaged ({error})") from error

    def hosts(self, name: str) -> tuple[str, ...]:
        """Return what the certificate of ``name`` is for."""
        return _issued(name, self._certificate(self.path / f"{name}.crt")).hosts

    def block(self) -> int:
        """Return the loopback block that all processes of the cluster share."""
        return self._number("block")

    def number(self, name: str) -> int:
        """Return the number under which ``name`` was issued; no two processes share one."""
        return self._number(f"{name}.number")

    # Files.

    def _number(self, file: str) -> int:
        try:
            return int(self._read(file))
        except ValueError as error:
            raise PkiRefused(f"{self.path / file} does not hold a number") from error

    def _next_number(self) -> int:
        taken = [self._number(path.name) for path in self.path.glob("*.number")]
        return max(taken, default=0) + 1

    def _pair(self, name: str) -> KeyPair:
        return KeyPair(self._read(f"{name}.crt"), self._read(f"{name}.key"))

    def _certificate(self, path: Path) -> x509.Certificate:
        try:
            return x509.load_pem_x509_certificate(self._read(path.name))
        except ValueError as error:
            raise PkiRefused(f"{path} is no certificate ({error})") from error

    def _read(self, file: str) -> bytes:
        try:
            return (self.path / file).read_bytes()
        except OSError as error:
            mend = (
                "make the directory with `kube-actors pki init`, or copy the file from where it "
                "was made"
            )
            if isinstance(error, PermissionError):
                mend = "run as its owner, or make the user of this process its owner"
            raise PkiRefused(
                f"cannot read {self.path / file} ({error.strerror}): {mend}"
            ) from error

    def _keep_pair(self, name: str, pair: KeyPair) -> None:
        self._keep(f"{name}.key", pair.key_pem)
        self._keep(f"{name}.crt", pair.certificate_pem)

    def _keep(self, file: str, data: bytes) -> None:
        path = self.path / file
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            raise PkiRefused(f"{path} is there already: nothing is overwritten") from None
        except OSError as error:
            raise PkiRefused(f"cannot write {path}: {error.strerror}") from error
        with os.fdopen(descriptor, "wb") as file_:
            file_.write(data)
            file_.flush()
            os.fsync(file_.fileno())


def _issued(name: str, certificate: x509.Certificate) -> Issued:
    hosts: tuple[str, ...] = ()
    authority = False
    for extension in certificate.extensions:
        if isinstance(extension.value, x509.SubjectAlternativeName):
            hosts = tuple(str(each.value) for each in extension.value)
        elif isinstance(extension.value, x509.BasicConstraints):
            authority = extension.value.ca
    return Issued(name, hosts, certificate.not_valid_after_utc, authority)
