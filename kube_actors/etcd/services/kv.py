"""etcd's KV service: every write is one transaction of the store."""

from typing import Any

from kube_actors.etcd.grpc import Methods, Unary
from kube_actors.etcd.key_values import (
    delete_of,
    fill_delete,
    fill_put,
    fill_ranged,
    fill_txn,
    put_of,
    range_of,
    txn_of,
)
from kube_actors.etcd.schema import Parser, pb
from kube_actors.etcd.services.origin import Origin
from kube_actors.etcd.services.request_checks import check_delete, check_put, check_range, check_txn
from kube_actors.store import StoreClient
from kube_actors.store.messages import (
    DeleteDone,
    InvalidRequest,
    LeaseNotFound,
    LeaseTimeToLive,
    PutDone,
    Txn,
)


class KvService:
    """Range, Put, DeleteRange, Txn and Compact."""

    def __init__(self, store: StoreClient, origin: Origin) -> None:
        self._store = store
        self._origin = origin

    def methods(self) -> Methods:
        """Every method of etcdserverpb.KV."""
        return {
            "/etcdserverpb.KV/Range": Unary(Parser(pb.RangeRequest), self.range),
            "/etcdserverpb.KV/Put": Unary(Parser(pb.PutRequest), self.put),
            "/etcdserverpb.KV/DeleteRange": Unary(Parser(pb.DeleteRangeRequest), self.delete_range),
            "/etcdserverpb.KV/Txn": Unary(Parser(pb.TxnRequest), self.txn),
            "/etcdserverpb.KV/Compact": Unary(Parser(pb.CompactionRequest), self.compact),
        }

    async def range(self, request: Any) -> Any:
        """Range, at the newest or at a past revision. Raises GrpcError as etcd does for what it
        refuses.
        """
        check_range(request)
        ranged = await self._store.range(range_of(request))
        answer = pb.RangeResponse()
        fill_ranged(answer, ranged)
        return await self._origin.fill(answer, ranged.revision)

    async def put(self, request: Any) -> Any:
        """Put, as a transaction of one operation. Raises GrpcError; an absent lease is named as
        such.
        """
        check_put(request)
        try:
            done = await self._store.txn(Txn((), (put_of(request),)))
        except InvalidRequest:
            await self._check_lease(request.lease)
            raise
        answer = pb.PutResponse()
        put = done.responses[0]
        assert isinstance(put, PutDone)
        fill_put(answer, put)
        return await self._origin.fill(answer, done.revision)

    async def _check_lease(self, lease: int) -> None:
        """Raise LeaseNotFound: of two faults etcd's Put names that of the lease."""
        if lease and (await self._store.lease(LeaseTimeToLive(lease))).ttl_s < 0:
            raise LeaseNotFound(lease)

    async def delete_range(self, request: Any) -> Any:
        """DeleteRange, as a transaction of one operation; deleting nothing makes no revision."""
        check_delete(request)
        done = await self._store.txn(Txn((), (delete_of(request),)))
        answer = pb.DeleteRangeResponse()
        deleted = done.responses[0]
        assert isinstance(deleted, DeleteDone)
        fill_delete(answer, deleted)
        return await self._origin.fill(answer, done.revision)

    async def txn(self, request: Any) -> Any:
        """Txn: comparisons, then one of two branches, in one revision."""
        check_txn(request)
        done = await self._store.txn(txn_of(request))
        answer = pb.TxnResponse()
        fill_txn(answer, done)
        return await self._origin.fill(answer, done.revision)

    async def compact(self, request: Any) -> Any:
        """Compact. Raises GrpcError for a revision that is compacted already or still to come."""
        await self._store.compact(request.revision)
        return await self._origin.fill(pb.CompactionResponse())
