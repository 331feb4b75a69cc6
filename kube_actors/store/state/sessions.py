"""Which requests were applied already: a request that was forwarded twice is applied once.

Each member numbers the requests that it takes; its incarnation grows with every start. A request
also says below which number that member expects no answer any more (``floor``), so only numbers
above it are remembered. What an older incarnation still has under way is refused: nobody waits
for it, and its author has been told that the outcome is unknown.
"""

from collections.abc import Iterable

from kube_actors.store.state.frozen import FrozenSession


class _Session:
    __slots__ = ("applied", "floor", "incarnation")

    def __init__(self, incarnation: int) -> None:
        self.incarnation = incarnation
        self.floor = 0
        self.applied: set[int] = set()


class Sessions:
    """One session per member that ever proposed."""

    def __init__(self) -> None:
        self._sessions: dict[int, _Session] = {}

    def admit(self, member: int, incarnation: int, sequence: int, floor: int) -> bool:
        """Say whether this request is new, and remember that it is applied."""
        session = self._sessions.get(member)
        if session is None or incarnation > session.incarnation:
            session = self._sessions[member] = _Session(incarnation)
        applied, known = session.applied, session.floor
        if incarnation < session.incarnation or sequence < known or sequence in applied:
            return False
        applied.add(sequence)
        if floor > known:
            if floor - known <= len(applied):
                for gone in range(known, floor):
                    applied.discard(gone)
            else:
                session.applied = {one for one in applied if one >= floor}
            session.floor = floor
        return True

    def has_applied(self, member: int, incarnation: int, sequence: int) -> bool:
        """Say whether a request was applied, or is too old to be."""
        session = self._sessions.get(member)
        if session is None or incarnation > session.incarnation:
            return False
        known = incarnation == session.incarnation
        return not known or sequence < session.floor or sequence in session.applied

    def freeze(self) -> tuple[FrozenSession, ...]:
        """Return the sessions by member, each with what it has applied in order."""
        return tuple(
            FrozenSession(member, one.incarnation, one.floor, tuple(sorted(one.applied)))
            for member, one in sorted(self._sessions.items())
        )

    @classmethod
    def restore(cls, frozen: Iterable[FrozenSession]) -> "Sessions":
        """Rebuild from a snapshot: what was applied before it is not applied again."""
        self = cls()
        for one in frozen:
            session = self._sessions[one.member] = _Session(one.incarnation)
            session.floor = one.floor
            session.applied = set(one.applied)
        return self
