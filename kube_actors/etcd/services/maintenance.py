"""etcd's Maintenance service, of the member that is asked.

A snapshot is a file of our own format, with etcd's framing around it: pieces, then the SHA-256 of
all of them. It is restored by our tools; etcd's cannot read it, nor ours a bbolt file.
"""

import hashlib
from collections.abc import AsyncIterator
from typing import Any

from kube_actors.etcd.failures import BAD_TRANSFEREE, NO_LEADER, NOT_LEADER
from kube_actors.etcd.grpc import Answers, Code, GrpcError, Methods, Streaming, Unary
from kube_actors.etcd.schema import Parser, pb
from kube_actors.etcd.services.administration import Administration
from kube_actors.etcd.services.origin import Origin
from kube_actors.store.messages import (
    ActivateAlarm,
    AlarmKind,
    Defragment,
    DisarmAlarm,
    GetHash,
    GetStatus,
    ListAlarms,
    ListMembers,
    MemberStatus,
    MoveLeader,
)
from kube_actors.store.saved import padding_of

_BLOB_BYTES = 64 << 10
VERSION = "3.5.1"
"""The version of the API that is spoken; what clients compare."""
_GET, _ACTIVATE, _DEACTIVATE = 0, 1, 2
_KINDS = {1: AlarmKind.NOSPACE, 2: AlarmKind.CORRUPT}
_NUMBERS = {kind: number for number, kind in _KINDS.items()}


class MaintenanceService:
    """Alarm, Status, Defragment, Hash, HashKV, Snapshot, MoveLeader; Downgrade is refused."""

    def __init__(self, administration: Administration, origin: Origin) -> None:
        self._administration = administration
        self._origin = origin

    def methods(self) -> Methods:
        """Every method of etcdserverpb.Maintenance."""
        service = "/etcdserverpb.Maintenance"
        return {
            f"{service}/Alarm": Unary(Parser(pb.AlarmRequest), self.alarm),
            f"{service}/Status": Unary(Parser(pb.StatusRequest), self.status),
            f"{service}/Defragment": Unary(Parser(pb.DefragmentRequest), self.defragment),
            f"{service}/Hash": Unary(Parser(pb.HashRequest), self.hash),
            f"{service}/HashKV": Unary(Parser(pb.HashKVRequest), self.hash_kv),
            f"{service}/Snapshot": Streaming(Parser(pb.SnapshotRequest), self.snapshot),
            f"{service}/MoveLeader": Unary(Parser(pb.MoveLeaderRequest), self.move_leader),
            f"{service}/Downgrade": Unary(Parser(pb.DowngradeRequest), self.downgrade),
        }

    async def alarm(self, request: Any) -> Any:
        """Alarm: list, raise or disarm NOSPACE and CORRUPT; answered with those that were meant."""
        kind = _KINDS.get(request.alarm)
        if request.action == _GET:
            alarms = await self._administration.group(ListAlarms())
            chosen = [one for one in alarms.alarms if kind is None or one.kind is kind]
        else:
            if kind is None or request.action not in (_ACTIVATE, _DEACTIVATE):
                raise GrpcError(Code.INVALID_ARGUMENT, "etcdserver: unknown alarm")
            change = ActivateAlarm if request.action == _ACTIVATE else DisarmAlarm
            alarms = await self._administration.group(change(request.memberID, kind))
            chosen = list(alarms.alarms)
        answer = pb.AlarmResponse()
        for one in chosen:
            answer.alarms.add(memberID=one.member, alarm=_NUMBERS[one.kind])
        return await self._origin.fill(answer)

    async def status(self, request: Any) -> Any:
        """Status of the member that is asked, alarms and sizes in bytes included."""
        status = await self._own()
        answer = pb.StatusResponse(
            version=VERSION,
            dbSize=status.size_bytes,
            dbSizeInUse=status.size_in_use_bytes,
            dbSizeQuota=status.quota_bytes,
            leader=status.leader,
            raftIndex=status.commit_index,
            raftAppliedIndex=status.applied_index,
            raftTerm=status.term,
            isLearner=status.learner,
            storageVersion="3.5.0",
        )
        if not status.leader:
            answer.errors.append(NO_LEADER)
        for alarm in status.alarms:
            answer.errors.append(f"memberID:{alarm.member} alarm:{alarm.kind.name} ")
        self._origin.stamp(answer.header, status, status.revision)
        return answer

    async def defragment(self, request: Any) -> Any:
        """Defragment the member that is asked, and return when it is done."""
        await self._administration.home(Defragment())
        return await self._origin.fill(pb.DefragmentResponse())

    async def hash(self, request: Any) -> Any:
        """Hash of everything the asked member holds, cut to 32 bits."""
        found = await self._administration.home(GetHash(0))
        return await self._origin.fill(pb.HashResponse(hash=found.hash & 0xFFFFFFFF))

    async def hash_kv(self, request: Any) -> Any:
        """HashKV at a revision, cut to 32 bits: equal at all members, or one is corrupt."""
        found = await self._administration.home(GetHash(request.revision))
        answer = pb.HashKVResponse(
            hash=found.hash & 0xFFFFFFFF,
            compact_revision=found.compact_revision,
            hash_revision=found.revision,
        )
        return await self._origin.fill(answer)

    async def snapshot(self, requests: AsyncIterator[Any], answers: Answers) -> None:
        """Stream the member's state, padded to whole pages, then its digest, as etcd does."""
        async for _ in requests:
            break
        digest = hashlib.sha256()
        total = 0
        async with self._administration.snapshot() as parts:
            async for part in parts:
                data = bytes(part.data)
                total += len(data)
                if not part.remaining_bytes:
                    data += padding_of(total)
                digest.update(data)
                for start in range(0, len(data), _BLOB_BYTES):
                    blob = data[start : start + _BLOB_BYTES]
                    left = part.remaining_bytes + len(data) - start - len(blob)
                    await answers.send(pb.SnapshotResponse(remaining_bytes=left, blob=blob))
        await answers.send(pb.SnapshotResponse(remaining_bytes=0, blob=digest.digest()))

    async def move_leader(self, request: Any) -> Any:
        """MoveLeader; raises GrpcError unless the leader itself is asked, about another voter."""
        status = await self._own()
        if status.leader != status.member:
            raise GrpcError(Code.FAILED_PRECONDITION, NOT_LEADER)
        listed = await self._administration.group(ListMembers(True))
        if request.targetID not in [one.id for one in listed.members if not one.learner]:
            raise GrpcError(Code.FAILED_PRECONDITION, BAD_TRANSFEREE)
        await self._administration.home(MoveLeader(request.targetID))
        return await self._origin.fill(pb.MoveLeaderResponse())

    async def _own(self) -> MemberStatus:
        """Ask the home member how it is: another's answer would hide that it is not there."""
        status = await self._administration.home(GetStatus())
        assert isinstance(status, MemberStatus)
        return status

    async def downgrade(self, request: Any) -> Any:
        """Downgrade: UNIMPLEMENTED, for there is one format."""
        raise GrpcError(
            Code.UNIMPLEMENTED, "Downgrade: this store keeps one format and has no versions"
        )
