"""Where a cluster keeps its files: a directory of the user's, held by a lock, or a scratch one.

Two clusters on one directory would write each other's logs and clear each other's pods; the lock
is the kernel's, so a killed process leaves nothing to clean up. Numbers that the stored state
depends on, and a second cluster must not change, are kept beside it.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SCRATCH = "kube-actors-"
MARK = "scratch"
"""The lock of a directory that nobody wants to keep; one that is kept has another."""


class DirectoryRefused(OSError):
    """The directory cannot be used; the message says why and what to do."""


@contextmanager
def cluster_directory(data_dir: Path | None) -> Iterator[Path]:
    """Give the directory to use; a scratch one is removed at the end.

    Raises DirectoryRefused when another cluster holds it or it cannot be used.
    """
    if data_dir is None:
        scratch = Path(tempfile.mkdtemp(prefix=SCRATCH))
        held = _hold_scratch(scratch)
        try:
            yield scratch
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
            os.close(held)
        return
    lock = _hold(data_dir)
    try:
        yield data_dir
    finally:
        os.close(lock)


def sweep_scratch() -> None:
    """Remove the scratch directories of processes that were killed and could not."""
    for lock in sorted(Path(tempfile.gettempdir()).glob(f"{SCRATCH}*/{MARK}")):
        try:
            held = os.open(lock, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError:
            # Somebody else's, or just removed.
            continue
        try:
            if os.fstat(held).st_uid == os.geteuid():
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(lock.parent, ignore_errors=True)
        except OSError:
            # Its process lives.
            continue
        finally:
            os.close(held)


def _hold_scratch(scratch: Path) -> int:
    """Hold a directory that nobody else knows yet: it is swept only when its lock is free."""
    new = scratch / f"{MARK}.new"
    held = os.open(new, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    new.rename(scratch / MARK)
    return held


def kept_number(directory: Path | None, name: str) -> int | None:
    """Return the number that a former cluster kept; raises DirectoryRefused when it is damaged."""
    path = (directory or Path()) / name
    if directory is None or not path.exists():
        return None
    try:
        return int(path.read_text())
    except (OSError, ValueError) as error:
        raise DirectoryRefused(
            f"{path} does not hold a number ({error}): write there what it held, or begin with an "
            "empty directory"
        ) from error


def keep_number(directory: Path | None, name: str, number: int) -> None:
    """Keep it for the next cluster, whole or not at all."""
    if directory is not None:
        temporary = directory / f"{name}.new"
        with temporary.open("w") as file:
            file.write(f"{number}\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(directory / name)


def keep_masters(directory: Path | None, masters: int) -> None:
    """Keep how many masters vote here; raises DirectoryRefused when it was another number.

    Fewer could acknowledge what the others never hear of, and be outvoted by them later.
    """
    kept = kept_number(directory, "masters")
    if kept is None:
        keep_number(directory, "masters", masters)
    elif kept != masters:
        raise DirectoryRefused(
            f"{directory} holds a cluster of {kept} masters, not {masters}: start it with {kept}"
        )


def _hold(directory: Path) -> int:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise DirectoryRefused(
            f"cannot use {directory} as data directory ({error.strerror}): it must be one that "
            "can be written to; choose another --data-dir, or mend this one"
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise DirectoryRefused(
            f"{directory} is in use by another running cluster: stop that one first"
        ) from None
    return lock
