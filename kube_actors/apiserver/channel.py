"""The channel door: ``ApiRequest`` in, ``ApiResponse`` or batches of watch events out."""

import anyio

from kube_actors.actor import Blob, Delivery, StreamWriter
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
from kube_actors.client.messages import (
    ApiRefused,
    ApiRequest,
    ApiResponse,
    LogChunk,
    WatchBatch,
)

_NOT_A_CALL = errors.bad_request("a watch or a log is opened as a stream, not as a call")


class Door:
    """Answers deliveries of one apiserver, each in a task of its own."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.in_flight = 0
        self.in_flight_max = server.config.in_flight_max

    async def answer_call(self, delivery: Delivery) -> None:
        self.in_flight += 1
        try:
            answer = await handle(self._server, to_request(delivery.message))
            if isinstance(answer, WatchAnswer):
                answer.watcher.end()
                answer = answer_error(_NOT_A_CALL)
            if isinstance(answer, StreamAnswer):
                answer = await _whole(answer)
            delivery.reply(ApiResponse(answer.status, Blob(answer.body), answer.warnings))
        finally:
            self.in_flight -= 1

    async def answer_stream(self, delivery: Delivery) -> None:
        answer = await handle(self._server, to_request(delivery.message))
        if isinstance(answer, Answer):
            delivery.fail(ApiRefused(answer.status, Blob(answer.body)))
            return
        writer = delivery.open()
        try:
            if isinstance(answer, WatchAnswer):
                await _pump(answer, writer)
            else:
                await _copy(answer, writer)
        except anyio.BrokenResourceError:
            pass
        finally:
            if isinstance(answer, WatchAnswer):
                answer.watcher.end()


async def _pump(answer: WatchAnswer, writer: StreamWriter) -> None:
    watcher = answer.watcher
    with anyio.move_on_after(answer.timeout_s):
        while events := await watcher.next_batch():
            await writer.send(WatchBatch(tuple(events)))
    writer.close()


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
