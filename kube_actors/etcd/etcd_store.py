"""A real etcd as the store's engine: ``Store`` over etcd v3's API.

Reads and watches go on to the next endpoint when one does not answer. A write goes on only when
it was surely not received; otherwise the caller is told that its fate is unknown. etcd has no
revision of zero and does not say what was compacted or who answers whom; where it is silent, the
docstrings here say what is said instead.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

from kube_actors.actor import Actor, ActorCrashed
from kube_actors.etcd.addresses import parse_endpoints
from kube_actors.etcd.grpc import Call, Channel, Code, Dial, Endpoint, GrpcError, dial_tcp
from kube_actors.etcd.key_values import event_from, range_to, ranged_from, txn_from, txn_to
from kube_actors.etcd.refusals import is_about_server, read_failure, refusal, write_failure
from kube_actors.etcd.schema import Parser, pb
from kube_actors.store.messages import (
    Compacted,
    InvalidRequest,
    LeaseGrant,
    LeaseKeepAlive,
    LeaseNotFound,
    LeaseRevoke,
    LeaseState,
    LeaseTimeToLive,
    MemberStatus,
    Range,
    Ranged,
    Txn,
    TxnDone,
    Watch,
    Watched,
)

TIMEOUT_S = 10.0
STATUS_TIMEOUT_S = 1.0
_WATCH = Parser(pb.WatchResponse)
_KEPT_ALIVE = Parser(pb.LeaseKeepAliveResponse)


def engine(
    addresses: str | Sequence[str],
    *,
    authority: str | Path | None = None,
    certificate: str | Path | None = None,
    key: str | Path | None = None,
    timeout_s: float = TIMEOUT_S,
) -> "Callable[[Actor], EtcdStore]":
    """Return what ``Cluster(engine=…)`` takes: each actor has a channel of its own to the etcd.

    For ``addresses`` and the PEM files see ``parse_endpoints``. Raises InvalidAddress.
    """
    endpoints = parse_endpoints(addresses, authority=authority, certificate=certificate, key=key)
    return lambda actor: EtcdStore(actor, endpoints, timeout_s=timeout_s)


class EtcdStore:
    """Implements ``Store``. ``timeout_s`` bounds one attempt at one endpoint."""

    def __init__(
        self,
        actor: Actor,
        endpoints: Sequence[Endpoint],
        *,
        timeout_s: float = TIMEOUT_S,
        dial: Dial = dial_tcp,
    ) -> None:
        self._channel = Channel(endpoints, actor.spawn, dial=dial)
        self._timeout_s = timeout_s
        self._members: tuple[int, ...] = ()

    async def range(self, request: Range) -> Ranged:
        """Read keys, linearizably unless asked otherwise; safe to ask another endpoint again.
        Raises what ``Store.range`` does.
        """
        answer = await self._read(
            "KV/Range", range_to(request), pb.RangeResponse, revision=request.revision
        )
        return ranged_from(answer)

    async def txn(self, request: Txn) -> TxnDone:
        """Write in one transaction; never sent twice, so its outcome may be unknown. Raises what
        ``Store.txn`` does.
        """
        return txn_from(await self._write("KV/Txn", txn_to(request), pb.TxnResponse))

    async def current_revision(self) -> int:
        """Return the newest revision, by a linearizable read that carries no data."""
        # A key of one zero byte: hardly ever there, and of no weight if it is.
        request = pb.RangeRequest(key=b"\0", count_only=True)
        answer = await self._read("KV/Range", request, pb.RangeResponse)
        return int(answer.header.revision)

    async def compact(self, revision: int) -> int:
        """Forget what is older. A ``Compacted`` says where the least is that it can be."""
        request = pb.CompactionRequest(revision=revision)
        await self._write("KV/Compact", request, pb.CompactionResponse, revision=revision)
        return revision

    async def lease(
        self, request: LeaseGrant | LeaseRevoke | LeaseKeepAlive | LeaseTimeToLive
    ) -> LeaseState:
        """Grant, end, prolong or inspect; etcd grants 2 s at least."""
        if isinstance(request, LeaseGrant):
            asked = pb.LeaseGrantRequest(TTL=request.ttl_s, ID=request.id)
            answer = await self._write("Lease/LeaseGrant", asked, pb.LeaseGrantResponse)
            return LeaseState(answer.ID, answer.TTL, answer.TTL)
        if isinstance(request, LeaseRevoke):
            revoke = pb.LeaseRevokeRequest(ID=request.id)
            await self._write(
                "Lease/LeaseRevoke", revoke, pb.LeaseRevokeResponse, revision=request.id
            )
            return LeaseState(request.id, -1)
        if isinstance(request, LeaseTimeToLive):
            inspect = pb.LeaseTimeToLiveRequest(ID=request.id, keys=request.keys)
            answer = await self._read(
                "Lease/LeaseTimeToLive", inspect, pb.LeaseTimeToLiveResponse, revision=request.id
            )
            return LeaseState(request.id, answer.TTL, answer.grantedTTL, tuple(sorted(answer.keys)))
        return await self._keep_alive(request.id)

    async def status(self) -> MemberStatus:
        """Say what one etcd says: ``answering`` is a majority if it knows a leader, else itself.

        etcd does not tell what is compacted: ``compact_revision`` is 0.
        """
        answer = await self._read(
            "Maintenance/Status", pb.StatusRequest(), pb.StatusResponse, STATUS_TIMEOUT_S
        )
        member = answer.header.member_id
        if member not in self._members:
            listed = await self._read(
                "Cluster/MemberList", pb.MemberListRequest(), pb.MemberListResponse
            )
            self._members = tuple(each.ID for each in listed.members if not each.isLearner)
        members = len(self._members)
        return MemberStatus(
            member=member,
            members=members,
            leader=answer.leader,
            term=answer.raftTerm,
            commit_index=answer.raftIndex,
            applied_index=answer.raftAppliedIndex,
            revision=answer.header.revision,
            compact_revision=0,
            answering=members // 2 + 1 if answer.leader else 1,
            read_only=not answer.leader,
            size_bytes=answer.dbSize,
        )

    def watch(self, request: Watch) -> AbstractAsyncContextManager[AsyncIterator[Watched]]:
        """Watch from a revision on; the stream ends with an error when its endpoint is lost, and is
        not resumed.
        """
        return self._watch(request)

    # -- calls

    async def _read(
        self,
        method: str,
        request: Any,
        answer: Any,
        timeout_s: float | None = None,
        *,
        revision: int = 0,
    ) -> Any:
        """Ask each endpoint at most once, the preferred one again if its connection broke."""
        failure: GrpcError | None = None
        server = ""
        for _ in range(len(self._channel.endpoints) + 1):
            server = str(self._channel.endpoint)
            try:
                return await self._unary(method, request, answer, timeout_s or self._timeout_s)
            except GrpcError as error:
                failure = error
                if not is_about_server(error) or (timeout_s and error.received):
                    break
                self._channel.move_on(server)
        assert failure is not None
        raise read_failure(
            failure, server=server, revision=revision, members=self._count
        ) from failure

    async def _write(self, method: str, request: Any, answer: Any, *, revision: int = 0) -> Any:
        failure: GrpcError | None = None
        server = ""
        for _ in range(len(self._channel.endpoints) + 1):
            server = str(self._channel.endpoint)
            try:
                return await self._unary(method, request, answer, self._timeout_s)
            except GrpcError as error:
                failure = error
                if is_about_server(error):
                    self._channel.move_on(server)
                if error.received:
                    break
        assert failure is not None
        raise write_failure(
            failure, server=server, revision=revision, members=self._count
        ) from failure

    @property
    def _count(self) -> int:
        """How many members there are, as far as was ever heard."""
        return len(self._members) or len(self._channel.endpoints)

    async def _unary(self, method: str, request: Any, answer: Any, timeout_s: float) -> Any:
        data = await self._channel.unary(
            f"/etcdserverpb.{method}", request.SerializeToString(), timeout_s
        )
        return _parsed(Parser(answer), data)

    async def _keep_alive(self, lease: int) -> LeaseState:
        request = pb.LeaseKeepAliveRequest(ID=lease).SerializeToString()
        try:
            data = await self._channel.unary(
                "/etcdserverpb.Lease/LeaseKeepAlive", request, self._timeout_s
            )
            answer = _parsed(_KEPT_ALIVE, data)
        except GrpcError as error:
            server = str(self._channel.endpoint)
            if is_about_server(error):
                self._channel.move_on(server)
            raise read_failure(error, server=server, revision=lease, members=self._count) from error
        if answer.TTL <= 0:
            raise LeaseNotFound(lease)
        return LeaseState(lease, answer.TTL, answer.TTL)

    # -- watches

    @asynccontextmanager
    async def _watch(self, request: Watch) -> AsyncGenerator[AsyncIterator[Watched], None]:
        start = request.start_revision or await self.current_revision() + 1
        server = str(self._channel.endpoint)
        opened = False
        try:
            async with self._channel.stream("/etcdserverpb.Watch/Watch") as call:
                call.send_nowait(_create(request, start).SerializeToString())
                created = await _next(call)
                _check(created, start)
                opened = True
                established = min(start - 1, created.header.revision)
                yield _Watching(call, server, start, established)
        except GrpcError as error:
            if is_about_server(error):
                self._channel.move_on(server)
            if opened:
                raise ActorCrashed(f"{server} ({error.text})") from error
            raise read_failure(error, server=server, revision=0, members=self._count) from error


class _Watching:
    """Whole revisions from etcd's responses, which never cut one unless fragments are asked for."""

    def __init__(self, call: Call, server: str, start: int, established: int) -> None:
        self._call = call
        self._server = server
        self._start = start
        self._established: int | None = established

    def __aiter__(self) -> "_Watching":
        return self

    async def __anext__(self) -> Watched:
        if self._established is not None:
            revision, self._established = self._established, None
            return Watched(revision)
        try:
            answer = await _next(self._call)
        except GrpcError as error:
            raise ActorCrashed(f"{self._server} ({error.text})") from error
        _check(answer, self._start)
        events = tuple(event_from(event) for event in answer.events)
        # While a watch catches up the header is ahead of the events.
        revision = events[-1].kv.mod_revision if events else answer.header.revision
        return Watched(revision, events)


def _create(request: Watch, start: int) -> Any:
    filters = [*([0] if request.no_put else []), *([1] if request.no_delete else [])]
    return pb.WatchRequest(
        create_request=pb.WatchCreateRequest(
            key=request.key,
            range_end=request.range_end,
            start_revision=start,
            progress_notify=request.progress_notify,
            filters=filters,
            prev_kv=request.prev_kv,
        )
    )


async def _next(call: Call) -> Any:
    data = await call.receive()
    if data is None:
        raise GrpcError(Code.UNAVAILABLE, "the watch was ended")
    return _parsed(_WATCH, data)


def _check(answer: Any, start: int) -> None:
    """Raise what ended a watch, if it ended."""
    if not answer.canceled:
        return
    if answer.compact_revision:
        raise Compacted(answer.compact_revision)
    failure = GrpcError(Code.INVALID_ARGUMENT, answer.cancel_reason or "the watch was cancelled")
    found = refusal(failure, server="", revision=start)
    raise found if not isinstance(found, InvalidRequest) else InvalidRequest(failure.text)


def _parsed(parser: Parser, data: bytes) -> Any:
    try:
        return parser.FromString(data)
    except ValueError as error:
        raise GrpcError(Code.INTERNAL, str(error)) from error
