"""What the pages and the trace hold, and what headless Chromium draws of them."""

import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kube_actors.simulation import Recording
from kube_actors.simulation.report import campaign, html, perfetto
from kube_actors.simulation.report.campaign import SeedResult
from kube_actors.simulation.report.spans import Span, lanes_in_order, spans

CHROMIUM = shutil.which("chromium")
NASTY = "</script><script>throw 1</script><!-- ' \" & $data ${x} \u2028 é"


def recorded() -> Recording:
    """Two terms of leaders, a crash, a partition, a lost message and two leaders of one term."""
    recording = Recording("story", 11)
    recording.lane("member 1", "member 2", "member 3")
    for member in (1, 2, 3):
        recording.event(0, 0.0, f"member {member}", "role", "follower", term=1)
    recording.event(1, 0.1, "member 1", "role", "leader", term=1)
    for n in range(40):
        target = f"member {2 + n % 2}"
        sent_s = 0.1 + n / 100
        lost = n % 10 == 9
        received_s = None if lost else sent_s + 0.004
        fate = "lost" if lost else "delivered"
        recording.message(n, sent_s, "member 1", target, received_s, "Append", "term 1", fate)
        recording.event(n, sent_s, "member 1", "commit", index=n + 1)
    recording.event(50, 0.5, "member 1", "crash", NASTY)
    recording.event(51, 0.6, "member 2", "role", "candidate", term=2)
    recording.event(52, 0.62, "member 2", "role", "leader", term=2)
    recording.event(53, 0.7, "member 1", "restart")
    recording.event(53, 0.7, "member 1", "role", "follower", term=1)
    recording.event(54, 0.75, "member 3", "pause")
    recording.event(55, 0.8, "member 3", "resume")
    recording.window(("member 3",), 0.3, 0.4, "cut", "3>1")
    recording.window(("member 1", "member 2", "member 3"), 0.2, None, "lose", "0.1")
    recording.window(("member 1",), 99.0, None, "planned", "for later than the run")
    recording.violation(60, 0.9, "member 3", "election safety", f"two leaders {NASTY}")
    return recording


def page() -> str:
    return html.render(recorded(), title=f"story {NASTY}", command=f"replay {NASTY}")


