"""A recording survives its file, and a file that is none is refused with the line."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kube_actors.simulation.recording import FATES, Recording, RecordingError

texts = st.text(max_size=8)
times = st.floats(allow_nan=False, allow_infinity=False) | st.integers(0, 10)
data = st.dictionaries(
    texts.filter(lambda name: name not in ("step", "time_s", "lane", "kind", "text", "self")),
    texts | st.booleans() | times,
    max_size=3,
)


@st.composite
def recordings(draw: st.DrawFn) -> Recording:
    recording = Recording(draw(texts), draw(st.integers()))
    recording.lane(*draw(st.lists(texts, max_size=2)))
    for _ in range(draw(st.integers(0, 3))):
        step, time_s, lane, kind = (
            draw(st.integers()),
            draw(times),
            draw(texts),
            draw(texts),
        )
        recording.event(step, time_s, lane, kind, draw(texts), **draw(data))
        received_s, fate = draw(st.none() | times), draw(st.sampled_from(FATES))
        recording.message(step, time_s, lane, draw(texts), received_s, kind, draw(texts), fate)
        recording.window(draw(st.lists(texts, max_size=2)), time_s, received_s, kind, draw(texts))
        recording.violation(step, time_s, lane, kind, draw(texts))
    return recording


@given(recordings())
def test_a_recording_survives_its_file(recording: Recording) -> None:
    text = recording.to_json_lines()
    again = Recording.from_json_lines(text)
    assert again == recording
    assert list(again.lanes) == list(recording.lanes)
    assert again.to_json_lines() == text


def small() -> Recording:
    recording = Recording("s", 7)
    recording.event(1, 0.5, "m1", "role", "leader", term=2)
    recording.message(2, 0.5, "m1", "m2", None, "Vote", fate="lost")
    recording.window("m1", 0.0, None, "cut")
    recording.violation(3, 1.0, "", "safety", "two leaders")
    return recording


def changed(line: int, **fields: object) -> str:
    lines = small().to_json_lines().splitlines()
    record = json.loads(lines[line - 1])
    for name, value in fields.items():
        if value == "gone":
            del record[name]
        else:
            record[name] = value
    lines[line - 1] = json.dumps(record)
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1: not JSON"),
        ("[]", "line 1: expected an object, got []"),
        (changed(1, recording=9), 'line 1: not the header of a recording ("recording": 1)'),
        (changed(1, seed="x"), 'line 1: seed: expected an integer, got "x"'),
        (changed(1, lanes=[1]), "line 1: lanes[0]: expected a text, got 1"),
        (changed(1, more=1), 'line 1: unknown field "more", known are recording, scenario, seed'),
        (changed(2, step=1.5), "line 2: step: expected an integer, got 1.5"),
        (changed(2, time_s=True), "line 2: time_s: expected a number, got true"),
        (changed(2, data={"a": None}), "line 2: data.a: expected a number, a text or true or"),
        (changed(2, lane=3), "line 2: lane: expected a text, got 3"),
        (changed(2, kind="gone"), "line 2: kind: it is missing"),
        (changed(2, text="gone"), "line 2: text: it is missing"),
        (changed(3, more=1), 'line 3: unknown field "more", known are step, sent_s, source'),
        (changed(3, fate="eaten"), "line 3: fate: expected one of delivered, lost, cut, duplicate"),
        (changed(3, received_s="x"), 'line 3: received_s: expected a number or null, got "x"'),
        (changed(4, lanes="m1"), 'line 4: lanes: expected a list, got "m1"'),
        (changed(5, record="sound"), "line 5: record: expected one of event, message, window"),
        (changed(5, record=[]), "line 5: record: expected one of event, message, window"),
        (small().to_json_lines()[:-9], "line 5: not JSON"),
        (
            small().to_json_lines().replace("0.5", "1e999", 1),
            "line 2: time_s: expected a number, got Infinity",
        ),
    ],
)
def test_what_is_no_recording_is_refused_with_its_line(text: str, said: str) -> None:
    with pytest.raises(RecordingError) as caught:
        Recording.from_json_lines(text)
    assert str(caught.value).startswith(said)


@given(st.text() | st.integers(0, 400).map(lambda at: small().to_json_lines()[:at]))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(RecordingError):
        Recording.from_json_lines(text)


def test_a_window_can_be_closed_when_its_end_is_known() -> None:
    recording = Recording()
    open_window = recording.window(("a", "b"), 1.0, None, "partition")
    recording.close_window(open_window, 4.0)
    assert [(w.begin_s, w.end_s) for w in recording.windows] == [(1.0, 4.0)]
    assert recording.end_s == 4.0
    recording.event(1, 2.0, "a", "note")
    assert recording.end_s == 2.0
