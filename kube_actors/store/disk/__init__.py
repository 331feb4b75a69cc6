"""The place that must not forget: the ``Disk`` protocol, a directory that keeps it, one in memory.

A log is frames with checksums in preallocated segments; snapshots are files written aside,
synced and renamed. Damage other than a torn tail is refused with file and offset, and a failed
sync is final. Nothing here knows Raft's messages or what the entries mean.
"""

from kube_actors.store.disk.file_disk import FileDisk
from kube_actors.store.disk.frames import BadFrame, TornTail, pack_frame, read_frames
from kube_actors.store.disk.identity import Identity, IdentityFile, IdentityKeeper, KeepsIdentity
from kube_actors.store.disk.log_files import lock_directory, unlock_directory
from kube_actors.store.disk.memory_disk import MemoryDisk
from kube_actors.store.disk.protocol import (
    CorruptLog,
    Disk,
    DiskError,
    DiskFailed,
    DiskFull,
    DiskInUse,
    LostLog,
    Recovered,
    SavesAtOnce,
    StateSnapshot,
)

__all__ = [
    "BadFrame",
    "CorruptLog",
    "Disk",
    "DiskError",
    "DiskFailed",
    "DiskFull",
    "DiskInUse",
    "FileDisk",
    "Identity",
    "IdentityFile",
    "IdentityKeeper",
    "KeepsIdentity",
    "LostLog",
    "MemoryDisk",
    "Recovered",
    "SavesAtOnce",
    "StateSnapshot",
    "TornTail",
    "lock_directory",
    "pack_frame",
    "read_frames",
    "unlock_directory",
]
