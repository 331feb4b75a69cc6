"""etcd's Lease service."""

from collections.abc import AsyncIterator
from typing import Any

from kube_actors.etcd.failures import LEASE_TTL_TOO_LARGE
from kube_actors.etcd.grpc import Answers, Code, GrpcError, Methods, Streaming, Unary
from kube_actors.etcd.schema import Parser, pb
from kube_actors.etcd.services.administration import Administration
from kube_actors.etcd.services.origin import Origin
from kube_actors.store import StoreClient
from kube_actors.store.messages import (
    LeaseGrant,
    LeaseKeepAlive,
    LeaseNotFound,
    LeaseRevoke,
    LeaseTimeToLive,
    ListLeases,
)

TTL_S_MIN = 2
"""What an etcd with its default election timeout of a second makes of anything shorter."""
TTL_S_MAX = 9_000_000_000


class LeaseService:
    """LeaseGrant, LeaseRevoke, LeaseKeepAlive, LeaseTimeToLive and LeaseLeases."""

    def __init__(self, store: StoreClient, administration: Administration, origin: Origin) -> None:
        self._store = store
        self._administration = administration
        self._origin = origin

    def methods(self) -> Methods:
        """Every method of etcdserverpb.Lease."""
        service = "/etcdserverpb.Lease"
        return {
            f"{service}/LeaseGrant": Unary(Parser(pb.LeaseGrantRequest), self.grant),
            f"{service}/LeaseRevoke": Unary(Parser(pb.LeaseRevokeRequest), self.revoke),
            f"{service}/LeaseKeepAlive": Streaming(
                Parser(pb.LeaseKeepAliveRequest), self.keep_alive
            ),
            f"{service}/LeaseTimeToLive": Unary(
                Parser(pb.LeaseTimeToLiveRequest), self.time_to_live
            ),
            f"{service}/LeaseLeases": Unary(Parser(pb.LeaseLeasesRequest), self.leases),
        }

    async def grant(self, request: Any) -> Any:
        """LeaseGrant, TTL in seconds. Raises GrpcError (OUT_OF_RANGE) above etcd's limit of about
        285 years.
        """
        if request.TTL > TTL_S_MAX:
            raise GrpcError(Code.OUT_OF_RANGE, LEASE_TTL_TOO_LARGE)
        # The sign bit is no part of an id, there and here.
        asked = LeaseGrant(max(TTL_S_MIN, request.TTL), request.ID & (1 << 63) - 1)
        state = await self._store.lease(asked)
        return await self._origin.fill(pb.LeaseGrantResponse(ID=state.id, TTL=state.granted_ttl_s))

    async def revoke(self, request: Any) -> Any:
        """LeaseRevoke: its keys go in the same revision. Raises GrpcError for a lease that is not
        there.
        """
        await self._store.lease(LeaseRevoke(request.ID))
        return await self._origin.fill(pb.LeaseRevokeResponse())

    async def keep_alive(self, requests: AsyncIterator[Any], answers: Answers) -> None:
        """Answer each request; a lease that is gone has a TTL of 0."""
        async for request in requests:
            # Before the renewal: it must not look newer than the lease's end.
            answer = await self._origin.fill(pb.LeaseKeepAliveResponse(ID=request.ID))
            try:
                state = await self._store.lease(LeaseKeepAlive(request.ID))
                answer.TTL = state.ttl_s
            except LeaseNotFound:
                answer.TTL = 0
            await answers.send(answer)

    async def time_to_live(self, request: Any) -> Any:
        """LeaseTimeToLive; a lease that is gone has a TTL of -1, which is no error."""
        try:
            state = await self._store.lease(LeaseTimeToLive(request.ID, request.keys))
        except LeaseNotFound:
            return await self._origin.fill(pb.LeaseTimeToLiveResponse(ID=request.ID, TTL=-1))
        answer = pb.LeaseTimeToLiveResponse(
            ID=state.id, TTL=state.ttl_s, grantedTTL=state.granted_ttl_s, keys=state.keys
        )
        return await self._origin.fill(answer)

    async def leases(self, request: Any) -> Any:
        """LeaseLeases: every lease there is, by id."""
        answer = pb.LeaseLeasesResponse()
        for lease in (await self._administration.group(ListLeases())).ids:
            answer.leases.add().ID = lease
        return await self._origin.fill(answer)
