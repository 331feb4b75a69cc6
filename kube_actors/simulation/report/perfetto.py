"""A recording as a trace that ui.perfetto.dev and chrome://tracing open.

The format is Chrome's trace-event JSON. Each lane is a thread with its roles as slices; a second
thread beside it has a short slice for each message sent and received, tied by flow arrows; faults
are asynchronous slices, commits counters, and violations instants across everything. Simulated
microseconds are the trace's.
"""

import json
from collections.abc import Iterator
from typing import Any

from kube_actors.simulation.recording import Recording
from kube_actors.simulation.report.spans import commits, lanes_in_order, spans

__all__ = ["render"]

PROCESS = 1
MARKS = ("role", "commit")
TOUCH_US = 1.0

TraceEvent = dict[str, Any]


def render(recording: Recording) -> str:
    """Write the trace. Its events are ordered by time, after the names of the threads."""
    names = list(_names(recording))
    events = [
        *_spans(recording),
        *_marks(recording),
        *_messages(recording),
        *_windows(recording),
        *_violations(recording),
    ]
    events.sort(key=lambda event: event["ts"])
    other = {"scenario": recording.scenario, "seed": recording.seed}
    trace = {"traceEvents": [*names, *events], "displayTimeUnit": "ms", "otherData": other}
    return json.dumps(trace, separators=(",", ":"), allow_nan=False)


def _us(time_s: float) -> float:
    return round(time_s * 1e6, 3)


def _threads(recording: Recording) -> dict[str, int]:
    return {lane: 10 * (i + 1) for i, lane in enumerate(lanes_in_order(recording))}


def _event(phase: str, name: str, category: str, time_s: float, thread: int) -> TraceEvent:
    return {
        "ph": phase,
        "name": name,
        "cat": category,
        "ts": _us(time_s),
        "pid": PROCESS,
        "tid": thread,
    }


def _names(recording: Recording) -> Iterator[TraceEvent]:
    title = f"{recording.scenario} seed {recording.seed}".strip()
    yield _metadata("process_name", 0, {"name": title})
    for lane, thread in _threads(recording).items():
        for offset, name in ((0, lane), (1, f"{lane} messages")):
            yield _metadata("thread_name", thread + offset, {"name": name})
            yield _metadata("thread_sort_index", thread + offset, {"sort_index": thread + offset})


def _metadata(name: str, thread: int, arguments: dict[str, object]) -> TraceEvent:
    return {"ph": "M", "name": name, "pid": PROCESS, "tid": thread, "args": arguments}


def _spans(recording: Recording) -> Iterator[TraceEvent]:
    threads = _threads(recording)
    for span in spans(recording):
        thread = threads[span.lane]
        if span.kind == "pause":
            yield from _asynchronous("paused", "pause", thread, span.begin_s, span.end_s, {})
            continue
        name = f"{span.text}, term {span.term}" if span.kind == "role" else "down"
        yield _event("X", name, span.kind, span.begin_s, thread) | {
            "dur": max(0.0, round(_us(span.end_s) - _us(span.begin_s), 3)),
            "args": {"term": span.term},
        }


def _asynchronous(
    name: str, category: str, thread: int, begin_s: float, end_s: float, arguments: dict[str, Any]
) -> Iterator[TraceEvent]:
    shared = {"id": f"{category}-{name}-{thread}-{begin_s!r}"}
    yield _event("b", name, category, begin_s, thread) | shared | {"args": arguments}
    yield _event("e", name, category, end_s, thread) | shared


def _marks(recording: Recording) -> Iterator[TraceEvent]:
    threads = _threads(recording)
    for event in recording.events:
        if event.kind not in MARKS:
            name = f"{event.kind} {event.text}".strip()
            arguments = {"step": event.step, **event.data}
            yield _event("i", name, event.kind, event.time_s, threads[event.lane]) | {
                "s": "t",
                "args": arguments,
            }
    for lane, time_s, index in commits(recording):
        yield _event("C", f"commit {lane}", "commit", time_s, threads[lane]) | {
            "args": {"index": index}
        }


def _messages(recording: Recording) -> Iterator[TraceEvent]:
    threads = _threads(recording)
    for number, message in enumerate(recording.messages):
        arguments = {"text": message.text, "fate": message.fate, "step": message.step}
        name = message.kind if message.fate == "delivered" else f"{message.kind} ({message.fate})"
        source, target = threads[message.source] + 1, threads[message.target] + 1
        touch = {"dur": TOUCH_US, "args": arguments}
        flow = {"id": number}
        yield _event("X", f"{name} to {message.target}", "sent", message.sent_s, source) | touch
        if message.received_s is None:
            continue
        yield _event("s", message.kind, "message", message.sent_s, source) | flow
        received = f"{name} from {message.source}"
        yield _event("X", received, "received", message.received_s, target) | touch
        end = _event("f", message.kind, "message", message.received_s, target)
        yield end | flow | {"bp": "e"}


def _windows(recording: Recording) -> Iterator[TraceEvent]:
    threads, last_s = _threads(recording), recording.end_s
    for window in recording.windows:
        if window.begin_s > last_s:
            continue
        end_s = last_s if window.end_s is None else min(window.end_s, last_s)
        for lane in window.lanes:
            arguments = {"text": window.text}
            yield from _asynchronous(
                window.verb, "fault", threads[lane], window.begin_s, end_s, arguments
            )


def _violations(recording: Recording) -> Iterator[TraceEvent]:
    threads = _threads(recording)
    for violation in recording.violations:
        thread = threads.get(violation.lane, 0)
        name = f"VIOLATED {violation.property}"
        yield _event("i", name, "violation", violation.time_s, thread) | {
            "s": "g",
            "args": {"text": violation.text, "step": violation.step},
        }
