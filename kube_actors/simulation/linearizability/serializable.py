"""Replay for reads that may be old but never wrong: each shows the state as of one revision.

A serializable read carries the revision that it was served at. Replaying the acknowledged writes in
the order of their revisions says what it must have shown; linearizability says nothing about it.
"""

from bisect import bisect_right
from collections.abc import Hashable, Iterable
from operator import itemgetter
from typing import Any

from attrs import frozen

__all__ = ["Replay", "RevisionRead", "RevisionWrite"]


@frozen
class RevisionWrite:
    """One key's value from a revision on; None when it was deleted."""

    revision: int
    key: Hashable
    value: Any


@frozen
class RevisionRead:
    """What one read at a revision answered; ``where`` is for a person."""

    revision: int
    key: Hashable
    value: Any
    where: str = ""


class Replay:
    """The values of every key over all revisions. Raises ValueError for two truths of one."""

    def __init__(self, writes: Iterable[RevisionWrite]) -> None:
        self.last_revision = 0
        self._values: dict[Hashable, list[tuple[int, Any]]] = {}
        for write in sorted(writes, key=lambda write: write.revision):
            before = self._values.setdefault(write.key, [])
            if before and before[-1][0] == write.revision and before[-1][1] != write.value:
                raise ValueError(
                    f"revision {write.revision} writes key {write.key!r} twice: "
                    f"{before[-1][1]!r} and {write.value!r}"
                )
            before.append((write.revision, write.value))
            self.last_revision = write.revision

    def at(self, revision: int, key: Hashable) -> Any:
        """The value of a key as of a revision; None when absent."""
        values = self._values.get(key, [])
        before = bisect_right(values, revision, key=itemgetter(0))
        return values[before - 1][1] if before else None

    def wrong(self, reads: Iterable[RevisionRead]) -> list[str]:
        """Say each read that shows no state there was, one line each."""
        lines = []
        for read in reads:
            if read.revision > self.last_revision:
                lines.append(
                    f"{read.where}: read of {read.key!r} at revision {read.revision}, "
                    f"but the last write has {self.last_revision}"
                )
            elif read.value != (expected := self.at(read.revision, read.key)):
                lines.append(
                    f"{read.where}: {read.key!r} was {expected!r} at revision "
                    f"{read.revision}, read {read.value!r}"
                )
        return lines
