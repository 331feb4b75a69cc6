"""One run as one HTML file: no network, no other file, nothing that a text could break out of.

The page's parts stand beside this module in ``assets`` and are put together here; what the
recording says goes in as JSON, with every ``<`` escaped, and is only ever drawn or set as text.
"""

import json
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from kube_actors.simulation.recording import Recording
from kube_actors.simulation.report.spans import commits, lanes_in_order, spans

__all__ = ["assemble", "embedded", "render"]

ASSETS = Path(__file__).parent / "assets"
SCRIPTS = ("data.js", "colours.js", "layout.js", "drawing.js", "timeline.js", "table.js", "page.js")
FATES = ("delivered", "lost", "cut", "duplicate")


def render(recording: Recording, *, title: str, command: str) -> str:
    """Draw a run. ``command`` is what a person types to run it again."""
    return assemble(
        "run.html", "run.css", SCRIPTS, title, _payload(recording, title=title, command=command)
    )


def assemble(
    page: str, style: str, scripts: tuple[str, ...], title: str, payload: dict[str, Any]
) -> str:
    """Put a page's parts and its data into one file."""
    return Template(_asset(page)).substitute(
        title=escape(title),
        style=_asset("page.css") + _asset(style),
        script="\n".join(map(_asset, scripts)),
        data=embedded(payload),
    )


def embedded(payload: dict[str, Any]) -> str:
    """Write JSON that may stand inside a script element whatever texts it has."""
    text = json.dumps(payload, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _asset(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")


def _payload(recording: Recording, *, title: str, command: str) -> dict[str, Any]:
    """Everything the page draws; lanes, kinds and texts are named by their numbers."""
    end_s = recording.end_s
    lanes = {lane: i for i, lane in enumerate(lanes_in_order(recording))}
    kinds: dict[str, int] = {}
    texts: dict[str, int] = {}
    messages = [
        [
            m.step,
            m.sent_s,
            lanes[m.source],
            lanes[m.target],
            m.received_s,
            kinds.setdefault(m.kind, len(kinds)),
            texts.setdefault(m.text, len(texts)),
            FATES.index(m.fate),
        ]
        for m in sorted(recording.messages, key=lambda m: m.sent_s)
    ]
    return {
        "title": title,
        "command": command,
        "scenario": recording.scenario,
        "seed": recording.seed,
        "end": end_s,
        "lanes": list(lanes),
        "kinds": list(kinds),
        "texts": list(texts),
        "messages": messages,
        "events": [
            [e.step, e.time_s, lanes[e.lane], e.kind, e.text, dict(e.data)]
            for e in sorted(recording.events, key=lambda e: e.time_s)
        ],
        "spans": [
            [lanes[s.lane], s.kind, s.begin_s, s.end_s, s.text, s.term] for s in spans(recording)
        ],
        "commits": [[lanes[lane], time_s, index] for lane, time_s, index in commits(recording)],
        "windows": [
            [[lanes[lane] for lane in w.lanes], w.begin_s, w.end_s, w.verb, w.text]
            for w in recording.windows
            if w.begin_s <= end_s
        ],
        "violations": [
            [v.step, v.time_s, lanes.get(v.lane, -1), v.property, v.text]
            for v in sorted(recording.violations, key=lambda v: v.time_s)
        ],
    }
