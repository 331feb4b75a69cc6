"""``http://host:port,…`` and the certificates that go with https, as endpoints."""

import ssl
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from kube_actors.etcd.grpc import Endpoint

CLIENT_PORT = 2379


class InvalidAddress(ValueError):
    """This says no etcd; the message says what would."""


def parse_endpoints(
    addresses: str | Sequence[str],
    *,
    authority: str | Path | None = None,
    certificate: str | Path | None = None,
    key: str | Path | None = None,
) -> tuple[Endpoint, ...]:
    """Parse addresses, separated by commas if they are one text.

    ``authority`` is a PEM file that signed the servers' certificates (without it the machine's
    own are trusted), ``certificate`` and ``key`` are what is shown to them. Raises InvalidAddress.
    """
    listed = addresses.split(",") if isinstance(addresses, str) else list(addresses)
    if (certificate is None) != (key is None):
        raise InvalidAddress("a client certificate and its key go together: give both")
    found = [_parse(each.strip()) for each in listed]
    secure = [each for each in found if each[2]]
    if not secure and (authority is not None or certificate is not None):
        raise InvalidAddress(f"certificates are for https, not for {listed[0]}")
    context = client_tls(authority, certificate, key) if secure else None
    return tuple(
        Endpoint(host, port, context if is_secure else None) for host, port, is_secure in found
    )


def client_tls(
    authority: str | Path | None, certificate: str | Path | None, key: str | Path | None
) -> ssl.SSLContext:
    """Make a client's TLS from PEM files; raises InvalidAddress when one cannot be used."""
    try:
        context = ssl.create_default_context(cafile=authority)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["h2"])
        if certificate is not None:
            context.load_cert_chain(certificate, key)
    except OSError as error:
        files = ", ".join(str(file) for file in (authority, certificate, key) if file)
        raise InvalidAddress(f"cannot use {files}: {error}") from error
    return context


def _parse(address: str) -> tuple[str, int, bool]:
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or parts.scheme not in ("http", "https") or parts.path not in ("", "/"):
        raise InvalidAddress(f"an etcd is http://HOST:PORT or https://HOST:PORT, not {address!r}")
    return host, port or CLIENT_PORT, parts.scheme == "https"
