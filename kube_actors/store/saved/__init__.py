"""Snapshots for people: saved from a running member, checked, and restored into a new group.

Also prepares directories: a member's to be rebuilt, a new group's from a saved file. What lies
there already is never overwritten.
"""

from kube_actors.store.saved.directories import NotAMember, prepare_rebuild, restore_directories
from kube_actors.store.saved.padding import padding_of
from kube_actors.store.saved.snapshot_file import (
    SavedSnapshot,
    decode_saved,
    disks_from_snapshot,
    encode_saved,
)

__all__ = [
    "NotAMember",
    "SavedSnapshot",
    "decode_saved",
    "disks_from_snapshot",
    "encode_saved",
    "padding_of",
    "prepare_rebuild",
    "restore_directories",
]
