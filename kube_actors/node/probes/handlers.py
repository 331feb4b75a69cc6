"""Asking a container's probe: http, tcp or exec. Hooks (postStart, preStop) use the same actions.

The answer is a success or a text that says why not, in the words that events use.
"""

import ssl
from collections.abc import Sequence
from typing import Any

import anyio
import anyio.streams.tls
from anyio.abc import ByteStream

from kube_actors.node.runtimes import ContainerRuntime

BODY_BYTES_MAX = 10240
_USER_AGENT = "kube-probe/1.36"


class ProbeFailed(Exception):
    """The container is not well; the text says how that showed."""


async def perform(
    action: dict[str, Any],
    container: dict[str, Any],
    container_id: str,
    pod_ip: str,
    runtime: ContainerRuntime,
    timeout_s: float,
) -> None:
    """Carry out one ``httpGet``, ``tcpSocket``, ``exec`` or ``sleep``. Raises ProbeFailed."""
    if action.get("httpGet") is not None:
        await _timed(_http(action["httpGet"], container, pod_ip), timeout_s)
    elif action.get("tcpSocket") is not None:
        target = action["tcpSocket"]
        host, port = target.get("host") or pod_ip, port_of(container, target["port"])
        await _timed(_tcp(host, port), timeout_s)
    elif action.get("exec") is not None:
        await _exec(action["exec"].get("command") or (), container_id, runtime, timeout_s)
    elif action.get("sleep") is not None:
        await anyio.sleep(float(action["sleep"].get("seconds") or 0))
    else:
        raise ProbeFailed("this kind of probe is not supported on this node")


def port_of(container: dict[str, Any], port: int | str) -> int:
    """A number, or the container's port of that name. Raises ProbeFailed."""
    if isinstance(port, int) or port.isdigit():
        return int(port)
    for known in container.get("ports") or ():
        if known.get("name") == port:
            return int(known["containerPort"])
    raise ProbeFailed(f"couldn't find port: {port}")


async def _timed(question: Any, timeout_s: float) -> None:
    try:
        with anyio.fail_after(timeout_s):
            await question
    except TimeoutError:
        raise ProbeFailed("context deadline exceeded (probe timed out)") from None


async def _exec(
    argv: Sequence[str], container_id: str, runtime: ContainerRuntime, timeout_s: float
) -> None:
    result = await runtime.exec(container_id, argv, timeout_s)
    if result.timed_out:
        raise ProbeFailed(f"command timed out after {timeout_s:g}s")
    if result.exit_code != 0:
        raise ProbeFailed(result.output.strip() or f"command exited with {result.exit_code}")


async def _tcp(host: str, port: int) -> None:
    try:
        stream = await anyio.connect_tcp(host, port)
    except OSError as error:
        raise ProbeFailed(f"dial tcp {host}:{port}: connect: {_reason(error)}") from None
    await stream.aclose()


async def _http(target: dict[str, Any], container: dict[str, Any], pod_ip: str) -> None:
    host, port = target.get("host") or pod_ip, port_of(container, target["port"])
    scheme = (target.get("scheme") or "HTTP").lower()
    path = target.get("path") or "/"
    url = f"{scheme}://{host}:{port}{path}"
    headers = {"Host": f"{host}:{port}", "User-Agent": _USER_AGENT, "Accept": "*/*"}
    headers |= {h["name"]: h["value"] for h in target.get("httpHeaders") or ()}
    lines = [f"GET {path} HTTP/1.1", *(f"{k}: {v}" for k, v in headers.items())]
    request = "\r\n".join([*lines, "Connection: close", "", ""]).encode()
    try:
        status = await _ask(host, port, request, secure=scheme == "https")
    except (OSError, ssl.SSLError) as error:
        raise ProbeFailed(f'Get "{url}": dial tcp {host}:{port}: {_reason(error)}') from None
    except (anyio.EndOfStream, anyio.BrokenResourceError):
        raise ProbeFailed(f'Get "{url}": EOF') from None
    if not 200 <= status < 400:
        raise ProbeFailed(f"HTTP probe failed with statuscode: {status}")


async def _ask(host: str, port: int, request: bytes, *, secure: bool) -> int:
    """Return the status code; 0 when what came is no HTTP."""
    plain = await anyio.connect_tcp(host, port)
    async with plain:
        stream: ByteStream = plain
        if secure:
            stream = await anyio.streams.tls.TLSStream.wrap(
                plain, ssl_context=_unverified(), standard_compatible=False
            )
        await stream.send(request)
        answer = b""
        while b"\r\n" not in answer and len(answer) < BODY_BYTES_MAX:
            answer += await stream.receive()
    words = answer.split(b"\r\n", 1)[0].split(b" ")
    return int(words[1]) if len(words) > 1 and words[1].isdigit() else 0


def _unverified() -> ssl.SSLContext:
    """Kubernetes does not verify what a probe of scheme HTTPS presents."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _reason(error: OSError) -> str:
    cause = error.__cause__
    if isinstance(cause, ExceptionGroup):
        cause = cause.exceptions[0]
    found = cause if isinstance(cause, OSError) else error
    if isinstance(found, ConnectionRefusedError):
        return "connection refused"
    return (found.strerror or str(found)).lower()
