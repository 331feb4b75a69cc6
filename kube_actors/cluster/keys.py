"""The cluster's secrets: authority, serving and admin certificates, token keys.

They are made once and kept beside the data, so that a kubeconfig written by a first run is good
for the second. In memory they live as long as the cluster.
"""

import hashlib
import os
from pathlib import Path
from typing import Any

import attrs
import yaml
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from kube_actors.apiserver.who import (
    Entropy,
    KeyPair,
    create_authority,
    create_key,
    encode_key,
    issue_client,
    issue_server,
    load_key,
)

ADMIN_USER = "kubernetes-admin"
ADMIN_GROUP = "system:masters"


@attrs.frozen
class ClusterKeys:
    """``admin_token`` is a bearer token with the admin certificate's rights."""

    authority: KeyPair
    server: KeyPair
    admin: KeyPair
    service_account_key_pem: bytes
    admin_token: str


def cluster_number(authority: KeyPair) -> int:
    """Return a number that no other cluster has: it follows from the authority's public key, so it
    is the same for every process, after every restart, and when its certificate is renewed.
    """
    public = authority.certificate().public_key()
    encoded = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return int.from_bytes(hashlib.sha256(encoded).digest()[:8]) >> 1


def make_keys(hosts: list[str], *, now_s: float, entropy: Entropy) -> ClusterKeys:
    """Make the keys of a new cluster; ``hosts`` are the names its serving certificate is for."""
    authority = create_authority("kube-actors-ca", now_s=now_s, entropy=entropy)
    return ClusterKeys(
        authority=authority,
        server=issue_server(authority, "kube-apiserver", hosts, now_s=now_s, entropy=entropy),
        admin=issue_client(authority, ADMIN_USER, [ADMIN_GROUP], now_s=now_s, entropy=entropy),
        service_account_key_pem=encode_key(create_key(entropy)),
        admin_token=entropy(24).hex(),
    )


def _write(path: Path, data: bytes) -> None:
    temporary = path.with_suffix(path.suffix + ".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def _pair(directory: Path, name: str) -> KeyPair:
    return KeyPair(
        (directory / f"{name}.crt").read_bytes(), (directory / f"{name}.key").read_bytes()
    )


class KeysUnreadable(OSError):
    """What a former cluster kept is damaged; the message says what to do."""


def _load(directory: Path, hosts: list[str], *, now_s: float, entropy: Entropy) -> ClusterKeys:
    authority = _pair(directory, "ca")
    service_account_key_pem = (directory / "sa.key").read_bytes()
    load_key(service_account_key_pem)
    return ClusterKeys(
        authority=authority,
        server=issue_server(authority, "kube-apiserver", hosts, now_s=now_s, entropy=entropy),
        admin=issue_client(authority, ADMIN_USER, [ADMIN_GROUP], now_s=now_s, entropy=entropy),
        service_account_key_pem=service_account_key_pem,
        admin_token=(directory / "admin.token").read_text().strip(),
    )


def load_or_make(
    directory: Path, hosts: list[str], *, now_s: float, entropy: Entropy
) -> ClusterKeys:
    """Read the keys kept in ``directory``, or make and keep them; the last file marks a whole set.

    The serving certificate is made anew each time: its hosts may have changed. Raises
    KeysUnreadable when a kept key is damaged.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    marker = directory / "admin.token"
    if marker.exists():
        try:
            return _load(directory, hosts, now_s=now_s, entropy=entropy)
        except (ValueError, OSError) as error:
            raise KeysUnreadable(
                f"the keys in {directory} cannot be read ({error}): restore them, or remove that "
                "directory to have new ones made, which no old kubeconfig or token will fit"
            ) from error
    keys = make_keys(hosts, now_s=now_s, entropy=entropy)
    _write(directory / "ca.crt", keys.authority.certificate_pem)
    _write(directory / "ca.key", keys.authority.key_pem)
    _write(directory / "sa.key", keys.service_account_key_pem)
    _write(marker, keys.admin_token.encode())
    return keys


def write_kubeconfig(path: Path, kubeconfig: dict[str, Any]) -> Path:
    """Write a kubeconfig for its owner only: it holds a key; raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        yaml.safe_dump(kubeconfig, file, sort_keys=False)
    return path
