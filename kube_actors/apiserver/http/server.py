"""Accepting connections: TLS, client certificates, one task per connection, graceful close.

A failed handshake, a refused certificate or a full process costs the one peer that met it; the
listener goes on. ``Drain`` ends a server politely: no new connection, idle ones closed, requests
at hand answered within a grace period.
"""

import logging
import ssl
from collections.abc import Callable
from typing import Any

import anyio
from anyio.abc import AnyByteStream, SocketAttribute
from anyio.streams.tls import TLSAttribute

from kube_actors.actor.tcp import listening as tcp_listening
from kube_actors.apiserver.http.connection import PEER_FAULTS, AsgiApp, Endpoint, serve_connection
from kube_actors.apiserver.http.limits import Limits

_log = logging.getLogger(__name__)


class Drain:
    """Ask a server to end: ``begin`` closes idle connections, busy ones after their answer."""

    def __init__(self) -> None:
        self._begun = anyio.Event()
        self._empty = anyio.Event()
        self._closers: dict[int, Callable[[], None]] = {}
        self._next = 0

    def begin(self) -> None:
        """Ask every connection to close after the response at hand; new ones close at once."""
        self._begun.set()
        for close in list(self._closers.values()):
            close()
        if not self._closers:
            self._empty.set()

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self._closers)

    async def wait_begun(self) -> None:
        """Wait until draining has begun."""
        await self._begun.wait()

    async def wait_empty(self) -> None:
        """Wait until draining has begun and the last connection is gone."""
        await self._empty.wait()

    def enter(self) -> int:
        """Count a connection that is being accepted; the ticket is for ``opened`` and ``leave``."""
        self._next += 1
        self._closers[self._next] = _nothing
        return self._next

    def opened(self, ticket: int, close: Callable[[], None]) -> None:
        """Say how the connection is asked to close; it is asked at once if draining has begun."""
        self._closers[ticket] = close
        if self._begun.is_set():
            close()

    def leave(self, ticket: int) -> None:
        """Count a connection out."""
        del self._closers[ticket]
        if self._begun.is_set() and not self._closers:
            self._empty.set()


def _nothing() -> None: ...


async def serve(
    app: AsgiApp,
    listener: anyio.abc.Listener[Any],
    *,
    tls: ssl.SSLContext | None = None,
    limits: Limits | None = None,
    drain: Drain | None = None,
    grace_s: float = 5.0,
) -> None:
    """Serve ``app`` on every connection ``listener`` accepts, until cancelled or drained."""
    chosen, draining = limits or Limits(), drain or Drain()

    async def handle(stream: AnyByteStream) -> None:
        await _handle(app, stream, tls, chosen, draining)

    async with anyio.create_task_group() as connections, anyio.create_task_group() as accepting:
        accepting.start_soon(tcp_listening.serve, listener, handle, connections, _trouble)
        await draining.wait_begun()
        accepting.cancel_scope.cancel()
        with anyio.move_on_after(grace_s):
            await draining.wait_empty()
        connections.cancel_scope.cancel()


def _trouble(text: str) -> None:
    _log.warning("accepting a connection failed: %s", text)


def _not_secured(text: str) -> None:
    _log.debug("TLS handshake failed: %s", text)


async def _handle(
    app: AsgiApp,
    raw: AnyByteStream,
    tls: ssl.SSLContext | None,
    limits: Limits,
    drain: Drain,
) -> None:
    ticket = drain.enter()
    try:
        if drain.connections > limits.connections_max:
            await anyio.aclose_forcefully(raw)
            return
        stream: AnyByteStream | None = raw
        if tls is not None:
            stream = await tcp_listening.secure(
                raw, tls, timeout_s=limits.handshake_timeout_s, trouble=_not_secured
            )
        if stream is None:
            return
        await serve_connection(
            app,
            stream,
            endpoint=describe(stream, secure=tls is not None),
            limits=limits,
            opened=lambda close: drain.opened(ticket, close),
        )
    except PEER_FAULTS as error:
        _log.debug("a connection ended early: %s", error)
    finally:
        drain.leave(ticket)


def describe(stream: AnyByteStream, *, secure: bool) -> Endpoint:
    """Return who is on the other end, with the subject of its verified client certificate."""
    extensions: dict[str, dict[str, Any]] = {}
    if secure:
        certificate = stream.extra(TLSAttribute.peer_certificate, None)
        extensions["tls"] = {
            "tls_version": stream.extra(TLSAttribute.tls_version, None),
            "cipher_suite": None,
            "client_cert_name": subject_name(certificate),
        }
        if certificate:
            extensions["kube_actors.client_certificate"] = subject_of(certificate)
    return Endpoint(
        scheme="https" if secure else "http",
        client=_pair(stream.extra(SocketAttribute.remote_address, None)),
        server=_pair(stream.extra(SocketAttribute.local_address, None)),
        extensions=extensions,
    )


def subject_of(certificate: Any) -> dict[str, Any]:
    """Return ``{"common_name": str, "organizations": tuple[str, ...]}`` of a peer's subject."""
    pairs = [pair for relative in certificate.get("subject", ()) for pair in relative]
    names = [value for key, value in pairs if key == "commonName"]
    organizations = tuple(value for key, value in pairs if key == "organizationName")
    return {"common_name": names[-1] if names else "", "organizations": organizations}


def subject_name(certificate: Any) -> str | None:
    """Return the subject as ``CN=…,O=…``, None without a certificate (ASGI TLS extension)."""
    if not certificate:
        return None
    subject = subject_of(certificate)
    organizations = [f"O={name}" for name in subject["organizations"]]
    return ",".join([f"CN={subject['common_name']}", *organizations])


def _pair(address: Any) -> tuple[str, int] | None:
    if isinstance(address, tuple) and len(address) >= 2:
        return str(address[0]), int(address[1])
    return None


__all__ = ["Drain", "describe", "serve", "subject_name", "subject_of"]
