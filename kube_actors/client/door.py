"""Requests to any one of several API servers, moving on when one does not answer.

A request that surely was not acted upon (nobody there, mailbox full, 503) is tried elsewhere. One
whose outcome is unknown is tried elsewhere only if it reads: repeating a write is the caller's
decision. All clients of one door prefer the same server until it fails them.
"""

from zlib import crc32

import anyio
import orjson
from attrs import define, field
from attrs.validators import min_len

from kube_actors.actor import (
    Actor,
    ActorCrashed,
    ActorError,
    Address,
    DeadlineExceeded,
    Overloaded,
    Unreachable,
)
from kube_actors.api.errors import StatusError, from_status
from kube_actors.client.backoff import Backoff
from kube_actors.client.messages import ApiRequest, ApiResponse

_NOT_RECEIVED = (Unreachable, Overloaded)
_UNKNOWN = (ActorCrashed, DeadlineExceeded)


def status_of(response: ApiResponse) -> StatusError:
    """Read the ``Status`` of a failed response."""
    try:
        body = orjson.loads(response.body)
    except orjson.JSONDecodeError:
        body = bytes(response.body).decode(errors="replace")
    return from_status(body, response.status)


@define
class Door:
    """The API servers as one actor sees them.

    ``attempt_s`` bounds one try of a read, ``write_s`` a write; ``patience_s`` is how long to go
    on when no server takes the request.
    """

    actor: Actor
    apiservers: tuple[Address, ...] = field(validator=min_len(1))
    user: str
    groups: tuple[str, ...]
    attempt_s: float = 10.0
    write_s: float = 30.0
    patience_s: float = 5.0
    _preferred: int = field(default=-1, init=False)

    @property
    def apiserver(self) -> Address:
        """The server that is preferred now. At first it is spread by the actor's address."""
        if self._preferred < 0:
            self._preferred = crc32(self.actor.address.encode()) % len(self.apiservers)
        return self.apiservers[self._preferred]

    def avoid(self, apiserver: str) -> None:
        """Prefer the next server, unless another task moved on already."""
        if self.apiserver == apiserver:
            self._preferred = (self._preferred + 1) % len(self.apiservers)

    def signed(self, request: ApiRequest) -> ApiRequest:
        """The request with this door's user, unless it has one."""
        if request.user:
            return request
        return ApiRequest(
            request.method,
            request.path,
            request.query,
            request.content_type,
            request.body,
            self.user,
            self.groups,
            request.accept,
        )

    async def request(self, request: ApiRequest) -> ApiResponse:
        """Ask; gives any response that is not a 503 of all servers.

        Raises ``ActorError`` when none could be asked within ``patience_s``, or when a write's
        outcome is unknown.
        """
        request = self.signed(request)
        reads = request.method == "GET"
        backoff = Backoff(self.actor.random)
        give_up_s = self.actor.clock.monotonic() + self.patience_s
        while True:
            last: ActorError | ApiResponse | None = None
            for _ in self.apiservers:
                last = await self._attempt(request, reads=reads)
                if isinstance(last, ApiResponse) and last.status != 503:
                    return last
            delay_s = backoff.next_s()
            if self.actor.clock.monotonic() + delay_s >= give_up_s:
                break
            if isinstance(last, ApiResponse) and not status_of(last).retry_after_s:
                return last
            await anyio.sleep(delay_s)
        if isinstance(last, ApiResponse):
            return last
        assert last is not None
        raise last

    async def _attempt(self, request: ApiRequest, *, reads: bool) -> ActorError | ApiResponse:
        apiserver = self.apiserver
        try:
            response: ApiResponse = await self.actor.call(
                apiserver, request, timeout_s=self.attempt_s if reads else self.write_s
            )
        except _NOT_RECEIVED as error:
            self.avoid(apiserver)
            return error
        except _UNKNOWN as error:
            self.avoid(apiserver)
            if not reads:
                raise
            return error
        if response.status == 503:
            self.avoid(apiserver)
        return response
