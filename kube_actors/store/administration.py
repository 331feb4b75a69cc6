"""The store client's words for looking after a group: members, leader, alarms."""

from typing import Any, Protocol

from kube_actors.store.messages import (
    ActivateAlarm,
    AddMember,
    Alarm,
    AlarmKind,
    Alarms,
    Defragment,
    DisarmAlarm,
    Leases,
    ListAlarms,
    ListLeases,
    ListMembers,
    MemberInfo,
    Members,
    MemberStatus,
    MoveLeader,
    PromoteMember,
    RemoveMember,
    UpdateMember,
)


class _Caller(Protocol):
    async def _read(self, request: Any) -> Any: ...
    async def _write(self, request: Any) -> Any: ...


class Administration:
    """Mixed into ``StoreClient``. A change raises OutcomeUnknown when its fate was not learned:
    look at ``members()`` before asking again."""

    async def members(self: _Caller, *, serializable: bool = False) -> tuple[MemberInfo, ...]:
        """Return who belongs, learners too; ``serializable`` asks one member's own state."""
        answer = await self._read(ListMembers(serializable))
        assert isinstance(answer, Members)
        return answer.members

    async def add_member(
        self: _Caller,
        name: str = "",
        peer_urls: tuple[str, ...] = (),
        client_urls: tuple[str, ...] = (),
        *,
        learner: bool = False,
        address: str = "",
    ) -> MemberInfo:
        """Return the member that was added. Raises MembershipRefused."""
        answer = await self._write(AddMember(name, peer_urls, client_urls, learner, address))
        assert isinstance(answer, Members)
        return answer.members[-1]

    async def remove_member(self: _Caller, member: int) -> tuple[MemberInfo, ...]:
        """Raises MemberNotFound, MembershipRefused."""
        answer = await self._write(RemoveMember(member))
        assert isinstance(answer, Members)
        return answer.members

    async def promote_member(self: _Caller, member: int) -> tuple[MemberInfo, ...]:
        """Raises LearnerNotReady, MemberNotFound, MembershipRefused."""
        answer = await self._write(PromoteMember(member))
        assert isinstance(answer, Members)
        return answer.members

    async def update_member(
        self: _Caller,
        member: int,
        *,
        peer_urls: tuple[str, ...] = (),
        client_urls: tuple[str, ...] = (),
        name: str = "",
    ) -> tuple[MemberInfo, ...]:
        """Raises MemberNotFound."""
        answer = await self._write(UpdateMember(member, peer_urls, client_urls, name))
        assert isinstance(answer, Members)
        return answer.members

    async def move_leader(self: _Caller, target: int) -> MemberStatus:
        """Raises MemberNotFound, MembershipRefused."""
        answer = await self._write(MoveLeader(target))
        assert isinstance(answer, MemberStatus)
        return answer

    async def alarms(self: _Caller) -> tuple[Alarm, ...]:
        """Return the alarms that are raised; linearizable."""
        answer = await self._read(ListAlarms())
        assert isinstance(answer, Alarms)
        return answer.alarms

    async def activate_alarm(self: _Caller, member: int, kind: AlarmKind) -> tuple[Alarm, ...]:
        """Raise an alarm of a member; return the one that is raised, an older one if there was."""
        answer = await self._write(ActivateAlarm(member, kind))
        assert isinstance(answer, Alarms)
        return answer.alarms

    async def disarm_alarm(self: _Caller, member: int, kind: AlarmKind) -> tuple[Alarm, ...]:
        """Return the alarms that ended; ``member`` 0 means everybody's."""
        answer = await self._write(DisarmAlarm(member, kind))
        assert isinstance(answer, Alarms)
        return answer.alarms

    async def leases(self: _Caller) -> tuple[int, ...]:
        """Return the ids of all leases, in the order of their granting; linearizable."""
        answer = await self._read(ListLeases())
        assert isinstance(answer, Leases)
        return answer.ids

    async def defragment(self: _Caller) -> MemberStatus:
        """Defragment the preferred member; return how it is afterwards."""
        answer = await self._read(Defragment())
        assert isinstance(answer, MemberStatus)
        return answer
