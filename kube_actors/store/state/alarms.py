"""Alarms that all members share, and what each of them forbids (etcd's apply-time rules).

NOSPACE refuses puts and new leases; deletions, compactions and the end of leases make room and go
on, and so do reads. CORRUPT refuses every change of the data: nobody knows which member is right.
Whether a command is refused is decided where it is applied, so it is the same on every member.
"""

from collections.abc import Iterable

from kube_actors.store.messages import (
    ActivateAlarm,
    Alarm,
    AlarmKind,
    Alarms,
    Corrupt,
    DisarmAlarm,
    LeaseGrant,
    MemberStarted,
    NoSpace,
    Put,
    Txn,
    UpdateMember,
)


def grows(request: object) -> bool:
    """Say whether a request may make the store larger."""
    if isinstance(request, Txn):
        return any(
            isinstance(operation, Put) or (isinstance(operation, Txn) and grows(operation))
            for operations in (request.success, request.failure)
            for operation in operations
        )
    return isinstance(request, LeaseGrant)


_ALWAYS = ActivateAlarm | DisarmAlarm | UpdateMember | MemberStarted


class RaisedAlarms:
    """The alarms by member and kind."""

    def __init__(self, alarms: Iterable[Alarm] = ()) -> None:
        self._alarms = {(alarm.member, alarm.kind): alarm for alarm in alarms}

    def all(self) -> tuple[Alarm, ...]:
        """Return the alarms, by member and kind."""
        return tuple(alarm for _, alarm in sorted(self._alarms.items()))

    def is_raised(self, kind: AlarmKind, member: int | None = None) -> bool:
        """Say whether anybody, or one member, has this alarm."""
        return any(k == kind and member in (None, m) for m, k in self._alarms)

    def activate(self, request: ActivateAlarm) -> Alarms:
        """Raise an alarm; one that is raised already keeps its text. Returns the one in force."""
        alarm = Alarm(request.member, request.kind, request.text)
        self._alarms.setdefault((request.member, request.kind), alarm)
        return Alarms((self._alarms[request.member, request.kind],))

    def disarm(self, request: DisarmAlarm) -> Alarms:
        """End a member's alarm, or everybody's; return what ended."""
        ended = [
            (member, kind)
            for member, kind in sorted(self._alarms)
            if kind == request.kind and request.member in (0, member)
        ]
        return Alarms(tuple(self._alarms.pop(one) for one in ended))

    def check(self, request: object) -> None:
        """Raise Corrupt or NoSpace if an alarm forbids this request."""
        if not self._alarms or isinstance(request, _ALWAYS):
            return
        self.check_corrupt()
        if grows(request) and self.is_raised(AlarmKind.NOSPACE):
            raise NoSpace()

    def check_corrupt(self) -> None:
        """Raise Corrupt if members disagree about the data."""
        texts = [
            f"store/{alarm.member}: {alarm.text}"
            for alarm in self.all()
            if alarm.kind == AlarmKind.CORRUPT
        ]
        if texts:
            raise Corrupt("; ".join(texts))
