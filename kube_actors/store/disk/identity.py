"""Which member a disk belongs to, when that is not what the configuration says.

A member that lost its log has lost its promises with it: whom it voted for and what it said it
had stored. Under its old number it could vote twice in a term, or elect somebody without an entry
that was decided with its help (Ongaro's thesis, 3.8; Alagappan et al., FAST 2018). No wait for
some index repairs that: an old candidate may still hold its vote, an old leader its answer. So the
old number is removed from the group and the place joins again under one that never promised
anything: as a learner first, as a voter once it has caught up. What happens between is written
here before it is relied on, so that it may be interrupted anywhere.
"""

import json
import os
from pathlib import Path
from typing import Protocol, runtime_checkable

from attrs import field, frozen
from attrs.validators import ge

from kube_actors.boundary import Boundary, Malformed
from kube_actors.store.disk.protocol import CorruptLog

FILE_NAME = "identity.json"
_BOUNDARY = Boundary()


@frozen
class Identity:
    """``replacing``: this number must be given up for a new one before anything else.

    ``rebuild`` says the same of whatever number is configured. ``member``: the number that this
    disk has; 0 means the configured one. ``promote``: it should vote as soon as it may.
    """

    member: int = field(default=0, validator=ge(0))
    replacing: int = field(default=0, validator=ge(0))
    promote: bool = False
    rebuild: bool = False


class IdentityKeeper(Protocol):
    """Remembers an identity beside the log."""

    def load(self) -> Identity:
        """Return what was kept, or the identity that says nothing. Raises CorruptLog."""

    def keep(self, identity: Identity) -> None:
        """Return when it is durable."""

    def set_aside(self) -> None:
        """Make room for a new log, keeping the old one where nobody reads it. Repeatable."""


@runtime_checkable
class KeepsIdentity(Protocol):
    """A disk that has a keeper."""

    @property
    def identity(self) -> IdentityKeeper:
        """What remembers which member this disk belongs to."""


class IdentityFile:
    """Keeps it in a member's directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._path = directory / FILE_NAME

    def load(self) -> Identity:
        """Read the file; one that is missing says nothing. Raises CorruptLog."""
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return Identity()
        try:
            return _BOUNDARY.read_json(Identity, data)
        except Malformed as error:
            raise CorruptLog(str(self._path), 0, f"not an identity: {error}") from error

    def keep(self, identity: Identity) -> None:
        """Replace the file: written aside, synced, renamed, and its directory synced."""
        temporary = self._path.with_name(FILE_NAME + ".new")
        with temporary.open("w") as file:
            json.dump(_BOUNDARY.write(identity), file)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(self._path)
        self._sync()

    def set_aside(self) -> None:
        """Move log and snapshots into the next free ``damaged-N``; no-op if there are none."""
        names = [
            name
            for name in sorted(os.listdir(self._directory))
            if name.startswith(("log-", "snapshot-"))
        ]
        if not names:
            return
        aside = self._aside()
        for name in names:
            (self._directory / name).rename(aside / name)
        self._sync()

    def _aside(self) -> Path:
        number = 1
        while (self._directory / f"damaged-{number}").exists():
            number += 1
        aside = self._directory / f"damaged-{number}"
        aside.mkdir()
        return aside

    def _sync(self) -> None:
        directory = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
