"""A directory that holds one member's log and snapshots, written off the loop.

Every save is one gathering write and one ``fdatasync`` in a worker thread, so the loop goes on
collecting the next group commit meanwhile; or in the loop, where the disk is quick and its owner
allows it (``sync_pace``). A snapshot is written by another thread beside it.
"""

from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path
from typing import TypeVar

import anyio
from anyio import to_thread

from kube_actors.actor.loop import running_library
from kube_actors.raft import Entry, HardState, SnapshotMetadata
from kube_actors.store.collecting import without_collecting
from kube_actors.store.disk.identity import IdentityFile
from kube_actors.store.disk.log_files import LogFiles, failure
from kube_actors.store.disk.protocol import (
    CorruptLog,
    DiskFailed,
    DiskFull,
    Recovered,
    StateSnapshot,
)
from kube_actors.store.disk.records import SnapshotMark
from kube_actors.store.disk.recovery import LogContents, covered_by
from kube_actors.store.disk.snapshot_files import read_newest_snapshot, write_snapshot
from kube_actors.store.disk.sync_pace import SyncPace

T = TypeVar("T")

SEGMENT_BYTES = 16 << 20


class FileDisk:
    """Implements ``Disk`` on a directory, created when missing.

    ``loop_s`` is how many seconds a save may keep the event loop waiting: for a process that runs
    one member, a few milliseconds save it two changes of thread per write.
    """

    def __init__(
        self,
        path: "str | PathLike[str]",
        *,
        segment_bytes: int = SEGMENT_BYTES,
        loop_s: float = 0.0,
    ) -> None:
        self._path = Path(path)
        self._pace = SyncPace(loop_s)
        self._segment_bytes = segment_bytes
        self._log: LogFiles | None = None
        self._writing = anyio.Lock()
        self._bytes = 0
        self._failed: str | None = None
        self._time: Callable[[], float]

    @property
    def identity(self) -> IdentityFile:
        """Which member this directory belongs to."""
        return IdentityFile(self._path)

    @property
    def size_bytes(self) -> int:
        """Bytes of entries in the log since the newest snapshot, without their frames."""
        return self._bytes

    async def open(self) -> Recovered:
        """Recover in a thread; refuses for good after a failed sync. Raises DiskFailed too."""
        self._time = running_library().time
        return await self._run(self._open)

    async def save(self, hard_state: HardState | None, entries: Sequence[Entry]) -> None:
        """Write and ``fdatasync`` in a thread; return after that. Raises DiskFailed, DiskFull."""
        log = self._opened()
        size = sum(len(entry.data) for entry in entries)
        async with self._writing:
            await self._run(lambda: log.append(hard_state, entries))
        self._bytes += size

    def save_at_once(self, hard_state: HardState | None, entries: Sequence[Entry]) -> bool:
        """Write and ``fdatasync`` in the loop, if the disk is quick and nothing else is written."""
        log = self._opened()
        size = 0
        for entry in entries:
            size += len(entry.data)
        began_s = self._time()
        if not self._pace.in_loop(size, began_s) or self._writing.locked():
            return False
        try:
            log.append(hard_state, entries)
        except DiskFailed as error:
            self._note(error)
            raise
        ended_s = self._time()
        self._pace.took(ended_s - began_s, ended_s)
        self._bytes += size
        return True

    async def save_snapshot(self, snapshot: StateSnapshot) -> None:
        """Write the file beside the log, and then mark it there; both are synced."""
        log = self._opened()
        before = self._bytes
        metadata = snapshot.metadata

        def write() -> None:
            try:
                write_snapshot(self._path, log.log_id, snapshot)
            except OSError as error:
                raise failure(self._path, error) from error

        await self._run(write)
        async with self._writing:
            mark = SnapshotMark(metadata.index, metadata.term)
            await self._run(lambda: log.mark_snapshot(mark))
        self._bytes -= before

    async def close(self) -> None:
        """Let go of the directory's lock once the write that is under way has ended."""
        log, self._log = self._log, None
        if log is not None:
            async with self._writing:
                await self._run(log.close)

    def _open(self) -> Recovered:
        if self._failed is not None:
            raise DiskFailed(self._failed)
        log = LogFiles(self._path, self._segment_bytes)
        try:
            with without_collecting():
                contents = log.recover()
            snapshot = read_newest_snapshot(self._path, log.log_id)
            _check_snapshot(self._path, contents, snapshot.metadata if snapshot else None)
            entries = list(contents.entries) if contents else []
            mark: SnapshotMark | None = None
            if snapshot is not None:
                mark = SnapshotMark(snapshot.metadata.index, snapshot.metadata.term)
                if contents is None or contents.mark != mark:
                    entries = covered_by(entries, mark)
                entries = [entry for entry in entries if entry.index > mark.index]
            boots = log.begin(mark)
        except BaseException:
            log.close()
            raise
        self._log = log
        self._bytes = sum(len(entry.data) for entry in entries)
        hard_state = contents.hard_state if contents else HardState()
        return Recovered(boots, hard_state, snapshot, tuple(entries))

    def _opened(self) -> LogFiles:
        if self._log is None:
            raise DiskFailed(f"{self._path} is not open")
        return self._log

    async def _run(self, work: Callable[[], T]) -> T:
        try:
            return await to_thread.run_sync(work)
        except DiskFailed as error:
            self._note(error)
            raise

    def _note(self, error: DiskFailed) -> None:
        if not isinstance(error, DiskFull):
            # What the kernel shows from now on may be what it failed to write.
            self._failed = str(error)


def _check_snapshot(
    path: Path, contents: LogContents | None, metadata: SnapshotMetadata | None
) -> None:
    """Refuse a log whose snapshot is gone, or a snapshot whose log is."""
    if contents is None:
        if metadata is not None:
            raise CorruptLog(str(path), 0, f"snapshot {metadata.index} is here, its log is not")
        return
    index = metadata.index if metadata else 0
    if index < contents.mark.index:
        raise CorruptLog(
            str(path), 0, f"the snapshot of entry {contents.mark.index} is missing, found {index}"
        )
