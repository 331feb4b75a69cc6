"""etcd's Watch service: each RPC is one watch session of the store.

When the member that serves the session goes away the RPC ends with UNAVAILABLE, upon which etcd's
clients open another one and go on after the last revision they saw.
"""

from collections.abc import AsyncIterator
from typing import Any

import anyio

from kube_actors.actor import ActorError
from kube_actors.etcd.grpc import Answers, GrpcError, Methods, Streaming
from kube_actors.etcd.key_values import fill_event
from kube_actors.etcd.schema import Parser, pb
from kube_actors.etcd.services.origin import Origin
from kube_actors.store import StoreClient, WatchSessionClient
from kube_actors.store.messages import InvalidRequest, SessionItem, SessionKind, Watch

INVALID_WATCH = -1
EMPTY_RANGE = "mvcc: watcher range is empty"


class WatchService:
    """Many watches on one stream."""

    def __init__(self, store: StoreClient, origin: Origin) -> None:
        self._store = store
        self._origin = origin

    def methods(self) -> Methods:
        """The one method of etcdserverpb.Watch."""
        return {"/etcdserverpb.Watch/Watch": Streaming(Parser(pb.WatchRequest), self.watch)}

    async def watch(self, requests: AsyncIterator[Any], answers: Answers) -> None:
        """Serve until the client has asked its last and everything is cancelled."""
        await self._origin.status()
        failures: list[ActorError | GrpcError] = []
        async with self._store.watch_session() as session, anyio.create_task_group() as tasks:
            tasks.start_soon(self._ask, session, requests, answers, failures, tasks.cancel_scope)
            # Caught inside: beside a cancellation a failure would come out as a group of both.
            try:
                async for item in session:
                    await answers.send(self._answer(item))
            except (ActorError, GrpcError) as error:
                failures.append(error)
            tasks.cancel_scope.cancel()
        if failures:
            raise failures[0]

    async def _ask(
        self,
        session: WatchSessionClient,
        requests: AsyncIterator[Any],
        answers: Answers,
        failures: list[ActorError | GrpcError],
        scope: anyio.CancelScope,
    ) -> None:
        try:
            async for request in requests:
                await self._do(session, request, answers)
        except (ActorError, GrpcError) as error:
            failures.append(error)
        scope.cancel()

    async def _do(self, session: WatchSessionClient, request: Any, answers: Answers) -> None:
        match request.WhichOneof("request_union"):
            case "create_request":
                await self._create(session, request.create_request, answers)
            case "cancel_request":
                await _cancel(session, request.cancel_request.watch_id)
            case "progress_request":
                await session.progress()
            case _:
                # etcd passes over what it does not know.
                return

    async def _create(self, session: WatchSessionClient, asked: Any, answers: Answers) -> None:
        key, end = asked.key or b"\0", asked.range_end
        if end not in (b"", b"\0") and key >= end:
            await self._refuse(answers, EMPTY_RANGE)
            return
        watch = Watch(
            key=key,
            range_end=end,
            start_revision=max(0, asked.start_revision),
            prev_kv=asked.prev_kv,
            progress_notify=asked.progress_notify,
            no_put=0 in asked.filters,
            no_delete=1 in asked.filters,
        )
        try:
            await session.open(watch, watch_id=asked.watch_id, fragment=asked.fragment)
        except InvalidRequest as error:
            await self._refuse(answers, error.text)

    async def _refuse(self, answers: Answers, reason: str) -> None:
        answer = pb.WatchResponse(
            watch_id=INVALID_WATCH, created=True, canceled=True, cancel_reason=reason
        )
        await answers.send(await self._origin.fill(answer))

    def _answer(self, item: SessionItem) -> Any:
        answer = pb.WatchResponse(watch_id=item.watch_id)
        match item.kind:
            case SessionKind.CREATED:
                answer.created = True
            case SessionKind.CANCELED:
                answer.canceled = True
                answer.compact_revision = item.compact_revision
                answer.cancel_reason = "" if item.compact_revision else item.text
            case SessionKind.EVENTS:
                answer.fragment = item.fragment
                for event in item.events:
                    fill_event(answer.events.add(), event)
            case SessionKind.PROGRESS:
                pass
        self._origin.stamp(answer.header, self._origin.known, item.revision)
        return answer


async def _cancel(session: WatchSessionClient, watch_id: int) -> None:
    try:
        await session.cancel(watch_id)
    except InvalidRequest:
        # It is over already: nothing is said, as by etcd.
        return
