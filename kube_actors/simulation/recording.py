"""What happened in a run, written down as it happens so that a person can look at it later.

A recording is four plain lists: events on lanes (a lane is a member, a client, an actor), messages
between lanes, windows in which a fault was in force, and violations. It knows no world, so any can
write into one. As JSON lines it is a file that reports are made from; a line that is
not one of these is refused with its number.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Literal, cast, get_args

from attrs import evolve, field, frozen

from kube_actors.boundary import Boundary, Malformed, parse_json, shown

__all__ = [
    "Datum",
    "RecordedEvent",
    "RecordedMessage",
    "RecordedViolation",
    "RecordedWindow",
    "Recording",
    "RecordingError",
]

Datum = int | float | str | bool
FORMAT = 1
Fate = Literal["delivered", "lost", "cut", "duplicate"]
FATES: tuple[str, ...] = get_args(Fate)
_BOUNDARY = Boundary(complete=True)


class RecordingError(ValueError):
    """A line that is not part of a recording. ``line`` counts from 1."""

    def __init__(self, line: int, text: str) -> None:
        super().__init__(f"line {line}: {text}")
        self.line = line
        self.text = text


@frozen
class RecordedEvent:
    """Something that happened on one lane.

    Kinds with a meaning to reports: ``role`` (``text`` is follower, candidate or leader; ``data``
    has ``term``), ``commit`` (``data`` has ``index``), ``apply``, ``crash``, ``restart``,
    ``pause``, ``resume``, ``operation``, ``object``, ``note``. Others are shown as they are.
    """

    step: int
    time_s: float
    lane: str
    kind: str
    text: str = ""
    data: Mapping[str, Datum] = field(factory=dict)


@frozen
class RecordedMessage:
    """One message between two lanes; ``received_s`` is None for one that never arrived.

    ``fate`` is ``delivered``, ``lost`` (chance), ``cut`` (a partition) or ``duplicate`` (a second
    delivery of what was already sent).
    """

    step: int
    sent_s: float
    source: str
    target: str
    received_s: float | None
    kind: str
    text: str = ""
    fate: Fate = "delivered"


@frozen
class RecordedWindow:
    """A time in which a fault was in force on some lanes; ``end_s`` None means to the end."""

    lanes: tuple[str, ...]
    begin_s: float
    end_s: float | None
    verb: str
    text: str = ""


@frozen
class RecordedViolation:
    """A property that did not hold; ``lane`` may be empty when no single one is to blame."""

    step: int
    time_s: float
    lane: str
    property: str
    text: str = ""


class Recording:
    """What one run wrote down. ``lanes`` keeps the order in which they were first named."""

    def __init__(self, scenario: str = "", seed: int = 0) -> None:
        self.scenario = scenario
        self.seed = seed
        self.lanes: dict[str, None] = {}
        self.events: list[RecordedEvent] = []
        self.messages: list[RecordedMessage] = []
        self.windows: list[RecordedWindow] = []
        self.violations: list[RecordedViolation] = []

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Recording) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return (
            f"Recording({self.scenario!r}, seed={self.seed}, events={len(self.events)}, "
            f"messages={len(self.messages)}, windows={len(self.windows)}, "
            f"violations={len(self.violations)})"
        )

    def lane(self, *names: str) -> None:
        """Give lanes their places before anything happens on them."""
        for name in names:
            self.lanes.setdefault(name)

    def event(
        self, step: int, time_s: float, lane: str, kind: str, text: str = "", **data: Datum
    ) -> None:
        """Write down one event; the keyword arguments become its ``data``."""
        self.lanes.setdefault(lane)
        self.events.append(RecordedEvent(step, time_s, lane, kind, text, data))

    def message(
        self,
        step: int,
        sent_s: float,
        source: str,
        target: str,
        received_s: float | None,
        kind: str,
        text: str = "",
        fate: str = "delivered",
    ) -> None:
        """Write down one message, when its fate is known."""
        assert fate in FATES, f"{fate!r} is not one of {FATES}"
        self.lanes.setdefault(source)
        self.lanes.setdefault(target)
        known = cast(Fate, fate)
        self.messages.append(
            RecordedMessage(step, sent_s, source, target, received_s, kind, text, known)
        )

    def window(
        self,
        lanes: str | Iterable[str],
        begin_s: float,
        end_s: float | None,
        verb: str,
        text: str = "",
    ) -> int:
        """Write down a fault; the answer closes it with ``close_window`` if its end is unknown."""
        names = (lanes,) if isinstance(lanes, str) else tuple(lanes)
        self.lane(*names)
        self.windows.append(RecordedWindow(names, begin_s, end_s, verb, text))
        return len(self.windows) - 1

    def close_window(self, window: int, end_s: float) -> None:
        """Say when a fault that was open ended."""
        self.windows[window] = evolve(self.windows[window], end_s=end_s)

    def violation(self, step: int, time_s: float, lane: str, property: str, text: str = "") -> None:
        """Write down a property that did not hold."""
        if lane:
            self.lanes.setdefault(lane)
        self.violations.append(RecordedViolation(step, time_s, lane, property, text))

    @property
    def end_s(self) -> float:
        """The time of the last event, message sent or violation; of a window if there is none.

        Windows do not count beside these: a fault may have been planned for later than the run got.
        """
        times = [event.time_s for event in self.events]
        times += [message.sent_s for message in self.messages]
        times += [violation.time_s for violation in self.violations]
        times = times or [w.begin_s if w.end_s is None else w.end_s for w in self.windows]
        return max(times, default=0.0)

    def to_json_lines(self) -> str:
        """Write a header line and then one line for each thing recorded."""
        header = _Header(FORMAT, self.scenario, self.seed, tuple(self.lanes))
        lines = [_encode(_BOUNDARY.write(header))]
        for word, records in self._records():
            lines += [_encode({"record": word, **_BOUNDARY.write(record)}) for record in records]
        return "".join(line + "\n" for line in lines)

    @classmethod
    def from_json_lines(cls, text: str) -> "Recording":
        """Read what ``to_json_lines`` wrote. Raises RecordingError naming the line."""
        number = 1
        try:
            first, *lines = text.split("\n")
            recording = cls._from_header(_decode(first))
            lists = dict(recording._records())
            for number, line in enumerate(lines, start=2):  # noqa: B007 - named in the refusal
                if line:
                    word, record = _read_record(_decode(line))
                    lists[word].append(record)
        except Malformed as error:
            raise RecordingError(number, str(error)) from None
        return recording

    @classmethod
    def _from_header(cls, header: dict[str, Any]) -> "Recording":
        if header.get("recording") != FORMAT:
            raise Malformed("", f'not the header of a recording ("recording": {FORMAT})')
        read = _BOUNDARY.read(_Header, header)
        recording = cls(read.scenario, read.seed)
        recording.lane(*read.lanes)
        return recording

    def _records(self) -> tuple[tuple[str, list[Any]], ...]:
        return (
            ("event", self.events),
            ("message", self.messages),
            ("window", self.windows),
            ("violation", self.violations),
        )


@frozen
class _Header:
    """The first line: which format, and the lanes in their order."""

    recording: int
    scenario: str
    seed: int
    lanes: tuple[str, ...]


RECORDS: dict[str, type[Any]] = {
    "event": RecordedEvent,
    "message": RecordedMessage,
    "window": RecordedWindow,
    "violation": RecordedViolation,
}


def _encode(value: Mapping[str, object]) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def _decode(line: str) -> dict[str, Any]:
    value = parse_json(line)
    if not isinstance(value, dict):
        raise Malformed("", f"expected an object, got {shown(value)}")
    return value


def _read_record(record: dict[str, Any]) -> tuple[str, Any]:
    word = record.pop("record", None)
    if not isinstance(word, str) or word not in RECORDS:
        raise Malformed("record", f"expected one of {', '.join(RECORDS)}, got {shown(word)}")
    return word, _BOUNDARY.read(RECORDS[word], record)
