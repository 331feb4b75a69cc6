"""The leader's half of leases: it alone measures their time, and proposes their end.

Three rules keep a lease from ending early. What a leader proposes about leases (ends,
checkpoints, renewals) is its own judgement and dies with its leadership: it is never passed on to
the next leader. A keep-alive is acknowledged only while no end of that lease is under way, and by
way of the log if a checkpoint of it is set or under way. And a new leader begins to measure when
it has applied everything its predecessors decided; from then on a lease has what the last
checkpoint left of it, or its whole time. So a lease without keep-alives is gone, after the last
change of leader, within the smaller of its time and what was left at the last checkpoint (every
``checkpoint_s``), and a tick and a write more.
"""

from collections.abc import Callable

from kube_actors.actor import ActorError, Delivery
from kube_actors.store.member.lease_deadlines import Expiry
from kube_actors.store.member.proposals import Pending, Proposals
from kube_actors.store.messages import (
    Command,
    LeaseCheckpoint,
    LeaseGrant,
    LeaseKeepAlive,
    LeaseRevoke,
    LeaseState,
    LeaseTimeToLive,
)
from kube_actors.store.state import Leases

REVOKES_MAX = 500
"""How many ends may be under way: a thousand leases that end together leave room for others."""

CHECKPOINT_LEASES = 1000
"""How many leases one checkpoint describes."""


class LeaseKeeper:
    """Minds the leases while this member leads. ``leases`` are those of the state of the day."""

    def __init__(
        self,
        leases: Callable[[], Leases],
        proposals: Proposals,
        now_s: Callable[[], float],
        checkpoint_s: float,
    ) -> None:
        self._leases = leases
        self._proposals = proposals
        self._now_s = now_s
        self._checkpoint_s = checkpoint_s
        self._checkpoint_at_s = 0.0
        self._expiry = Expiry()
        self._begun = False
        self._revokes: dict[int, Pending] = {}
        self._checkpoints: dict[int, Pending] = {}
        self._renewals: dict[int, list[Pending]] = {}
        self._waiting: dict[int, list[Delivery]] = {}
        """Keep-alives of leases whose end is under way."""

    def stop(self) -> list[Delivery]:
        """Cease to mind leases; return the keep-alives that the next leader must answer."""
        again = [delivery for waiting in self._waiting.values() for delivery in waiting]
        renewals = [pending for renewals in self._renewals.values() for pending in renewals]
        for pending in (*self._revokes.values(), *self._checkpoints.values(), *renewals):
            awaited = self._proposals.withdraw(pending)
            if awaited and pending.delivery is not None:
                again.append(pending.delivery)
        self._revokes.clear()
        self._checkpoints.clear()
        self._renewals.clear()
        self._waiting.clear()
        self._expiry.clear()
        self._begun = False
        return again

    def begin(self) -> None:
        """Begin to measure, unless that was done: all that was decided before is applied."""
        if self._begun:
            return
        self._begun = True
        now_s = self._now_s()
        self._checkpoint_at_s = now_s + self._checkpoint_s
        for lease in self._leases().all():
            self._expiry.renew(lease.id, lease.remaining_s or lease.ttl_s, now_s)

    # -- what was decided

    def applied(self, command: Command, answer: object) -> None:
        """Take note of a command that concerns leases."""
        request = command.request
        if not self._begun:
            return
        if isinstance(request, LeaseGrant):
            if isinstance(answer, LeaseState):
                self._expiry.renew(request.id, answer.ttl_s, self._now_s())
        elif isinstance(request, LeaseRevoke):
            self._revoked(request.id, answer)
        elif isinstance(request, LeaseCheckpoint) and isinstance(answer, LeaseState):
            for lease, remaining_s in zip(request.leases, request.remaining_s, strict=True):
                if remaining_s:
                    self._checkpoints.pop(lease, None)
                else:
                    self._renewed(lease, command.sequence)

    def _revoked(self, lease: int, answer: object) -> None:
        pending = self._revokes.pop(lease, None)
        if pending is not None:
            self._proposals.withdraw(pending)
        waiting = self._waiting.pop(lease, ())
        if lease in self._leases():
            for delivery in waiting:
                assert isinstance(answer, ActorError)
                delivery.fail(answer)
            return
        self._expiry.forget(lease)
        for delivery in waiting:
            delivery.reply(LeaseState(lease, -1))

    def _renewed(self, lease: int, sequence: int) -> None:
        self._renew(lease)
        left = [
            pending
            for pending in self._renewals.pop(lease, ())
            if pending.sequence != sequence and self._proposals.awaits(pending)
        ]
        if left:
            self._renewals[lease] = left

    def _renew(self, lease: int) -> None:
        if lease in self._leases():
            self._expiry.renew(lease, self._leases().get(lease).ttl_s, self._now_s())

    # -- what is asked

    def keep_alive(self, delivery: Delivery, request: LeaseKeepAlive, tick: int) -> None:
        """Renew a lease and answer; at once if nothing about it is under way.

        The caller has made sure that this member leads and has applied what was decided before.
        """
        lease = request.id
        self.begin()
        if lease not in self._leases():
            delivery.reply(LeaseState(lease, -1))
        elif lease in self._revokes:
            self._waiting.setdefault(lease, []).append(delivery)
        elif self._leases().get(lease).remaining_s or lease in self._checkpoints:
            clear = LeaseCheckpoint((lease,), (0,))
            pending = self._proposals.add(clear, delivery, tick)
            self._renewals.setdefault(lease, []).append(pending)
        else:
            self._renew(lease)
            ttl_s = self._leases().get(lease).ttl_s
            delivery.reply(LeaseState(lease, ttl_s, ttl_s))

    def remaining_s(self, request: LeaseTimeToLive) -> int:
        """Return whole seconds left of a lease, rounded up; 0 if it has none. Begins to measure."""
        self.begin()
        return self._expiry.remaining_s(request.id, self._now_s())

    # -- time

    def tick(self, tick: int) -> None:
        """Propose what is due: the ends of leases, and now and then what remains of the others."""
        if not self._begun:
            return
        now_s = self._now_s()
        room = REVOKES_MAX - len(self._revokes)
        for lease in self._expiry.over(now_s, room) if room > 0 else ():
            if not self._being_renewed(lease):
                self._revokes[lease] = self._proposals.add(LeaseRevoke(lease), None, tick)
        if now_s >= self._checkpoint_at_s:
            self._checkpoint_at_s = now_s + self._checkpoint_s
            self._checkpoint(now_s, tick)

    def _being_renewed(self, lease: int) -> bool:
        return any(self._proposals.awaits(pending) for pending in self._renewals.get(lease, ()))

    def _checkpoint(self, now_s: float, tick: int) -> None:
        """Let the next leader know how little is left of long leases."""
        found: list[tuple[int, int]] = []
        for lease in self._leases().all():
            remaining_s = self._expiry.remaining_s(lease.id, now_s)
            known_s = lease.remaining_s or lease.ttl_s
            if lease.ttl_s > self._checkpoint_s and 0 < remaining_s < known_s:
                found.append((lease.id, remaining_s))
        for at in range(0, len(found), CHECKPOINT_LEASES):
            part = found[at : at + CHECKPOINT_LEASES]
            request = LeaseCheckpoint(
                tuple(lease for lease, _ in part), tuple(left_s for _, left_s in part)
            )
            pending = self._proposals.add(request, None, tick)
            self._checkpoints.update((lease, pending) for lease, _ in part)
