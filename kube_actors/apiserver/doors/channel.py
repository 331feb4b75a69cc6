"""The channel door: ``ApiRequest`` in, ``ApiResponse`` or batches of watch events out."""

import math

import anyio

from kube_actors.actor import Actor, Blob, Delivery, StreamWriter
from kube_actors.api import errors
from kube_actors.apiserver.pipeline import handle
from kube_actors.apiserver.request import (
    ANONYMOUS,
    Answer,
    Credentials,
    Query,
    Request,
    StreamAnswer,
    User,
    WatchAnswer,
    answer_error,
)
from kube_actors.apiserver.server import Server
from kube_actors.client import ApiRefused, ApiRequest, ApiResponse, LogChunk, WatchBatch

NODE_USER_PREFIX = "system:node:"
PROXY_USER = "system:kube-proxy"
NODE_GROUPS = frozenset({"system:nodes", "system:authenticated"})

_SWEEP_S = 5.0
_BUSY = errors.too_many_requests("the apiserver has too many requests in flight")
_NOT_A_CALL = errors.bad_request("a watch or a log is opened as a stream, not as a call")


class Door:
    """Answers deliveries of one apiserver, each in a task of its own.

    A stream whose reader has left is found by ``run_sweep``: that costs less than one more task
    for every watch.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._in_flight = 0
        self._streams: dict[int, tuple[Delivery, anyio.CancelScope]] = {}
        self._opened = 0

    def dispatch(self, actor: Actor, delivery: Delivery) -> None:
        """Answer ``delivery`` in a child of ``actor``, or refuse it at once when too many are."""
        if not isinstance(delivery.message, ApiRequest) or delivery.expects == "nothing":
            return
        if delivery.expects == "stream":
            actor.spawn(self._answer_stream, delivery)
        elif self._in_flight >= self._server.config.in_flight_max:
            refusal = answer_error(_BUSY)
            delivery.reply(ApiResponse(refusal.status, Blob(refusal.body)))
        else:
            self._in_flight += 1
            actor.spawn(self._answer_call, delivery)

    async def run_sweep(self) -> None:
        """End, now and then, what is streamed to nobody."""
        while True:
            await anyio.sleep(_SWEEP_S)
            for delivery, scope in list(self._streams.values()):
                if delivery.cancelled:
                    scope.cancel()

    async def _answer_call(self, delivery: Delivery) -> None:
        try:
            answer = await self._handle(delivery)
            if isinstance(answer, WatchAnswer):
                answer.watcher.end()
                answer = answer_error(_NOT_A_CALL)
            if isinstance(answer, StreamAnswer):
                answer = await _whole(answer)
            delivery.reply(ApiResponse(answer.status, Blob(answer.body), answer.warnings))
        finally:
            self._in_flight -= 1

    async def _handle(self, delivery: Delivery) -> Answer | StreamAnswer | WatchAnswer:
        message, node_of = delivery.message, self._server.config.node_of
        node = node_of(delivery.source) if node_of is not None else ""
        if node and not _is_of_node(message, node):
            detail = f"{delivery.source} acts for the node {node}, not as {message.user!r}"
            return answer_error(errors.forbidden(None, "", detail))
        return await handle(self._server, to_request(message))

    async def _answer_stream(self, delivery: Delivery) -> None:
        answer = await self._handle(delivery)
        if isinstance(answer, Answer):
            delivery.fail(ApiRefused(answer.status, Blob(answer.body)))
            return
        self._opened += 1
        ticket, writer = self._opened, delivery.open()
        deadline_s = math.inf
        if isinstance(answer, WatchAnswer):
            deadline_s = anyio.current_time() + answer.timeout_s
        try:
            with anyio.CancelScope(deadline=deadline_s) as scope:
                self._streams[ticket] = (delivery, scope)
                if isinstance(answer, WatchAnswer):
                    await _pump(answer, writer)
                else:
                    await _copy(answer, writer)
            writer.close()
        except anyio.BrokenResourceError:
            pass
        finally:
            del self._streams[ticket]
            if isinstance(answer, WatchAnswer):
                answer.watcher.end()


async def _pump(answer: WatchAnswer, writer: StreamWriter) -> None:
    while events := await answer.watcher.next_batch():
        await writer.send(WatchBatch(tuple(events)))


async def _copy(answer: StreamAnswer, writer: StreamWriter) -> None:
    try:
        async with answer.chunks as chunks:
            async for chunk in chunks:
                await writer.send(LogChunk(Blob(chunk)))
    except errors.StatusError as error:
        refusal = answer_error(error)
        writer.close(ApiRefused(refusal.status, Blob(refusal.body)))
    else:
        writer.close()


async def _whole(answer: StreamAnswer) -> Answer:
    try:
        async with answer.chunks as chunks:
            return Answer(200, b"".join([chunk async for chunk in chunks]), answer.content_type)
    except errors.StatusError as error:
        return answer_error(error)


def _is_of_node(message: ApiRequest, node: str) -> bool:
    """Say whether a node's process may make a request as the user that it names."""
    users = ("", f"{NODE_USER_PREFIX}{node}", PROXY_USER)
    return message.user in users and set(message.groups) <= NODE_GROUPS


def to_request(message: ApiRequest) -> Request:
    """Return the request as the pipeline takes it; the channel vouches for the user."""
    user = User(message.user, tuple(message.groups)) if message.user else ANONYMOUS
    return Request(
        method=message.method,
        path=message.path,
        query=Query(message.query),
        credentials=Credentials(user),
        content_type=message.content_type,
        accept=message.accept,
        body=message.body,
    )
