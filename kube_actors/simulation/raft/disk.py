"""The disk of one simulated member: frames with checksums, as the store writes them.

A frame is what one write makes durable. A checksum is taken to find every damage, so damage is
kept beside the frames instead of in their bytes: ``recover`` reads all frames and refuses at the
first that is not as it was written. Only a write that a crash cut short is cut off silently. The
``view``, what a power cut would leave, is kept up to date with every write, so that nothing has
to be replayed while a run goes on.
"""

from collections.abc import Iterable, Sequence

from attrs import Factory, define

from kube_actors.raft import Entry, HardState, Ready, Snapshot

Frame = tuple[Snapshot | None, Sequence[Entry], HardState | None]


class CorruptDisk(Exception):
    """A frame is damaged, and not by a torn last write: this disk must not be used."""


class DiskFailure(Exception):
    """A write or a flush failed: the member must stop, never try again."""


@define
class Durable:
    """What one disk would give back after a power cut."""

    hard_state: HardState = Factory(HardState)
    snapshot: Snapshot = Factory(Snapshot)
    entries: list[Entry] = Factory(list)

    @property
    def last_index(self) -> int:
        """The index of the last entry, or of the snapshot when no entry follows it."""
        return self.entries[-1].index if self.entries else self.snapshot.metadata.index

    def holds(self, index: int, term: int) -> bool:
        """Say whether that entry is here, or in the snapshot."""
        position = index - self.snapshot.metadata.index - 1
        if position < 0:
            return True
        return position < len(self.entries) and self.entries[position].term == term

    def write(self, frame: Frame) -> None:
        """Take in one frame; entries replace what followed the first one's place."""
        snapshot, entries, hard = frame
        if snapshot is not None:
            self.snapshot = snapshot
            self.entries = []
        if entries:
            position = entries[0].index - self.snapshot.metadata.index - 1
            if position < 0:
                entries = entries[-position:]
                position = 0
            if entries:
                if position < len(self.entries):
                    del self.entries[position:]
                self.entries.extend(entries)
        if hard is not None:
            self.hard_state = hard


class Disk:
    """``damage`` maps the position of a frame to what happened to it."""

    __slots__ = (
        "damage",
        "failing",
        "frames",
        "misdirect_next",
        "rot_next",
        "rot_on_read",
        "slow_us",
        "torn",
        "view",
        "wiped",
        "written",
    )

    def __init__(self) -> None:
        self.view = Durable()
        self.frames: list[Frame] = []
        self.damage: dict[int, str] = {}
        self.torn: Frame | None = None
        self.failing = ""
        self.slow_us = 0
        self.rot_on_read = False
        self.rot_next = False
        self.misdirect_next = 0.0
        self.written = 0
        self.wiped = False

    def write(self, frame: Frame) -> None:
        """Make one frame durable."""
        self.view.write(frame)
        self.frames.append(frame)
        self.written += 1
        if self.rot_next or self.misdirect_next:
            self._damage_this()

    def _damage_this(self) -> None:
        if self.rot_next:
            self.rot_next = False
            self.damage[len(self.frames) - 1] = "the checksum is wrong"
        if self.misdirect_next:
            position = int(self.misdirect_next * (len(self.frames) - 1))
            self.misdirect_next = 0.0
            self.damage[position] = f"the frame of {len(self.frames) - 1} lies here"

    def compact(self, snapshot: Snapshot) -> None:
        """Replace the log up to a snapshot of this member's own by it: a new file."""
        view = self.view
        drop = snapshot.metadata.index - view.snapshot.metadata.index
        if drop > 0:
            view.entries = view.entries[drop:]
            view.snapshot = snapshot
            self.frames = [(snapshot, tuple(view.entries), view.hard_state)]
            self.damage.clear()

    def rot(self, place: float) -> bool:
        """Flip a bit in the frame at ``place``, 0 to 1 of all; say whether there is one."""
        if not self.frames:
            return False
        position = min(int(place * len(self.frames)), len(self.frames) - 1)
        self.damage[position] = "the checksum is wrong"
        return True

    def wipe(self) -> None:
        """Lose everything."""
        self.__init__()  # type: ignore[misc]
        self.wiped = True

    def recover(self) -> tuple[HardState, Snapshot, list[Entry]]:
        """Read everything back. Raises CorruptDisk; cuts a torn last write."""
        if self.rot_on_read:
            self.rot_on_read = False
            raise CorruptDisk("a frame was read with a wrong checksum")
        if self.damage:
            position = min(self.damage)
            raise CorruptDisk(f"frame {position} of {len(self.frames)}: {self.damage[position]}")
        self.torn = None
        view = self.view
        return view.hard_state, view.snapshot, list(view.entries)

    def replay(self, frames: Iterable[Frame]) -> Durable:
        """Return what these frames alone would amount to."""
        found = Durable()
        for frame in frames:
            found.write(frame)
        return found


def frames_of(ready: Ready, *, atomic: bool, middle: float) -> list[Frame]:
    """Lay out what one Ready asks to be written: one frame, or one per part."""
    snapshot, entries, hard = ready.snapshot, ready.entries, ready.hard_state
    if snapshot is None and not entries and hard is None:
        return []
    if atomic:
        return [(snapshot, entries, hard)]
    frames: list[Frame] = []
    if snapshot is not None:
        frames.append((snapshot, (), None))
    if entries:
        cut = int(middle * (len(entries) + 1))
        frames += [(None, part, None) for part in (entries[:cut], entries[cut:]) if part]
    if hard is not None:
        frames.append((None, (), hard))
    return frames
