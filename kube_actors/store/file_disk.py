"""A directory that holds one member's log and snapshots (filled in below)."""

from collections.abc import Sequence
from os import PathLike

from kube_actors.raft import Entry, HardState
from kube_actors.store.disk import Recovered, StateSnapshot


class FileDisk:
    """Implements ``Disk`` on a directory, created when missing."""

    def __init__(self, path: "str | PathLike[str]") -> None:
        self._path = path

    @property
    def size_bytes(self) -> int:
        raise NotImplementedError

    async def open(self) -> Recovered:
        raise NotImplementedError

    async def save(self, hard_state: HardState | None, entries: Sequence[Entry]) -> None:
        raise NotImplementedError

    async def save_snapshot(self, snapshot: StateSnapshot) -> None:
        raise NotImplementedError

    async def close(self) -> None:
        raise NotImplementedError
