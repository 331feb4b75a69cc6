"""The cluster's one address: an ASGI app that gives each request to a healthy master.

A request goes to a master whose store has a quorum, the store's leader first (its writes need no
forwarding); when none has, to any that lives, which serves reads and refuses writes. A master that
dies takes its requests with it: those not yet answered get a 503, with Retry-After when repeating
them is harmless. Paths under ``/debug/kube-actors/`` are answered here, for administrators only,
so that they work when no master does.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import anyio
import orjson
from anyio.abc import SocketAttribute

from kube_actors.actor import ActorError
from kube_actors.api import StatusError, forbidden, service_unavailable
from kube_actors.boundary import parse_json
from kube_actors.store import MemberStatus

Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]
DebugHandler = Callable[[str, object], Awaitable[dict[str, Any] | AsyncIterator[bytes]]]

DEBUG_PREFIX = "/debug/kube-actors/"
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
DEBUG_BODY_MAX = 65536


class _Master:
    """A living master: its app, and the scopes of the requests it is answering."""

    def __init__(self, app: AsgiApp) -> None:
        self.app = app
        self.scopes: dict[int, anyio.CancelScope] = {}


class FrontDoor:
    """Owned by the cluster; masters come and go with ``opened`` and ``closed``."""

    def __init__(self, administrators: str, token: str, debug: DebugHandler) -> None:
        self._masters: dict[int, _Master] = {}
        self._health: dict[int, MemberStatus | None] = {}
        self._administrators = administrators
        self._token = token
        self._debug = debug
        self._tickets = 0
        self._coming: anyio.Event | None = None
        self.requests = 0

    async def wait_request(self) -> None:
        """Wait until the next request comes."""
        if self._coming is None:
            self._coming = anyio.Event()
        await self._coming.wait()

    def opened(self, master: int, app: AsgiApp) -> None:
        """Send requests to a master from now on."""
        self._masters[master] = _Master(app)

    def closed(self, master: int) -> None:
        """Forget a dead master and end what it was answering."""
        dead = self._masters.pop(master, None)
        if dead is not None:
            for scope in list(dead.scopes.values()):
                scope.cancel()

    def set_health(self, health: Mapping[int, MemberStatus | None]) -> None:
        """Take each master's store status; None when it did not answer in time."""
        self._health = dict(health)

    def masters(self) -> list[int]:
        """Return the living masters, the best first."""
        return sorted(self._masters, key=self._rank)

    def _rank(self, master: int) -> tuple[bool, bool, bool, int]:
        status = self._health.get(master)
        if status is None:
            return (True, True, True, master)
        return (False, status.read_only, status.leader != status.member, master)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        self.requests += 1
        if self._coming is not None:
            self._coming.set()
            self._coming = None
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        if path.startswith(DEBUG_PREFIX):
            await self._answer_debug(path.removeprefix(DEBUG_PREFIX), scope, receive, send)
            return
        for number in self.masters()[:1]:
            await self._forward(self._masters[number], scope, receive, send)
            return
        await refuse(send, service_unavailable("no master is alive", retry_after_s=1))

    async def _forward(self, master: _Master, scope: Scope, receive: Receive, send: Send) -> None:
        self._tickets += 1
        ticket = self._tickets
        started = False

        async def watched_send(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        cut = anyio.CancelScope()
        master.scopes[ticket] = cut
        try:
            with cut:
                await master.app(scope, receive, watched_send)
        finally:
            master.scopes.pop(ticket, None)
        if not cut.cancelled_caught:
            return
        if started:
            # The answer broke off in the middle: only closing the connection says so.
            raise ConnectionAbortedError("the master died while it was answering")
        harmless = scope["method"] in SAFE_METHODS
        text = "the master died before it answered"
        if not harmless:
            text += "; whether the write happened is unknown"
        await refuse(send, service_unavailable(text, retry_after_s=1 if harmless else 0))

    async def _answer_debug(self, what: str, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._is_administrator(scope):
            await refuse(send, _not_administrator(what))
            return
        body = b""
        more = True
        while more and len(body) <= DEBUG_BODY_MAX:
            message = await receive()
            if message["type"] != "http.request":
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
        try:
            answer = await self._debug(what, parse_json(body) if body else {})
            # What fails before the first bytes can still be said.
            first = await anext(answer, b"") if isinstance(answer, AsyncIterator) else b""
        except (KeyError, ValueError) as error:
            await respond(send, 400, {"error": str(error.args[0] if error.args else error)})
        except ActorError as error:
            await respond(send, 503, {"message": f"{error}; try again later"})
        else:
            if isinstance(answer, AsyncIterator):
                await _stream(send, first, answer)
            else:
                await respond(send, 200, answer)

    def _is_administrator(self, scope: Scope) -> bool:
        certificate = (scope.get("extensions") or {}).get("kube_actors.client_certificate")
        if certificate and self._administrators in certificate.get("organizations", ()):
            return True
        wanted = f"Bearer {self._token}".encode()
        return any(name == b"authorization" and value == wanted for name, value in scope["headers"])


async def _stream(send: Send, first: bytes, parts: AsyncIterator[bytes]) -> None:
    """Send bytes as they come; if they end in an error only the closed connection says so."""
    headers = [(b"content-type", b"application/octet-stream")]
    try:
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": first, "more_body": True})
        async for part in parts:
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    finally:
        # Whoever makes them must know at once that the reader has gone, not some time later.
        if isinstance(parts, AsyncGenerator):
            await parts.aclose()


async def respond(
    send: Send, status: int, body: Any, headers: tuple[tuple[bytes, bytes], ...] = ()
) -> None:
    """Answer a request with JSON from the front door itself."""
    data = orjson.dumps(body)
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [
                (b"content-type", b"application/json"),
                (b"content-length", str(len(data)).encode()),
                *headers,
            ],
        }
    )
    await send({"type": "http.response.body", "body": data})


async def refuse(send: Send, error: StatusError) -> None:
    """Answer with the error's Status, and Retry-After when it has one."""
    status = error.status()
    after = (status.get("details") or {}).get("retryAfterSeconds")
    headers = ((b"retry-after", str(after).encode()),) if after else ()
    await respond(send, error.code, status, headers)


def _not_administrator(what: str) -> StatusError:
    return forbidden(None, "", f"{DEBUG_PREFIX}{what} is for administrators only")


async def listen(address: str | None) -> tuple[Any, str, int]:
    """Listen on ``host:port``; return the listener and where it is reached, port 0 being resolved.

    None listens nowhere: the listener is None, and the address one that objects may name. Raises
    OSError.
    """
    if address is None:
        return None, "127.0.0.1", 6443
    host, _, port = address.rpartition(":")
    listener = await anyio.create_tcp_listener(
        local_host=host or "127.0.0.1", local_port=int(port), backlog=1024
    )
    bound = listener.extra(SocketAttribute.local_address)
    return listener, host or "127.0.0.1", int(bound[1])
