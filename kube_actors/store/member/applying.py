"""Applies what the group has decided, at one member: state, answers, watches.

Between an entry and the state stands nothing that could differ from member to member. What does
differ comes after: the member that took a request answers it, the leader minds the leases, and
each feeds its own watchers.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from kube_actors.actor import ActorError, Delivery
from kube_actors.raft import Entry, EntryType
from kube_actors.store.collecting import without_collecting
from kube_actors.store.config import MemberConfig
from kube_actors.store.disk import StateSnapshot
from kube_actors.store.member.lease_keeper import LeaseKeeper
from kube_actors.store.member.proposals import Proposals
from kube_actors.store.messages import (
    Alarms,
    AtRevision,
    Batch,
    Command,
    CurrentRevision,
    LeaseKeepAlive,
    Leases,
    LeaseTimeToLive,
    ListAlarms,
    ListLeases,
    ListMembers,
    OutcomeUnknown,
    Range,
    decode_batch,
)
from kube_actors.store.state import Applied, State, read_range
from kube_actors.store.watch import Watches

ReadRequest = (
    Range
    | CurrentRevision
    | LeaseKeepAlive
    | LeaseTimeToLive
    | ListMembers
    | ListLeases
    | ListAlarms
)
"""What is answered from the state, once it is known to be new enough."""

MANY_ENTRIES = 16
"""So many at once are applied without the garbage collector, which costs something to stop."""

TRIM_REVISIONS = 256
"""How many compacted revisions give back their memory at a time."""


class Applier:
    """Changes ``applied`` entry by entry, and serves those who wait for it.

    ``config_applied`` is told of each configuration entry, ``spawn`` starts a task that belongs to
    the member, ``now_s`` is the loop's clock.
    """

    def __init__(
        self,
        config: MemberConfig,
        applied: Applied,
        proposals: Proposals,
        config_applied: Callable[[Entry], None],
        spawn: Callable[..., Any],
        now_s: Callable[[], float],
    ) -> None:
        self.applied = applied
        self.watches = Watches(
            applied.state.keyspace, spawn, config.watchers_max, config.request_bytes_max
        )
        self.keeper = LeaseKeeper(
            lambda: applied.state.leases, proposals, now_s, config.lease_checkpoint_s
        )
        self.elsewhere: dict[int, None] = {}
        """Who passed on what was applied since they were last told, while this member leads."""
        self._config = config
        self._config_applied = config_applied
        self._proposals = proposals
        self._leads = False
        self._own: dict[int, tuple[int, Batch]] = {}

    def proposed(self, index: int, term: int, batch: Batch) -> None:
        """Remember what this member has just proposed, to be spared from decoding it."""
        self._own[index] = (term, batch)

    def apply(self, entries: Sequence[Entry]) -> None:
        """Apply committed entries, answer those who wait, and feed the watchers."""
        if len(entries) < MANY_ENTRIES:
            self._apply_all(entries)
        else:
            with without_collecting():
                self._apply_all(entries)
        self.watches.publish()
        self._trim()

    def tick(self, tick: int) -> None:
        """Tell watchers now and then how far they are, and give back what was compacted."""
        if tick % self._config.progress_ticks == 0:
            self.watches.progress()
        self._trim()

    def _trim(self) -> None:
        keyspace = self.applied.state.keyspace
        if keyspace.untrimmed:
            keyspace.trim(TRIM_REVISIONS)

    def _apply_all(self, entries: Iterable[Entry]) -> None:
        applied = self.applied
        for entry in entries:
            applied.index = entry.index
            applied.term = entry.term
            own = self._own.pop(entry.index, None)
            if entry.type is EntryType.CONFIG:
                applied.state.roster.apply(entry)
                self._config_applied(entry)
            if not entry.data or entry.type is not EntryType.NORMAL:
                continue
            known = own is not None and own[0] == entry.term
            batch = own[1] if own is not None and known else decode_batch(entry.data)
            for command in batch.commands:
                self._apply(command)

    def _apply(self, command: Command) -> None:
        answer = self.applied.state.apply(command)
        if self._leads:
            self.keeper.applied(command, answer)
            if command.member != self._config.member:
                self.elsewhere[command.member] = None
        pending = self._proposals.resolve(command)
        if pending is None or pending.delivery is None:
            return
        if answer is None:
            pending.delivery.fail(OutcomeUnknown("the request was applied before it was taken"))
        elif isinstance(answer, ActorError):
            pending.delivery.fail(answer)
        else:
            pending.delivery.reply(answer)

    def lead(self, leads: bool) -> list[Delivery]:
        """Begin or cease to lead; return keep-alives that this member did not get to answer."""
        self._leads = leads
        self.elsewhere.clear()
        self._own.clear()
        return self.keeper.stop()

    @property
    def leads(self) -> bool:
        """Say whether ``lead`` was told so: answers about leases are this member's to give."""
        return self._leads

    def answer(self, delivery: Delivery) -> None:
        """Answer a read from the state as it is."""
        request = delivery.message
        try:
            delivery.reply(self._answer(request))
        except ActorError as error:
            delivery.fail(error.with_traceback(None))

    def _answer(self, request: object) -> Any:
        state = self.applied.state
        if isinstance(request, Range):
            return read_range(state.keyspace, request)
        if isinstance(request, ListMembers):
            return state.roster.members()
        if isinstance(request, ListAlarms):
            return Alarms(state.alarms.all())
        if isinstance(request, ListLeases):
            return Leases(tuple(lease.id for lease in state.leases.all()))
        if isinstance(request, CurrentRevision):
            return AtRevision(state.keyspace.revision)
        assert isinstance(request, LeaseTimeToLive)
        return state.time_to_live(request, self.keeper.remaining_s(request))

    def restore(self, snapshot: StateSnapshot, ready: State | None = None) -> None:
        """Replace the state by a newer one; watchers go on from where they were.

        ``ready`` is what was made of the snapshot already, for this member alone.
        """
        state = ready or State.restore(snapshot.state)
        self.applied.replace(state, snapshot.metadata)
        self._own.clear()
        self._proposals.settle(state.sessions.has_applied)
        self.watches.restart(state.keyspace)
