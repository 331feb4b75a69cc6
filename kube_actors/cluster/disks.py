"""The disks of a cluster's store members: they outlive the members that write to them.

A disk that has failed is not opened again as if nothing had happened; one whose log is damaged is
set aside, and its place is rebuilt from the others.
"""

from collections.abc import Callable
from pathlib import Path

import anyio

from kube_actors.cluster.faults import Faults
from kube_actors.store import Disk, DiskInUse, FileDisk, MemoryDisk, prepare_rebuild
from kube_actors.store.disk import Identity

CLOSE_S, CLOSE_ATTEMPTS = 0.1, 50
"""How long a member that was told to end may take to close its files."""


class StoreDisks:
    """A disk a master, by number: in ``data_dir``, in memory, or as ``given`` makes it.

    ``restored`` are disks that begin with the content of a snapshot.
    """

    def __init__(
        self,
        data_dir: Path | None,
        given: Callable[[int], Disk] | None = None,
        restored: dict[int, Disk] | None = None,
    ) -> None:
        self._data_dir = data_dir
        self._given = given
        self._disks: dict[int, Disk] = dict(restored or {})

    def open(self, number: int) -> Disk:
        """Return the disk of a member that starts; one that was ``given`` is asked for anew."""
        if self._given is not None:
            disk = self._disks[number] = self._given(number)
            return disk
        if number not in self._disks:
            self._disks[number] = (
                MemoryDisk() if self._data_dir is None else FileDisk(self._directory(number))
            )
        return self._disks[number]

    async def rebuild(self, faults: Faults, master: int) -> int:
        """Stop a master, put its store's log aside and start it again; return the old number.

        It gets everything from the others, so they must have a majority without it. Raises
        DiskError.
        """
        name = f"master/{master}"
        faults.kill(name)
        try:
            if self._data_dir is None:
                disk = self._disks[master]
                assert isinstance(disk, MemoryDisk)
                number = disk.load().member or master
                disk.keep(Identity(replacing=number))
            else:
                number = await _prepared(self._directory(master))
                # What failed once is not trusted again; this is another log.
                self._disks.pop(master, None)
        finally:
            faults.revive(name)
        return number

    def _directory(self, number: int) -> Path:
        assert self._data_dir is not None
        return self._data_dir / "store" / str(number)


async def _prepared(directory: Path) -> int:
    for _ in range(CLOSE_ATTEMPTS):
        try:
            return prepare_rebuild(directory)
        except DiskInUse:
            await anyio.sleep(CLOSE_S)
    return prepare_rebuild(directory)
