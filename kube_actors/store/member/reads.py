"""Linearizable reads that wait: for the leader's word first, then for the log to be applied.

Reads that arrive together share one round of ReadIndex. A round that is not answered in time is
asked again under a new name; nothing is served on an old answer.
"""

from collections.abc import Iterator

from attrs import define

from kube_actors.actor import ActorError, Delivery


@define(eq=False)
class WaitingRead:
    """A request to be answered from the state; it gives up at ``taken_tick`` + the timeout."""

    delivery: Delivery
    taken_tick: int


@define(eq=False)
class _Round:
    reads: list[WaitingRead]
    asked_tick: int


class Reads:
    """Reads by what they wait for: to be asked, to be answered, to be applied."""

    def __init__(self, incarnation: int) -> None:
        self._incarnation = incarnation
        self._round = 0
        self._new: list[WaitingRead] = []
        self._asked: dict[bytes, _Round] = {}
        self._confirmed: list[tuple[int, list[WaitingRead]]] = []
        self.count = 0

    def add(self, delivery: Delivery, tick: int) -> None:
        """Let a read wait for the next round; ``tick`` is when it began to wait."""
        self._new.append(WaitingRead(delivery, tick))
        self.count += 1

    @property
    def unasked(self) -> bool:
        """Say whether any read waits for a round to begin."""
        return bool(self._new)

    def begin(self, tick: int) -> bytes:
        """Begin a round for all that are new; return the context to ask with."""
        self._round += 1
        context = b"%d.%d" % (self._incarnation, self._round)
        self._asked[context] = _Round(self._new, tick)
        self._new = []
        return context

    def abandon(self, context: bytes) -> None:
        """The round could not be asked: its reads are new again."""
        self._new = self._asked.pop(context).reads + self._new

    def ask_again(self, asked_before: int) -> None:
        """Make the reads of rounds asked at or before a tick new again."""
        for context in [c for c, one in self._asked.items() if one.asked_tick <= asked_before]:
            self.abandon(context)

    def confirm(self, context: bytes, index: int) -> None:
        """The leader says: whatever has applied ``index`` may answer this round."""
        found = self._asked.pop(context, None)
        if found is not None:
            self._confirmed.append((index, found.reads))

    def ready(self, applied: int) -> Iterator[Delivery]:
        """Remove and yield what can be answered now that ``applied`` is applied."""
        if not self._confirmed:
            return
        due = [reads for index, reads in self._confirmed if index <= applied]
        self._confirmed = [one for one in self._confirmed if one[0] > applied]
        for reads in due:
            self.count -= len(reads)
            for read in reads:
                yield read.delivery

    def fail(self, taken_before: int, error: ActorError) -> None:
        """Fail what was taken at or before a tick."""
        for reads in self._groups():
            late = [read for read in reads if read.taken_tick <= taken_before]
            if late:
                reads[:] = [read for read in reads if read.taken_tick > taken_before]
                self.count -= len(late)
                for read in late:
                    read.delivery.fail(error)

    def _groups(self) -> Iterator[list[WaitingRead]]:
        yield self._new
        for one in self._asked.values():
            yield one.reads
        for _, reads in self._confirmed:
            yield reads
