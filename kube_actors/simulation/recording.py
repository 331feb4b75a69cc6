"""What happened in a run, written down as it happens so that a person can look at it later.

A recording is four plain lists: events on lanes (a lane is a member, a client, an actor), messages
between lanes, windows in which a fault was in force, and violations. It imports nothing of ours, so
any world can write into one. As JSON lines it is a file that reports are made from; a line that is
not one of these is refused with its number.
"""

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from attrs import asdict, evolve, field, fields, frozen

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
FATES = ("delivered", "lost", "cut", "duplicate")


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
    fate: str = "delivered"


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
        self.messages.append(
            RecordedMessage(step, sent_s, source, target, received_s, kind, text, fate)
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
        header = {
            "recording": FORMAT,
            "scenario": self.scenario,
            "seed": self.seed,
            "lanes": list(self.lanes),
        }
        lines = [_encode(header)]
        for word, records in self._records():
            lines += [_encode({"record": word, **asdict(record)}) for record in records]
        return "".join(line + "\n" for line in lines)

    @classmethod
    def from_json_lines(cls, text: str) -> "Recording":
        """Read what ``to_json_lines`` wrote. Raises RecordingError naming the line."""
        lines = text.split("\n")
        recording = cls._from_header(_decode(1, lines[0]))
        lists = dict(recording._records())
        for number, line in enumerate(lines[1:], start=2):
            if not line:
                continue
            record = _decode(number, line)
            word = record.pop("record", None)
            if not isinstance(word, str) or word not in RECORDS:
                raise RecordingError(
                    number, f'"record" is {word!r}, expected one of {", ".join(RECORDS)}'
                )
            lists[word].append(_read_record(number, RECORDS[word], record))
        return recording

    @classmethod
    def _from_header(cls, header: dict[str, Any]) -> "Recording":
        if header.get("recording") != FORMAT:
            raise RecordingError(1, f'not the header of a recording ("recording": {FORMAT})')
        scenario, seed, lanes = (header.get(name) for name in ("scenario", "seed", "lanes"))
        if not isinstance(scenario, str) or type(seed) is not int or not _is_texts(lanes):
            raise RecordingError(1, "the header needs scenario (text), seed (integer) and lanes")
        assert isinstance(lanes, list)
        recording = cls(scenario, seed)
        recording.lane(*lanes)
        return recording

    def _records(self) -> tuple[tuple[str, list[Any]], ...]:
        return (
            ("event", self.events),
            ("message", self.messages),
            ("window", self.windows),
            ("violation", self.violations),
        )


RECORDS: dict[str, type[Any]] = {
    "event": RecordedEvent,
    "message": RecordedMessage,
    "window": RecordedWindow,
    "violation": RecordedViolation,
}
_NUMBERS = {"time_s", "sent_s", "begin_s"}
_OPEN_NUMBERS = {"received_s", "end_s"}

R = TypeVar("R")


def _encode(value: Mapping[str, object]) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def _decode(number: int, line: str) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise RecordingError(number, f"not JSON: {error}") from None
    if not isinstance(value, dict):
        raise RecordingError(number, f"expected an object, got {type(value).__name__}")
    return value


def _read_record(number: int, kind: type[R], record: dict[str, Any]) -> R:
    known = [attribute.name for attribute in fields(kind)]  # type: ignore[arg-type]
    if set(record) != set(known):
        wrong = sorted(set(record).symmetric_difference(known))
        raise RecordingError(
            number, f"{kind.__name__} has the fields {', '.join(known)}; check {', '.join(wrong)}"
        )
    for name, value in record.items():
        expected = _expected(name, value)
        if expected:
            raise RecordingError(number, f'"{name}" is {value!r}, expected {expected}')
    if "lanes" in record:
        record["lanes"] = tuple(record["lanes"])
    return kind(**record)


def _expected(name: str, value: object) -> str:
    """Say what a field should have been; empty when it is that."""
    right, expected = isinstance(value, str), "text"
    if name == "step":
        right, expected = type(value) is int, "an integer"
    elif name in _NUMBERS:
        right, expected = _is_number(value), "a number of seconds"
    elif name in _OPEN_NUMBERS:
        right, expected = value is None or _is_number(value), "a number of seconds or null"
    elif name == "lanes":
        right, expected = _is_texts(value), "a list of texts"
    elif name == "fate":
        right, expected = value in FATES, f"one of {', '.join(FATES)}"
    elif name == "data":
        right = isinstance(value, dict) and all(
            isinstance(datum, str | bool) or _is_number(datum) for datum in value.values()
        )
        expected = "an object of numbers, texts and booleans"
    return "" if right else expected


def _is_number(value: object) -> bool:
    return type(value) is int or (type(value) is float and math.isfinite(value))


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
