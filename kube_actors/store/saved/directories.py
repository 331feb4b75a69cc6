"""Prepares a member's directory to be rebuilt, and fills new ones from a saved snapshot.

Everything is written so that an interruption leaves either what was or what will be.
"""

from pathlib import Path

from kube_actors.store.disk import (
    DiskError,
    FileDisk,
    Identity,
    IdentityFile,
    lock_directory,
    unlock_directory,
)
from kube_actors.store.saved.snapshot_file import FIRST_STATE, SavedSnapshot, restored


class NotAMember(DiskError):
    """The directory is no store member's; the message says what was looked for."""


def prepare_rebuild(directory: Path, number: int = 0) -> int:
    """Put the log aside and note that the member must be rebuilt; return its number.

    ``number`` 0 takes the one that the directory itself knows, from its identity or its name; if
    it knows none, 0 is returned and the next start takes the one that it is configured with. Then
    it gets everything from the other members. Raises DiskInUse while the member runs, NotAMember,
    CorruptLog when the identity is damaged and no number is given.
    """
    if (directory / "masters").exists():
        # A whole data directory has a lock too.
        raise NotAMember(
            f"{directory} is a data directory: name the member's own in it, {_in(directory)}"
        )
    if not (directory / "lock").exists():
        raise NotAMember(f"{directory} is no directory of a store member: it has no lock file")
    _refuse_alone(directory)
    lock = lock_directory(directory)
    try:
        keeper = IdentityFile(directory)
        number = number or _number_of(directory, keeper)
        keeper.keep(Identity(replacing=number, rebuild=True))
        keeper.set_aside()
    finally:
        unlock_directory(lock)
    return number


def _in(data_dir: Path) -> str:
    place = data_dir / "store"
    return str(place) if (place / "lock").exists() else f"{place}/1 or another number"


def _refuse_alone(directory: Path) -> None:
    """Leave the only copy there is where it is; a cluster writes beside it how many there are."""
    for path in (directory.parent / "masters", directory.parent.parent / "masters"):
        if path.exists() and path.read_text().strip() == "1":
            raise NotAMember(
                f"{directory} is the only member of its group: there is nobody to rebuild it from;"
                " restore a saved snapshot instead"
            )


def _number_of(directory: Path, keeper: IdentityFile) -> int:
    identity = keeper.load()
    number = identity.replacing or identity.member
    if number:
        return number
    return int(directory.name) if directory.name.isdecimal() else 0


async def restore_directories(
    saved: SavedSnapshot,
    directory: Path,
    members: int = 3,
    *,
    token: str = "",
    bump_revision: int = 0,
    mark_compacted: bool = False,
    alone: bool = False,
) -> list[Path]:
    """Fill ``directory/1`` and so on, a member's directory each, with the first state of a group.

    ``alone`` fills ``directory`` itself, for any one of the members: they begin alike. Raises
    NotAMember when one of them holds something already, DiskError.
    """
    snapshot = restored(
        saved, members, token=token, bump_revision=bump_revision, mark_compacted=mark_compacted
    )
    numbers = range(1, members + 1)
    places = [directory] if alone else [directory / str(number) for number in numbers]
    for place in places:
        if place.exists() and any(place.iterdir()):
            raise NotAMember(f"{place} is not empty: restore into a new directory")
    for place in places:
        disk = FileDisk(place)
        await disk.open()
        try:
            await disk.save_snapshot(snapshot)
            await disk.save(FIRST_STATE, ())
        finally:
            await disk.close()
    return places
