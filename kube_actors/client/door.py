"""Requests to any one of several API servers, moving on when one does not answer.

A request that surely was not acted upon (nobody there, too busy, 503) is tried elsewhere. One
whose outcome is unknown is tried elsewhere only if it reads: repeating a write is the caller's
decision. All who share a door prefer the same server until it fails them.
"""

from collections.abc import Sequence

import anyio
import orjson

from kube_actors.actor import (
    Actor,
    ActorCrashed,
    ActorError,
    Address,
    DeadlineExceeded,
    Overloaded,
    Unreachable,
)
from kube_actors.api import StatusError, from_status
from kube_actors.client.backoff import Backoff
from kube_actors.client.messages import ApiRequest, ApiResponse
from kube_actors.client.servers import GONE_S, SILENT_S, Servers

_NOT_RECEIVED = (Unreachable, Overloaded)
_UNKNOWN = (ActorCrashed, DeadlineExceeded)
_PROBE_S = 1.0


def status_of(response: ApiResponse) -> StatusError:
    """Read the ``Status`` of a failed response."""
    try:
        body = orjson.loads(response.body)
    except orjson.JSONDecodeError:
        body = bytes(response.body).decode(errors="replace")
    return from_status(body, response.status)


class Door:
    """The API servers as one actor sees them.

    ``attempt_s`` bounds one try of a read, ``write_s`` a write; ``patience_s`` is how long to go
    on when no server takes the request.
    """

    def __init__(
        self,
        actor: Actor,
        apiservers: Sequence[Address],
        user: str,
        groups: Sequence[str],
        *,
        attempt_s: float = 10.0,
        write_s: float = 30.0,
        patience_s: float = 5.0,
    ) -> None:
        self.actor = actor
        self.user = user
        self.groups = tuple(groups)
        self.attempt_s = attempt_s
        self.write_s = write_s
        self.patience_s = patience_s
        self._servers = Servers(apiservers, actor.address if actor else "")

    @property
    def apiservers(self) -> tuple[Address, ...]:
        """Every server of the door, as given: the order of preference is ``Servers``'."""
        return self._servers.addresses

    @property
    def apiserver(self) -> Address:
        """The server that is preferred now."""
        return self._servers.preferred(self.actor.clock.monotonic())

    def avoid(self, apiserver: Address, error: Exception | None = None) -> None:
        """Prefer another server; ``error`` is how this one failed, None if it works."""
        doubt_s = 0.0
        if isinstance(error, DeadlineExceeded):
            doubt_s = SILENT_S
        elif isinstance(error, Unreachable | ActorCrashed):
            doubt_s = GONE_S
        self._servers.avoid(apiserver, self.actor.clock.monotonic(), doubt_s)

    def hurried(self, *, attempt_s: float, patience_s: float) -> "Door":
        """A door to the same servers for those who must know soon that it failed."""
        return Door(
            self.actor,
            self.apiservers,
            self.user,
            self.groups,
            attempt_s=attempt_s,
            write_s=attempt_s,
            patience_s=patience_s,
        )

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
        """Ask; gives a 503 or a busy server's 429 only when all servers say so.

        Raises ``ActorError`` when none could be asked within ``patience_s``, or when a write's
        outcome is unknown.
        """
        request = self.signed(request)
        clock = self.actor.clock
        backoff: Backoff | None = None
        give_up_s = clock.monotonic() + self.patience_s
        while True:
            refusal: ApiResponse | None = None
            failure: ActorError | None = None
            for apiserver in self._servers.order(clock.monotonic()):
                if refusal is not None and not await self._answers(apiserver, request):
                    continue
                answer = await self._attempt(apiserver, request)
                if isinstance(answer, ActorError):
                    failure = answer
                elif _asks_elsewhere(answer):
                    refusal = answer
                else:
                    return answer
            backoff = backoff or Backoff(self.actor.random)
            delay_s = backoff.next_s()
            hopeless = refusal is not None and not status_of(refusal).retry_after_s
            if hopeless or clock.monotonic() + delay_s >= give_up_s:
                break
            await anyio.sleep(delay_s)
        if refusal is not None:
            return refusal
        assert failure is not None
        raise failure

    async def _attempt(self, apiserver: Address, request: ApiRequest) -> ActorError | ApiResponse:
        reads = request.method == "GET"
        try:
            response: ApiResponse = await self.actor.call(
                apiserver, request, timeout_s=self.attempt_s if reads else self.write_s
            )
        except _NOT_RECEIVED as error:
            self.avoid(apiserver, error)
            return error
        except _UNKNOWN as error:
            self.avoid(apiserver, error)
            if not reads:
                raise
            return error
        if _asks_elsewhere(response):
            self.avoid(apiserver)
        return response

    async def _answers(self, apiserver: Address, request: ApiRequest) -> bool:
        """Whether a server is there at all, before a refused write is sent to it.

        A write sent into silence would turn a clear refusal into an unknown outcome.
        """
        if request.method == "GET":
            return True
        probe = self.signed(ApiRequest("GET", "/livez"))
        try:
            await self.actor.call(apiserver, probe, timeout_s=min(_PROBE_S, self.attempt_s))
        except (*_NOT_RECEIVED, *_UNKNOWN) as error:
            self.avoid(apiserver, error)
            return False
        return True


def _asks_elsewhere(response: ApiResponse) -> bool:
    """Whether the server has not acted and another might; an eviction's 429 asks for no retry."""
    if response.status == 429:
        return status_of(response).retry_after_s > 0
    return response.status == 503
