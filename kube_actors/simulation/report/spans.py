"""What a recording's events add up to: who was what from when to when, and how far commits went."""

import re
from collections.abc import Iterator

from attrs import frozen

from kube_actors.simulation.recording import RecordedEvent, Recording

__all__ = ["Span", "commits", "in_time", "lanes_in_order", "spans"]

NUMBERED = re.compile(r"(.*?)[ /-]?(\d*)\Z", re.DOTALL)

ENDS = {"crash": ("role", "pause"), "restart": ("down",), "pause": (), "resume": ("pause",)}
BEGINS = {"crash": "down", "pause": "pause"}


@frozen
class Span:
    """One lane was something from ``begin_s`` to ``end_s``.

    ``kind`` is ``role`` (``text`` says which, ``term`` when it was told), ``down`` or ``pause``.
    """

    lane: str
    kind: str
    begin_s: float
    end_s: float
    text: str = ""
    term: int = 0


def lanes_in_order(recording: Recording) -> list[str]:
    """The lanes for a person: those with roles first, what differs only in a number together."""
    with_roles = {event.lane for event in recording.events if event.kind == "role"}
    groups: dict[str, int] = {}
    keys: dict[str, tuple[bool, int, int]] = {}
    for lane in recording.lanes:
        match = NUMBERED.match(lane)
        name, number = match.groups() if match else (lane, "")
        group = groups.setdefault(name, len(groups))
        keys[lane] = (lane not in with_roles, group, int(number[:18] or 0))
    return sorted(recording.lanes, key=keys.__getitem__)


def in_time(recording: Recording) -> list[RecordedEvent]:
    """The events by time; those of one time as they were written."""
    return sorted(recording.events, key=lambda event: event.time_s)


def spans(recording: Recording) -> list[Span]:
    """Every span, ordered by begin. A span that is never closed ends with the recording."""
    running: dict[tuple[str, str], RecordedEvent] = {}
    found: list[Span] = []

    def close(lane: str, kind: str, end_s: float) -> None:
        begun = running.pop((lane, kind), None)
        if begun is not None:
            found.append(_span(begun, kind, end_s))

    for event in in_time(recording):
        if event.kind == "role":
            close(event.lane, "role", event.time_s)
            close(event.lane, "down", event.time_s)
            running[event.lane, "role"] = event
            continue
        for kind in ENDS.get(event.kind, ()):
            close(event.lane, kind, event.time_s)
        if event.kind in BEGINS:
            running.setdefault((event.lane, BEGINS[event.kind]), event)
    end_s = recording.end_s
    for lane, kind in list(running):
        close(lane, kind, end_s)
    return sorted(found, key=lambda span: (span.begin_s, span.end_s))


def _span(begun: RecordedEvent, kind: str, end_s: float) -> Span:
    term = begun.data.get("term", 0)
    return Span(
        begun.lane, kind, begun.time_s, end_s, begun.text, term if isinstance(term, int) else 0
    )


def commits(recording: Recording) -> Iterator[tuple[str, float, int]]:
    """Every lane's commit index over time: lane, seconds, index."""
    for event in in_time(recording):
        index = event.data.get("index")
        if event.kind == "commit" and isinstance(index, int):
            yield event.lane, event.time_s, index
