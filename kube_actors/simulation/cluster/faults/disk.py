"""A member's disk in a simulated cluster: slow, full, failing, torn, rotten, astray or lost.

What was written and not synced is lost with the power, except for as much of its beginning as the
seed lets through: blocks reach the platter in order here, and a record that is cut is no record.
Damage shows when the disk is opened, as checksums show it.
"""

import math
from collections.abc import Sequence
from random import Random

import anyio

from kube_actors.raft import Entry, HardState
from kube_actors.store import CorruptLog, DiskFailed, MemoryDisk
from kube_actors.store.disk import Recovered

MEETS_S = 0.5
"""How long what a member had said before it met its damage may be under way."""


class SimulatedDisk(MemoryDisk):
    """``full`` refuses writes before anything of them is kept; ``torn`` counts partial losses.

    ``astray``: the next write is acknowledged and lands on top of older ones.
    """

    def __init__(self, seed: str, *, sync_s: float = 0.0) -> None:
        super().__init__(sync_s=sync_s)
        self.usual_sync_s = sync_s
        self.full = False
        self.torn = 0
        self.astray = False
        self._lost = False
        self._refuses_from_s = math.inf
        self._dice = Random(seed)
        self._under_way: list[tuple[HardState | None, Sequence[Entry]]] = []

    async def open(self) -> Recovered:
        """Give back what survived; after a power cut a part of what was being written is there.

        Raises CorruptLog if it was damaged; from a moment later on its member must refuse.
        """
        if not self._failed and not self._open:
            self._tear()
        try:
            return await super().open()
        except CorruptLog:
            self._refuse()
            raise

    async def save(self, hard_state: HardState | None, entries: Sequence[Entry]) -> None:
        """Write; what a power cut interrupts may be kept in part.

        Raises DiskFailed when it is ``full``, and then keeps nothing of it.
        """
        if self.full:
            raise DiskFailed("no space left on this simulated disk")
        self._under_way.append((hard_state, entries))
        await super().save(hard_state, entries)
        self._under_way.clear()
        if self.astray:
            self.astray = False
            self.damage()

    def lose(self) -> None:
        """Be another disk, an empty one, in the old one's place."""
        self._under_way.clear()
        self.wipe()
        self._lost = True
        self._refuse()

    def set_aside(self) -> None:
        """Begin anew and empty: what was damaged or lost no longer counts as hurt."""
        super().set_aside()
        self._under_way.clear()
        self._lost = self.astray = False
        self._refuses_from_s = math.inf

    @property
    def is_hurt(self) -> bool:
        """Whether something was damaged, or will be by the next write, and not rebuilt."""
        return self.astray or self._lost or self._corrupt

    @property
    def is_whole(self) -> bool:
        """Whether its member votes, with all that it ever acknowledged."""
        identity = self._identity
        return not (self.is_hurt or identity.replacing or identity.promote)

    @property
    def must_refuse(self) -> bool:
        """Whether its member knows of the damage, so that nothing may come from it."""
        return anyio.current_time() > self._refuses_from_s

    def _refuse(self) -> None:
        self._refuses_from_s = min(self._refuses_from_s, anyio.current_time() + MEETS_S)

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
