"""How a command talks to a running ``up``: its kubeconfig, TLS with its client certificate."""

import base64
import http.client
import json
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

import click
import yaml

TIMEOUT_S = 10.0


class CannotReach(click.ClickException):
    """Nobody answers; exit code 3."""

    exit_code = 3


def _context(cluster: dict[str, Any], user: dict[str, Any]) -> ssl.SSLContext:
    authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
    context = ssl.create_default_context(cadata=authority)
    pair = base64.b64decode(user["client-key-data"]) + base64.b64decode(
        user["client-certificate-data"]
    )
    # The ssl module takes a chain from files only.
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "pair.pem"
        path.touch(mode=0o600)
        path.write_bytes(pair)
        context.load_cert_chain(path)
    return context


def ask(kubeconfig: Path, what: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """Ask the cluster of ``kubeconfig``; raises CannotReach or ClickException in one line."""
    with _answered(kubeconfig, what, body) as response:
        try:
            answer = json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise CannotReach(f"the answer broke off ({error})") from None
    assert isinstance(answer, dict)
    return answer


def download(kubeconfig: Path, what: str, out: IO[bytes]) -> None:
    """Write what the cluster answers to a file; raises as ``ask`` does."""
    with _answered(kubeconfig, what, {}) as response:
        try:
            while block := response.read(1 << 16):
                out.write(block)
        except http.client.HTTPException as error:
            raise CannotReach(f"the answer broke off ({error!r})") from None


@contextmanager
def _answered(
    kubeconfig: Path, what: str, body: dict[str, Any] | None
) -> Iterator[http.client.HTTPResponse]:
    try:
        config = yaml.safe_load(kubeconfig.read_text())
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        context = _context(cluster, user)
        address = urlsplit(cluster["server"])
    except FileNotFoundError:
        raise CannotReach(
            f"no kubeconfig at {kubeconfig}: start `kube-actors up` first, or give --kubeconfig"
        ) from None
    except (OSError, ValueError, KeyError, IndexError, TypeError, yaml.YAMLError) as error:
        raise CannotReach(
            f"{kubeconfig} is not a kubeconfig of `kube-actors up` ({type(error).__name__})"
        ) from None
    connection = http.client.HTTPSConnection(
        address.hostname or "", address.port, timeout=TIMEOUT_S, context=context
    )
    try:
        connection.request(
            "POST" if body is not None else "GET",
            f"/debug/kube-actors/{what}",
            body=json.dumps(body) if body is not None else None,
        )
        response = connection.getresponse()
        if response.status != 200:
            answer = json.loads(response.read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        connection.close()
        raise CannotReach(
            f"{cluster['server']} does not answer ({error}): is `kube-actors up` running?"
        ) from None
    try:
        if response.status == 400:
            raise click.UsageError(answer.get("error", "refused"))
        if response.status != 200:
            raise CannotReach(answer.get("message", f"HTTP {response.status}"))
        yield response
    finally:
        connection.close()
