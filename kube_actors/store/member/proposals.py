"""The requests that this member took and that are not applied yet.

Each has a sequence number, under which every member applies it at most once however often it is
sent: to the leader of the day, again to its successor, again after a silence. So a change of
leader costs a request nothing but time. Pure bookkeeping: time is the member's ticks.
"""

from collections import deque
from collections.abc import Callable, Iterator

from attrs import define

from kube_actors.actor import ActorError, Delivery
from kube_actors.store.messages import (
    Command,
    LeaseCheckpoint,
    NoQuorum,
    OutcomeUnknown,
    Proposal,
    Put,
    Txn,
)


@define(eq=False)
class Pending:
    """One request; ``delivery`` is None for the member's own. ``sent_tick`` -1: never sent."""

    sequence: int
    request: Proposal
    delivery: Delivery | None
    size: int
    taken_tick: int
    sent_tick: int = -1
    queued: bool = True


class Proposals:
    """Requests by sequence, and the queue of those to be sent (again)."""

    def __init__(self, member: int, incarnation: int, pending_max: int) -> None:
        self._member = member
        self._incarnation = incarnation
        self._pending_max = pending_max
        self._sequence = 0
        self._pending: dict[int, Pending] = {}
        self._queue: deque[Pending] = deque()

    def __len__(self) -> int:
        return len(self._pending)

    @property
    def full(self) -> bool:
        """Say whether no more may be added: ``pending_max`` are awaited."""
        return len(self._pending) >= self._pending_max

    @property
    def queued(self) -> bool:
        """Say whether anything waits to be sent, for the first time or again."""
        return bool(self._queue)

    def add(self, request: Proposal, delivery: Delivery | None, tick: int) -> Pending:
        """Take a request and queue it."""
        self._sequence += 1
        size = size_of(request)
        pending = Pending(self._sequence, request, delivery, size, tick)
        self._pending[pending.sequence] = pending
        self._queue.append(pending)
        return pending

    def awaits(self, pending: Pending) -> bool:
        """Say whether a request is neither applied nor given up."""
        return pending.sequence in self._pending

    def withdraw(self, pending: Pending) -> bool:
        """Do not send a request (again); say whether it was still awaited. It is not answered."""
        return self._pending.pop(pending.sequence, None) is not None

    def next_batch(self, count_max: int, bytes_max: int, tick: int) -> tuple[Command, ...]:
        """Remove from the queue what may travel together; it counts as sent, and is awaited.

        At least one request if there is any, else none after ``bytes_max`` bytes.
        """
        floor = next(iter(self._pending), self._sequence + 1)
        commands: list[Command] = []
        size = 0
        queue = self._queue
        while queue and len(commands) < count_max and (not commands or size < bytes_max):
            pending = queue.popleft()
            pending.queued = False
            delivery = pending.delivery
            if pending.sequence not in self._pending:
                continue
            if pending.sent_tick < 0 and delivery is not None and delivery.cancelled:
                del self._pending[pending.sequence]
                continue
            pending.sent_tick = tick
            size += pending.size
            commands.append(
                Command(self._member, self._incarnation, pending.sequence, floor, pending.request)
            )
        return tuple(commands)

    def resolve(self, command: Command) -> Pending | None:
        """Return who waits for a command that was just applied, if it is one of ours."""
        if command.member != self._member or command.incarnation != self._incarnation:
            return None
        return self._pending.pop(command.sequence, None)

    def settle(self, has_applied: Callable[[int, int, int], bool]) -> None:
        """Give up what a snapshot from the leader has applied: its answer is not in there."""
        member, incarnation = self._member, self._incarnation
        applied = [one for one in self._pending if has_applied(member, incarnation, one)]
        for sequence in applied:
            delivery = self._pending.pop(sequence).delivery
            if delivery is not None:
                delivery.fail(OutcomeUnknown("the request was decided while this member lagged"))

    def resend(self, sent_before: int) -> None:
        """Queue again what was sent at or before a tick: it is applied once all the same."""
        for pending in self._pending.values():
            if 0 <= pending.sent_tick <= sent_before and not pending.queued:
                pending.queued = True
                self._queue.append(pending)

    def expire(self, taken_before: int) -> Iterator[tuple[Pending, bool]]:
        """Give up what was taken at or before a tick; with each, whether it was ever sent."""
        while self._pending:
            pending = next(iter(self._pending.values()))
            if pending.taken_tick > taken_before:
                return
            del self._pending[pending.sequence]
            yield pending, pending.sent_tick >= 0

    def give_up(self, taken_before: int, answering: int, members: int) -> None:
        """Fail what was taken at or before a tick: unknown if it was sent, else not written."""
        for pending, sent in self.expire(taken_before):
            if pending.delivery is None:
                continue
            error: ActorError = NoQuorum(answering, members)
            if sent:
                lost = answering <= members // 2
                why = "the store lost its majority before" if lost else "it took too long until"
                error = OutcomeUnknown(f"{why} the write was decided")
            pending.delivery.fail(error)


def size_of(request: Proposal) -> int:
    """Estimate the bytes of a request in the log."""
    if isinstance(request, LeaseCheckpoint):
        return 64 + 18 * len(request.leases)
    if not isinstance(request, Txn):
        return 64
    size = 64
    for operations in (request.success, request.failure):
        for operation in operations:
            if isinstance(operation, Put):
                size += len(operation.key) + len(operation.value) + 32
            elif isinstance(operation, Txn):
                size += size_of(operation)
            else:
                size += len(operation.key) + 32
    return size