class Reader(HTMLParser):
    """Collects elements and the texts of the script elements."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.scripts: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += attrs
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, text: str) -> None:
        if self.scripts and self.lasttag == "script":
            self.scripts[-1] += text


def test_no_text_breaks_out_of_the_page() -> None:
    reader = Reader()
    reader.feed(page())
    assert (reader.tags["script"], reader.tags["title"]) == (2, 1)
    data = json.loads(reader.scripts[0])
    assert data["title"] == f"story {NASTY}"
    assert data["violations"][0][4] == f"two leaders {NASTY}"
    assert "throw 1" not in reader.scripts[1]


@given(st.text())
def test_any_text_may_stand_in_the_data(text: str) -> None:
    written = html.embedded({"text": text})
    assert not set("<>&") & set(written)
    assert json.loads(written) == {"text": text}


def test_the_page_asks_nothing_of_any_network() -> None:
    text = page()
    assert re.findall(r"https?://|src=|@import|url\(|fetch\(|XMLHttp|import\(", text) == []
    assert "default-src 'none'" in text


def test_spans_say_who_was_what_and_when() -> None:
    first = [span for span in spans(recorded()) if span.lane == "member 1"]
    assert first == [
        Span("member 1", "role", 0.0, 0.1, "follower", 1),
        Span("member 1", "role", 0.1, 0.5, "leader", 1),
        Span("member 1", "down", 0.5, 0.7, NASTY),
        Span("member 1", "role", 0.7, 0.9, "follower", 1),
    ]
    assert Span("member 3", "pause", 0.75, 0.8) in spans(recorded())


def test_lanes_that_differ_in_a_number_stand_together_in_its_order() -> None:
    recording = Recording()
    recording.lane("node-10", "api", "node-2", "store/2", "client 1", "store/1")
    recording.event(0, 0.0, "store/2", "role", "leader", term=1)
    recording.event(0, 0.0, "store/1", "role", "follower", term=1)
    order = ["store/1", "store/2", "node-2", "node-10", "api", "client 1"]
    assert lanes_in_order(recording) == order


def test_the_trace_is_one_that_perfetto_reads() -> None:
    trace = json.loads(perfetto.render(recorded()))
    events: list[dict[str, Any]] = trace["traceEvents"]
    phases = Counter(event["ph"] for event in events)
    assert set(phases) == {"M", "X", "b", "e", "i", "C", "s", "f"}
    assert phases["b"] == phases["e"] == 5
    assert phases["s"] == phases["f"] == 36
    timed = [event["ts"] for event in events if event["ph"] != "M"]
    assert timed == sorted(timed)
    for event in events:
        assert {"ph", "name", "pid", "tid"} <= set(event)
        if event["ph"] == "X":
            assert event["dur"] >= 0
        if event["ph"] in "sf":
            touching = [
                other
                for other in events
                if other["ph"] == "X" and (other["tid"], other["ts"]) == (event["tid"], event["ts"])
            ]
            assert touching, "a flow that begins or ends outside of every slice is not drawn"
    named = {e["args"]["name"] for e in events if e["name"] == "thread_name"}
    assert {"member 1", "member 1 messages"} <= named
    assert [e["s"] for e in events if e["name"] == "VIOLATED election safety"] == ["g"]


def test_role_slices_of_a_thread_do_not_overlap() -> None:
    trace = json.loads(perfetto.render(recorded()))
    ends: dict[int, float] = {}
    for event in trace["traceEvents"]:
        if event["ph"] == "X" and event["tid"] % 10 == 0:
            assert event["ts"] >= ends.get(event["tid"], 0.0)
            ends[event["tid"]] = event["ts"] + event["dur"]


def results() -> list[SeedResult]:
    held = [SeedResult("raft-5", seed, steps=100, simulated_s=3.0) for seed in range(120)]
    broken = SeedResult(
        "raft-5", 120, "liveness", NASTY, 90, 3.0, "run-120.html", "kube-actors sim replay 120"
    )
    return [*held, broken]


def test_a_campaign_links_only_to_files_beside_it() -> None:
    for href in ("javascript:alert(1)", "https://elsewhere", "/etc/passwd"):
        with pytest.raises(ValueError, match=r"seed 3: .* is not a relative path"):
            campaign.render([SeedResult("s", 3, href=href)], title="t", command="c")


def in_chromium(path: Path, tmp_path: Path, fragment: str = "", size: str = "1200,900") -> str:
    """Open a page without a network and return its document when it has drawn."""
    command = [
        CHROMIUM or "",
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        f"--user-data-dir={tmp_path / 'profile'}",
        f"--window-size={size}",
        "--virtual-time-budget=3000",
        "--enable-logging=stderr",
        "--dump-dom",
        path.as_uri() + fragment,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    assert console == []
    return done.stdout


def drawn(document: str) -> dict[str, int]:
    found = re.search(r'data-drawn="([^"]*)"', document)
    assert found is not None, "the page drew nothing"
    assert "data-errors" not in document
    said: dict[str, int] = json.loads(found.group(1).replace("&quot;", '"'))
    return said


needs_chromium = pytest.mark.skipif(
    CHROMIUM is None or sys.platform != "linux", reason="no chromium on this machine"
)


@needs_chromium
@pytest.mark.real_time
def test_chromium_draws_the_run_and_where_it_broke(tmp_path: Path) -> None:
    path = tmp_path / "run.html"
    path.write_text(page(), encoding="utf-8")
    document = in_chromium(path, tmp_path)
    assert drawn(document) == {
        "lanes": 3,
        "windows": 2,
        "messages": 40,
        "violations": 1,
        "hidden": 0,
        "terms": 2,
    }
    assert 'class="pill bad">broken: election safety' in document
    assert "two leaders &lt;/script&gt;" in document
    assert 'class="row violation' in document


@needs_chromium
@pytest.mark.real_time
def test_chromium_draws_only_what_is_in_view(tmp_path: Path) -> None:
    path = tmp_path / "run.html"
    path.write_text(page(), encoding="utf-8")
    said = drawn(in_chromium(path, tmp_path, "#from=0.2&to=0.25&messages=all", "800,900"))
    assert 3 <= said["messages"] <= 8
    assert (said["lanes"], said["violations"]) == (3, 0)


HAND = Path(__file__).parent / "hand.js"


@needs_chromium
@pytest.mark.real_time
def test_keys_wheel_pointer_and_filters_move_and_ask(tmp_path: Path) -> None:
    path = tmp_path / "run.html"
    frames = "<script>window.requestAnimationFrame = (act) => setTimeout(act, 0)</script>"
    held = page().replace("</head>", f"{frames}</head>")  # no display, no frames
    path.write_text(held.replace("</body>", f"<script>{HAND.read_text()}</script></body>"))
    document = in_chromium(path, tmp_path, "#messages=all")
    said = dict(re.findall(r'data-(keyed|whole|wheeled|jumped|tip|found)="([^"]*)"', document))
    assert said["whole"] == "40"
    assert int(said["keyed"]) < 30
    assert int(said["wheeled"]) < 40
    assert said["jumped"].startswith("1broken: election safetytwo leaders")
    assert re.match(r"Appendmember 1 → member [23]term 1sent 0\.\d+ s, received", said["tip"])
    assert said["found"].startswith("1 of ")
    assert said["found"].endswith("candidate (term 2)")
    assert "data-errors" not in document


@needs_chromium
@pytest.mark.real_time
def test_chromium_draws_a_campaign(tmp_path: Path) -> None:
    path = tmp_path / "campaign.html"
    path.write_text(campaign.render(results(), title=NASTY, command=NASTY), encoding="utf-8")
    document = in_chromium(path, tmp_path)
    assert drawn(document) == {"squares": 121, "broken": 1}
    assert 'href="run-120.html"' in document
    assert "1 of 121 seeds broke a promise" in document
