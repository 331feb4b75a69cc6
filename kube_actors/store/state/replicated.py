"""The replicated state machine: keys, leases, sessions, roster, alarms, changed by commands alone.

The same commands in the same order make the same state on every member: nothing here knows a
clock, a random number or which member it is. A command that fails changes nothing, and its error
is its answer.
"""

from kube_actors.actor import ActorError
from kube_actors.store.messages import (
    ActivateAlarm,
    Alarms,
    AtRevision,
    Command,
    Compact,
    LeaseCheckpoint,
    LeaseGrant,
    LeaseRevoke,
    LeaseState,
    LeaseTimeToLive,
    Members,
    MemberStarted,
    Txn,
    TxnDone,
    UpdateMember,
)
from kube_actors.store.state.alarms import RaisedAlarms
from kube_actors.store.state.frozen import FrozenState
from kube_actors.store.state.keyspace import Keyspace
from kube_actors.store.state.leases import Leases
from kube_actors.store.state.roster import Roster
from kube_actors.store.state.sessions import Sessions
from kube_actors.store.state.steps import Steps, run
from kube_actors.store.state.txn import apply_txn

Answer = TxnDone | LeaseState | AtRevision | Members | Alarms | ActorError


class State:
    """All that the group remembers."""

    def __init__(self) -> None:
        self.keyspace = Keyspace()
        self.leases = Leases()
        self.sessions = Sessions()
        self.roster = Roster()
        self.alarms = RaisedAlarms()

    def apply(self, command: Command) -> Answer | None:
        """Apply a command once; None if it was applied before or is too old to be."""
        fresh = self.sessions.admit(
            command.member, command.incarnation, command.sequence, command.floor
        )
        if not fresh:
            return None
        request = command.request
        try:
            self.alarms.check(request)
            if isinstance(request, Txn):
                return apply_txn(self.keyspace, self.leases, request)
            if isinstance(request, LeaseGrant):
                granted = self.leases.grant(request.id, request.ttl_s)
                return LeaseState(granted.id, granted.ttl_s, granted.ttl_s)
            if isinstance(request, Compact):
                self.keyspace.compact(request.revision)
                return AtRevision(request.revision)
            if isinstance(request, LeaseRevoke):
                return self._revoke(request.id)
            if isinstance(request, LeaseCheckpoint):
                return self.leases.checkpoint(request)
            if isinstance(request, UpdateMember):
                return self.roster.update(request)
            if isinstance(request, MemberStarted):
                return self.roster.start(request.member)
            if isinstance(request, ActivateAlarm):
                return self.alarms.activate(request)
            return self.alarms.disarm(request)
        except ActorError as error:
            return error.with_traceback(None)

    def time_to_live(self, request: LeaseTimeToLive, remaining_s: int) -> LeaseState:
        """Describe a lease, of which ``remaining_s`` remains; one that is gone has ttl_s -1."""
        if request.id not in self.leases:
            return LeaseState(request.id, -1)
        lease = self.leases.get(request.id)
        keys = tuple(sorted(lease.keys)) if request.keys else ()
        return LeaseState(lease.id, remaining_s, lease.ttl_s, keys)

    def freeze(self) -> FrozenState:
        """Collect references to everything, for a snapshot."""
        return FrozenState(
            self.keyspace.freeze(),
            self.leases.freeze(),
            self.sessions.freeze(),
            self.roster.freeze(),
            self.alarms.all(),
        )

    @classmethod
    def restore(cls, frozen: FrozenState) -> "State":
        """Rebuild what was frozen, all at once."""
        return run(cls.restoring(frozen))

    @classmethod
    def restoring(cls, frozen: FrozenState) -> "Steps[State]":
        """Do the same in steps."""
        self = cls()
        self.keyspace = yield from Keyspace.restoring(frozen.keyspace)
        attached = [kv for kv in self.keyspace.scan(b"\0", b"\0") if kv.lease]
        yield
        self.leases = Leases.restore(frozen.leases, attached)
        self.sessions = Sessions.restore(frozen.sessions)
        self.roster = Roster.restore(frozen.roster)
        self.alarms = RaisedAlarms(frozen.alarms)
        return self

    def _revoke(self, lease: int) -> LeaseState:
        removed = self.leases.remove(lease)
        for key in sorted(removed.keys):
            self.keyspace.delete(key)
        self.keyspace.commit()
        return LeaseState(lease, -1, removed.ttl_s)
