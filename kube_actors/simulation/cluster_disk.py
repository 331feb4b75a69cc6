"""A member's disk in a simulated cluster: slow, full, failing, and torn when its power goes.

What was written and not synced is lost with the power, except for as much of its beginning as the
seed lets through: blocks reach the platter in order here, and a record that is cut is no record.
"""

from collections.abc import Sequence
from random import Random

from kube_actors.raft import Entry, HardState
from kube_actors.store import DiskFailed, MemoryDisk
from kube_actors.store.disk import Recovered


class SimulatedDisk(MemoryDisk):
    """``full`` refuses writes before anything of them is kept; ``torn`` counts partial losses."""

    def __init__(self, seed: str, *, sync_s: float = 0.0) -> None:
        super().__init__(sync_s=sync_s)
        self.usual_sync_s = sync_s
        self.full = False
        self.torn = 0
        self._dice = Random(seed)
        self._under_way: list[tuple[HardState | None, Sequence[Entry]]] = []

    async def open(self) -> Recovered:
        if not self._failed and not self._open:
            self._tear()
        return await super().open()

    async def save(self, hard_state: HardState | None, entries: Sequence[Entry]) -> None:
        if self.full:
            raise DiskFailed("no space left on this simulated disk")
        self._under_way.append((hard_state, entries))
        await super().save(hard_state, entries)
        self._under_way.clear()

    def _tear(self) -> None:
        """Let through the beginning of what was under way when the power went."""
        for hard_state, entries in self._under_way:
            kept = self._dice.randint(0, len(entries))
            self._append(entries[:kept])
            self.torn += 1
            # A log file has the state behind its entries: what is cut off takes the state along.
            if kept < len(entries) or self._dice.random() < 0.5:
                break
            if hard_state is not None:
                self._hard_state = hard_state
        self._under_way.clear()
