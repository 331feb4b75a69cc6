"""Disks that rot, write where they should not, or are lost, and what an operator does about it.

The budget: a disk is only hurt while every other master's is whole and none of the dead is needed,
so a majority always has every entry that was decided. A disk counts as whole again when its place
has been rebuilt by the product's own ``rebuild_store`` and votes again.
"""

from collections.abc import Mapping

import anyio

from kube_actors.cluster import Cluster
from kube_actors.simulation.cluster.faults.disk import SimulatedDisk

VERBS = ("disk-rot", "disk-misdirected", "disk-lost")
POWER_OFF_S = 0.05


class Damage:
    """Hurts disks within the budget; ``rebuilt`` counts what was mended."""

    def __init__(self, cluster: Cluster, disks: Mapping[int, SimulatedDisk]) -> None:
        self._cluster = cluster
        self._disks = disks
        self.rebuilt = 0

    def allows(self, dead: tuple[str, ...]) -> bool:
        """Whether the group can spare one more disk."""
        spent = len(self.hurt) + sum(name.startswith("master/") for name in dead)
        return spent + 1 <= (len(self._disks) - 1) // 2

    @property
    def hurt(self) -> tuple[int, ...]:
        """The masters whose disks are not, or not yet again, worth a vote."""
        return tuple(number for number, disk in self._disks.items() if not disk.is_whole)

    async def begin(self, verb: str, master: int) -> None:
        """Hurt a master's disk. Rot is met at once, by a restart; a write astray at the next."""
        disk, faults = self._disks[master], self._cluster.faults
        if verb == "disk-misdirected":
            disk.astray = True
            return
        name = f"master/{master}"
        faults.kill(name)
        # Nobody writes to it any more when its content goes.
        await anyio.sleep(POWER_OFF_S)
        if verb == "disk-lost":
            disk.lose()
        else:
            disk.damage()
        faults.revive(name)

    async def rebuild(self, master: int) -> None:
        """Do what an operator does about a disk that is not whole."""
        if self._disks[master].is_hurt:
            self.rebuilt += 1
            await self._cluster.rebuild_store(master)

    def refusing(self, master: int) -> bool:
        """Whether the member has met its damage and must be silent until it is rebuilt."""
        return self._disks[master].must_refuse
