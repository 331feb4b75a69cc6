"""etcd's Cluster service: who belongs to the group."""

from typing import Any
from urllib.parse import urlsplit

from kube_actors.etcd.failures import (
    BAD_URLS,
    MEMBER_NOT_FOUND,
    MEMBER_NOT_LEARNER,
    NOT_ENOUGH_STARTED,
    PEER_URL_EXISTS,
)
from kube_actors.etcd.grpc import Code, GrpcError, Methods, Unary
from kube_actors.etcd.schema import Parser, pb
from kube_actors.etcd.services.administration import Administration
from kube_actors.etcd.services.origin import Origin
from kube_actors.store.messages import (
    AddMember,
    ListMembers,
    MemberInfo,
    Members,
    MembershipRefused,
    PromoteMember,
    RemoveMember,
    UpdateMember,
)

Change = AddMember | RemoveMember | UpdateMember | PromoteMember
_ID_MAX = (1 << 63) - 1


class ClusterService:
    """MemberList, MemberAdd, MemberRemove, MemberUpdate and MemberPromote."""

    def __init__(self, administration: Administration, origin: Origin) -> None:
        self._administration = administration
        self._origin = origin

    def methods(self) -> Methods:
        """Every method of etcdserverpb.Cluster."""
        service = "/etcdserverpb.Cluster"
        return {
            f"{service}/MemberList": Unary(Parser(pb.MemberListRequest), self.list),
            f"{service}/MemberAdd": Unary(Parser(pb.MemberAddRequest), self.add),
            f"{service}/MemberRemove": Unary(Parser(pb.MemberRemoveRequest), self.remove),
            f"{service}/MemberUpdate": Unary(Parser(pb.MemberUpdateRequest), self.update),
            f"{service}/MemberPromote": Unary(Parser(pb.MemberPromoteRequest), self.promote),
        }

    async def list(self, request: Any) -> Any:
        """MemberList, linearizable if asked."""
        members = await self._administration.group(ListMembers(not request.linearizable))
        return await self._answer(pb.MemberListResponse(), members)

    async def add(self, request: Any) -> Any:
        """MemberAdd: decided when it answers; the new member is the one with the highest number."""
        urls = _urls(request.peerURLs)
        members = await self._change(AddMember("", urls, (), request.isLearner))
        answer = pb.MemberAddResponse()
        _fill(answer.member, max(members.members, key=lambda member: member.id))
        return await self._answer(answer, members)

    async def remove(self, request: Any) -> Any:
        """MemberRemove. Raises GrpcError with etcd's texts for who is absent or would cost the
        quorum.
        """
        members = await self._change(RemoveMember(_number(request.ID)))
        return await self._answer(pb.MemberRemoveResponse(), members)

    async def update(self, request: Any) -> Any:
        """MemberUpdate: peer URLs alone, which are words for people here."""
        asked = UpdateMember(_number(request.ID), _urls(request.peerURLs))
        members = await self._change(asked)
        return await self._answer(pb.MemberUpdateResponse(), members)

    async def promote(self, request: Any) -> Any:
        """MemberPromote. Raises GrpcError as long as the learner is not in sync with the leader."""
        members = await self._change(PromoteMember(_number(request.ID)))
        return await self._answer(pb.MemberPromoteResponse(), members)

    async def _change(self, request: Change) -> Any:
        """Have the group changed; a refusal is told in etcd's words, which clients compare."""
        try:
            return await self._administration.group(request)
        except MembershipRefused as error:
            members = await self._administration.group(ListMembers(True))
            text = _refusal(request, members) or f"etcdserver: {error.text}"
            raise GrpcError(Code.FAILED_PRECONDITION, text) from error

    async def _answer(self, answer: Any, members: Members) -> Any:
        for member in members.members:
            _fill(answer.members.add(), member)
        return await self._origin.fill(answer)


def _refusal(request: Change, members: Members) -> str:
    if isinstance(request, AddMember | UpdateMember):
        others = [one for one in members.members if one.id != getattr(request, "id", 0)]
        taken = [url for one in others for url in one.peer_urls]
        return PEER_URL_EXISTS if set(taken) & set(request.peer_urls) else ""
    learners = [one.id for one in members.members if one.learner]
    if isinstance(request, PromoteMember) and request.id not in learners:
        return MEMBER_NOT_LEARNER
    return NOT_ENOUGH_STARTED


def _fill(target: Any, member: MemberInfo) -> None:
    target.ID = member.id
    target.name = member.name
    target.peerURLs.extend(member.peer_urls)
    target.clientURLs.extend(member.client_urls)
    target.isLearner = member.learner


def _number(member: int) -> int:
    if member > _ID_MAX:
        # No number of ours is that large, and the wire between actors takes none.
        raise GrpcError(Code.NOT_FOUND, MEMBER_NOT_FOUND)
    return member


def _urls(urls: Any) -> tuple[str, ...]:
    """Check addresses as etcd does: http or https, a host and a port, no path."""
    for url in urls:
        try:
            parts = urlsplit(url)
            good = parts.scheme in ("http", "https") and parts.hostname and parts.port
        except ValueError:
            good = False
        if not good or parts.path:
            raise GrpcError(Code.INVALID_ARGUMENT, BAD_URLS)
    if not urls:
        raise GrpcError(Code.INVALID_ARGUMENT, BAD_URLS)
    return tuple(urls)
